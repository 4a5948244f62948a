import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openLog } from '../../../../infra/log.ts'
import { createLan, type Lan } from '../../../../infra/sandbox/lan/lan.ts'
import { type NodeProcess, runNode } from '../../../../infra/sandbox/lan/node-process.ts'
import { needs } from '../../../support/capabilities.ts'
import { eventually } from '../../../support/eventually.ts'

const log = openLog({ level: 'error', process: 'test', to: 2 })

describe('a node of the sandbox', needs('netns'), () => {
  let lan: Lan
  let node: NodeProcess
  let revision = 0
  before(async () => {
    lan = await createLan({ nodes: ['node-a'] })
    node = runNode(lan, 'node-a', log)
  })
  after(async () => {
    await node.stop()
    await lan.destroy()
  })

  const listener = (address: string, port: number, service = 'default/nginx') => ({
    address,
    port,
    service,
    pods: ['nginx-1', 'nginx-2'],
  })
  const want = (addresses: string[], listeners: ReturnType<typeof listener>[]) =>
    node.tell({ node: 'node-a', revision: ++revision, addresses, listeners })
  const onLo = async () => {
    const { stdout } = await lan.exec('node-a', ['ip', '-o', 'addr', 'show', 'dev', 'lo'])
    return [...stdout.matchAll(/inet6? (\S+)/g)].map(match => match[1]).sort()
  }
  const curl = async (url: string) => {
    const { code, stdout } = await lan.exec('node-a', ['curl', '-gs', '-m', '5', url])
    assert.equal(code, 0, `curl ${url}`)
    return stdout
  }

  it('binds Service addresses on lo and serves a page that says who answered', async () => {
    const vips = ['192.168.50.211', 'fd00:50::211']
    want(vips, [...vips.map(vip => listener(vip, 80)), listener('192.168.50.124', 31796)])
    const page = await eventually(() => curl('http://192.168.50.211'))
    assert.match(page, /<title>Welcome to nginx!<\/title>/)
    assert.match(page, /Service default\/nginx, answered by node node-a, pod nginx-1/)
    assert.match(await curl('http://192.168.50.211'), /pod nginx-2/)
    assert.match(await eventually(() => curl('http://[fd00:50::211]')), /Welcome/)
    assert.match(await eventually(() => curl('http://192.168.50.124:31796')), /Welcome/)
    assert.deepEqual(await onLo(), [
      '127.0.0.1/8',
      '192.168.50.211/32',
      '::1/128',
      'fd00:50::211/128',
    ])
  })

  it('unbinds what is no longer wanted, and keeps the rest', async () => {
    want(['192.168.50.212'], [listener('192.168.50.212', 80, 'default/other')])
    await eventually(async () => {
      assert.deepEqual(await onLo(), ['127.0.0.1/8', '192.168.50.212/32', '::1/128'])
    })
    assert.match(await eventually(() => curl('http://192.168.50.212')), /Service default\/other/)
    await assert.rejects(curl('http://192.168.50.211'))
  })

  it('binds again what somebody removed', async () => {
    await lan.exec('node-a', ['ip', 'addr', 'del', '192.168.50.212/32', 'dev', 'lo'])
    want(['192.168.50.212'], [listener('192.168.50.212', 80)])
    assert.match(await eventually(() => curl('http://192.168.50.212')), /Service default\/nginx/)
  })

  it('goes on with what cannot be bound left out', async () => {
    want(['192.168.50.212'], [listener('192.168.50.99', 80), listener('192.168.50.212', 8080)])
    assert.match(await eventually(() => curl('http://192.168.50.212:8080')), /Welcome/)
  })

  it('comes back with the same state after it was killed', async () => {
    const pid = node.pid()
    if (pid) process.kill(pid, 'SIGKILL')
    await eventually(async () => {
      assert.notEqual(node.pid(), pid)
      assert.match(await curl('http://192.168.50.212:8080'), /Welcome/)
    })
  })

  it('takes a thousand addresses at once', async () => {
    const vips = Array.from({ length: 1000 }, (_, i) => `10.9.${i >> 8}.${i & 255}`)
    want(
      vips,
      vips.map(vip => listener(vip, 80)),
    )
    await eventually(() => curl('http://10.9.3.231'))
    want([], [])
    await eventually(async () => assert.deepEqual(await onLo(), ['127.0.0.1/8', '::1/128']))
  })
})
