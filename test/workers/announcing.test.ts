/** The announcer where it works: in the namespace of a node, beside others, with real frames. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { stateOf } from '../../infra/redis/state.ts'
import { needs } from '../support/capabilities.ts'
import { herald as command, commands } from '../support/cli.ts'
import { eventually } from '../support/eventually.ts'
import { type Lab, lab } from '../support/lab.ts'
import { undoing } from '../support/undo.ts'

const NODES = ['node-a', 'node-b', 'node-c']

describe('an address on the LAN', needs('netns', 'redis', 'kubectl'), () => {
  let all: Lab
  const addresses: string[] = []
  const lines: string[] = []
  const owners = new Map<string, string>()

  const scope = undoing({ after }) // said in a hook, `after` would be of the hook
  before(async () => {
    all = await lab(scope, { onLine: line => void lines.push(line) })
    for (const name of ['one', 'two', 'three']) await all.serve(name)
    for (const name of ['one', 'two', 'three']) addresses.push(await all.addressOf(name))
  })

  /** The one node that answers; fails while there is none, or more than one. */
  const ownerOf = (address: string, limitMs = 20_000) =>
    eventually(async () => {
      const answerers = await all.answerers(address)
      assert.equal(answerers.length, 1, `${address} is answered by [${answerers}]`)
      return answerers[0] ?? ''
    }, limitMs)

  const first = () => {
    const [address = ''] = addresses
    return { address, node: owners.get(address) ?? '' }
  }
  const moved = (address: string, from: string) =>
    eventually(async () => {
      const owner = await ownerOf(address, 0)
      assert.notEqual(owner, from, `${address} is answered by ${owner}`)
      owners.set(address, owner)
    }, 30_000)
  const everyOwner = async () => {
    const found = new Map<string, string>()
    for (const address of addresses) found.set(address, await ownerOf(address))
    return found
  }
  const pidOf = (node: string) => all.process(node).pid() ?? 0
  /** Kills the announcers; returns when they run again. */
  const kill = async (...nodes: string[]) => {
    const pids = nodes.map(pidOf)
    for (const pid of pids) process.kill(pid, 'SIGKILL')
    await eventually(() => {
      for (const [i, node] of nodes.entries()) {
        assert.ok(![0, pids[i]].includes(pidOf(node)), `${node} runs again`)
      }
    })
  }
  const recordedOwner = async (address: string) =>
    (await stateOf(all.redis.connect(), '{herald}').placement('default', address))?.owner?.node

  /**
   * Nothing moves for this. On a busy machine an announcer may not run for 300 ms, and a standby is then right to take
   * over; what moves addresses does so every time.
   */
  const leavesAllInPlace = async (step: () => Promise<unknown>) => {
    for (let attempt = 1; ; attempt++) {
      const ownersBefore = await everyOwner()
      await step()
      const ownersAfter = await everyOwner()
      for (const [address, owner] of ownersAfter) owners.set(address, owner)
      if (isDeepStrictEqual(ownersAfter, ownersBefore)) return
      if (attempt === 3) assert.deepEqual(ownersAfter, ownersBefore)
    }
  }
  const redisKnows = () =>
    eventually(async () => {
      for (const [address, node] of await everyOwner()) {
        assert.equal(await recordedOwner(address), node)
      }
    }, 30_000)

  it('is answered by exactly one node, and three are spread over three nodes', async () => {
    for (const address of addresses) owners.set(address, await ownerOf(address))
    assert.deepEqual([...new Set(owners.values())].sort(), NODES)
    const silent = await all.answerers('192.168.50.219')
    assert.deepEqual(silent, [], 'an address that nobody holds')
  })

  describe('that another host has', () => {
    const [taken, next, named] = ['192.168.50.214', '192.168.50.215', '192.168.50.216']
    const client = (...argv: string[]) => all.lan.exec('client', argv)
    const takes = (address: string) => client('ip', 'addr', 'add', `${address}/32`, 'dev', 'eth0')
    const warned = (service: string, words: RegExp) =>
      eventually(async () => {
        const about = `involvedObject.name=${service},reason=AddressConflict,type=Warning`
        const note = 'jsonpath={.items[*].note}{.items[*].message}'
        const said = await all.kubectl('get', 'events', '--field-selector', about, '-o', note)
        assert.match(said, words)
        assert.match(said, new RegExp(all.lan.client.mac))
      }, 20_000)
    after(async () => {
      for (const address of [taken, next, named]) {
        await client('ip', 'addr', 'del', `${address}/32`, 'dev', 'eth0')
      }
      await all.kubectl('delete', 'svc', 'four', 'named')
    })

    it('is found before it is announced: its Service gets the next one, and is told the MAC', async () => {
      await takes(taken)
      await all.serve('four')
      await warned('four', /^192\.168\.50\.214 is in use by another host/)
      await eventually(async () => assert.equal(await all.addressOf('four'), next))
      await ownerOf(next)
      const state = stateOf(all.redis.connect(), '{herald}')
      assert.equal((await state.quarantines([taken]))[0]?.mac, all.lan.client.mac)
      await eventually(async () => assert.deepEqual(await state.lan([next]), [null])) // probed once and for all
      const condition = 'jsonpath={.status.conditions[*].message}'
      const shown = await all.kubectl('get', 'svc', 'four', '-o', condition)
      assert.match(shown, new RegExp(`^${next} from pool .*; ${taken} is in use by`))
    })

    it('is kept when it was asked for by name, with a warning', async () => {
      await takes(named)
      const how = ['--port=80', '--type=LoadBalancer', `--load-balancer-ip=${named}`]
      await all.kubectl('expose', 'deployment', 'four', '--name=named', ...how)
      await warned('named', /claims 192\.168\.50\.216 too: node-. heard it on eth0/)
      assert.equal(await all.addressOf('named'), named)
    })

    it('is kept when it is announced already, with a warning', async () => {
      await takes(next)
      await client('arping', '-U', '-c', '1', '-I', 'eth0', next)
      await warned('four', /claims 192\.168\.50\.215 too/)
      assert.equal(await all.addressOf('four'), next)
    })
  })

  it('that the kernel of a node answers for as well is told on that node, until it does so no more', async () => {
    const { address, node } = first()
    const [other = ''] = NODES.filter(name => name !== node)
    const onLo = (what: string) =>
      all.lan.exec(other, ['ip', 'addr', what, `${address}/32`, 'dev', 'lo'])
    const strict = (value: 0 | 1) => {
      const conf = ['all', 'default', 'eth0'].map(at => `net.ipv4.conf.${at}.arp_ignore=${value}`)
      return all.lan.exec(other, ['sysctl', '-q', ...conf])
    }
    const explained = async () =>
      (await commands(scope, all.redis.path)('explain', 'node', other)).said
    const isTold = new RegExp(`the kernel answers for ${address} too`)
    await onLo('add').catch(() => {}) // the sandbox binds it already
    await strict(0)
    await eventually(async () => {
      const about = `involvedObject.name=${other},reason=KernelAnswers,type=Warning`
      const note = 'jsonpath={.items[*].note}{.items[*].message}'
      const said = await all.kubectl('get', 'events', '-A', '--field-selector', about, '-o', note)
      assert.match(said, new RegExp(`strictARP.*${address}`))
      assert.match(await explained(), isTold)
    }, 60_000)
    await strict(1)
    await eventually(async () => assert.doesNotMatch(await explained(), isTold), 60_000)
  })

  it('goes to a standby when its announcer is killed, which Redis and the log are told, and stays there', async () => {
    const { address, node } = first()
    await kill(node)
    await moved(address, node)
    await eventually(async () => assert.equal(await recordedOwner(address), owners.get(address)))
    const said = new RegExp(
      `^${owners.get(address)}: .*"${address}".*"outageMs":\\d+.*took over on`,
    )
    await eventually(() => assert.ok(lines.some(line => said.test(line))))
    await leavesAllInPlace(redisKnows)
  })

  it('goes to a standby when the cable of its node is pulled, and stays there when it is back', async () => {
    const { address, node } = first()
    await all.lan.cable(node, 'down')
    try {
      await moved(address, node)
    } finally {
      await all.lan.cable(node, 'up')
    }
    await leavesAllInPlace(redisKnows)
  })

  it('goes to a standby when its node is paused, which yields when it goes on', async () => {
    const { address, node } = first()
    const pid = pidOf(node)
    process.kill(pid, 'SIGSTOP')
    try {
      await moved(address, node)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await leavesAllInPlace(redisKnows)
  })

  describe('while Redis is away', () => {
    after(() => all.redis.start())

    it('stays where it is, and answered', async () => {
      await leavesAllInPlace(() => all.redis.stop())
    })

    it('goes to a standby when its announcer is killed', async () => {
      const { address, node } = first()
      await kill(node)
      await moved(address, node)
      for (const [one, owner] of await everyOwner()) owners.set(one, owner)
    })

    it('is answered by one node again after nodes that did not hear each other do', async () => {
      for (const node of NODES) await all.lan.isolate(node, true)
      try {
        await eventually(async () => {
          const answerers = await all.answerers(addresses[0] ?? '')
          assert.ok(answerers.length > 1, 'each part has an owner')
        })
      } finally {
        for (const node of NODES) await all.lan.isolate(node, false)
      }
      for (const [one, owner] of await everyOwner()) owners.set(one, owner)
    })

    it('is answered, by one node, after every announcer was killed', async () => {
      await kill(...NODES)
      for (const [one, owner] of await everyOwner()) owners.set(one, owner)
    })
  })

  it('stays where it is when Redis comes back, which learns who answers', async () => {
    await leavesAllInPlace(redisKnows)
  })

  it('stays where it is when Redis loses everything', async () => {
    await leavesAllInPlace(async () => {
      await all.redis.connect().flushall()
      await redisKnows()
    })
    assert.equal(await all.addressOf('one'), addresses[0])
  })

  it('is answered by another before its node stops answering, when that is drained', async () => {
    const { address, node } = first()
    const herald = (verb: string) =>
      command(scope, [verb, node, '--redis-url', all.redis.path]).exit
    const pinging = all.lan.exec('client', ['ping', '-i', '0.05', '-c', '100', '-W', '1', address])
    assert.equal(await herald('drain'), 0)
    assert.notEqual(await ownerOf(address), node)
    const { stdout } = await pinging
    assert.match(stdout, / 0% packet loss/, stdout.slice(-300))
    assert.equal(await herald('undrain'), 0)
    for (const [known, owner] of await everyOwner()) owners.set(known, owner)
  })

  it('is answered by another before its node stops, when the stop is planned', async () => {
    const { address, node } = first()
    const pinging = all.lan.exec('client', ['ping', '-i', '0.05', '-c', '100', '-W', '1', address])
    await all.process(node).stop()
    const { stdout } = await pinging
    assert.match(stdout, / 0% packet loss/, stdout.slice(-300))
    assert.notEqual(await ownerOf(address), node)
    const state = stateOf(all.redis.connect(), '{herald}')
    assert.equal(await state.handedBy('default', address), node, 'it is to have it back')
  })

  it('is not answered any more once its Service is gone', async () => {
    await all.kubectl('delete', 'svc', 'three')
    await eventually(async () => assert.deepEqual(await all.answerers(addresses[2] ?? ''), []))
  })
})
