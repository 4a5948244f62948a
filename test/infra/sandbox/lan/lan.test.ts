import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createLan, type Lan } from '../../../../infra/sandbox/lan/lan.ts'
import { needs } from '../../../support/capabilities.ts'
import { eventually } from '../../../support/eventually.ts'

describe('the LAN of the sandbox', needs('netns'), () => {
  let lan: Lan
  before(async () => {
    lan = await createLan()
  })
  after(() => lan.destroy())

  it('joins three nodes and a client on 192.168.50.0/24, the article’s node first', async () => {
    const [first] = lan.nodes
    assert.equal(first?.ipv4, '192.168.50.124')
    assert.deepEqual(
      lan.nodes.map(node => node.name),
      ['node-a', 'node-b', 'node-c'],
    )
    for (const node of lan.nodes) {
      const { code, stdout } = await lan.exec('client', ['ping', '-c1', '-W3', node.ipv4])
      assert.equal(code, 0, stdout)
    }
  })

  it('has IPv6 on every host, usable at once', {
    skip: !existsSync('/proc/sys/net/ipv6'),
  }, async () => {
    for (const { ipv6 } of lan.nodes) {
      const { code, stdout } = await lan.exec('client', ['ping', '-6', '-c1', '-W3', `${ipv6}`])
      assert.equal(code, 0, stdout)
    }
  })

  it('shows each host its own interfaces under /sys', async () => {
    const { stdout } = await lan.exec('node-b', ['ls', '/sys/class/net'])
    assert.deepEqual(stdout.split(/\s+/).filter(Boolean).sort(), ['eth0', 'lo'])
  })

  it('leaves addresses on lo unanswered by the kernel, as kube-proxy in IPVS mode does', async () => {
    const vip = '192.168.50.211'
    await lan.exec('node-a', ['ip', 'addr', 'add', `${vip}/32`, 'dev', 'lo'])
    const arping = await lan.exec('client', ['arping', '-c2', '-w2', '-I', 'eth0', vip])
    assert.match(arping.stdout, /Received 0 response/)
    const control = await lan.exec('client', [
      'arping',
      '-c1',
      '-w5',
      '-I',
      'eth0',
      '192.168.50.124',
    ])
    assert.match(control.stdout, /Received 1 response/)
    await lan.exec('node-a', ['ip', 'addr', 'del', `${vip}/32`, 'dev', 'lo'])
  })

  it('loses a node whose cable is pulled, and has it back when it is put in again', async () => {
    const ping = ['ping', '-c1', '-W1', '192.168.50.126']
    await lan.cable('node-c', 'down')
    const carrier = ['cat', '/sys/class/net/eth0/carrier']
    assert.equal((await lan.exec('node-c', carrier)).stdout.trim(), '0')
    assert.notEqual((await lan.exec('client', ping)).code, 0)
    await lan.cable('node-c', 'up')
    await eventually(async () => assert.equal((await lan.exec('client', ping)).code, 0))
  })

  it('stands beside others, and none hears the other', async () => {
    const other = await createLan({ nodes: ['lonely'] })
    try {
      const names = await other.exec('client', ['ping', '-c1', '-W1', '192.168.50.125'])
      assert.notEqual(names.code, 0)
    } finally {
      await other.destroy()
    }
  })
})

describe('what a LAN leaves behind', needs('netns'), () => {
  it('is nothing, once it is destroyed', async () => {
    const lan = await createLan({ nodes: ['node-a'] })
    const pids = ['client', 'node-a'].map(name => holderOf(lan, name))
    await lan.destroy()
    for (const pid of pids) assert.equal(existsSync(`/proc/${pid}`), false)
  })

  it('is nothing, when its owner is killed', async t => {
    const { owner, pids } = await lanOfAnotherProcess()
    t.after(() => owner.kill('SIGKILL'))
    for (const pid of pids) assert.equal(existsSync(`/proc/${pid}/ns/net`), true)
    owner.kill('SIGKILL')
    await eventually(() => {
      for (const pid of pids) assert.equal(existsSync(`/proc/${pid}`), false)
    })
  })
})

describe('a LAN without root', needs('netns'), () => {
  it('is made in a user namespace of its own, and packet sockets open there', async t => {
    const lan = await createLan({ privilege: 'user', nodes: ['node-a'] })
    t.after(() => lan.destroy())
    const uids = await lan.exec('node-a', ['cat', '/proc/self/uid_map'])
    assert.match(uids.stdout.trim(), /^0\s+\d+\s+1$/) // root there, a single user outside
    const arping = await lan.exec('client', [
      'arping',
      '-c1',
      '-w5',
      '-I',
      'eth0',
      '192.168.50.124',
    ])
    assert.match(arping.stdout, /Received 1 response/)
  })
})

const holderOf = (lan: Lan, host: string) => lan.enter(host)[2]

async function lanOfAnotherProcess() {
  const code = `
    const { createLan } = await import(${JSON.stringify(LAN)})
    const lan = await createLan({ nodes: ['node-a'] })
    console.log(JSON.stringify(['client', 'node-a'].map(name => lan.enter(name)[2])))
    setInterval(() => {}, 1000)`
  const owner = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface(owner.stdout), 'line')) as [string]
  return { owner, pids: JSON.parse(line) as string[] }
}

const LAN = fileURLToPath(new URL('../../../../infra/sandbox/lan/lan.ts', import.meta.url))
