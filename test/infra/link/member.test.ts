/** Links that agree on the LAN who answers, without Redis and without anybody's main thread. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { Claim } from '../../../functions/liveness/messages.ts'
import type { PlacedNode } from '../../../functions/model/placement.ts'
import { needs } from '../../support/capabilities.ts'
import { eventually } from '../../support/eventually.ts'
import { countersOf, macOf, memberIn, question, wireIn } from '../../support/link-lab.ts'
import { segment, sh } from '../../support/segment.ts'
import type { Talk } from '../../support/talk.ts'
import { type Scope, undoing } from '../../support/undo.ts'

const VIP = '10.7.0.50'
const [A, B] = [
  { node: 'a', interfaces: null },
  { node: 'b', interfaces: null },
]
const claim: Claim = {
  group: VIP,
  addresses: [VIP],
  epoch: { number: 1, node: 'a' },
  owner: A,
  standbys: [B],
}
interface Mover {
  readonly link: Talk
  readonly mac: string
  readonly placed: PlacedNode
}

/** Redis gives the address to the other. */
function moved(number: number, owner: PlacedNode, standby: PlacedNode) {
  const epoch = { number, node: '' }
  const rest = { v: 1, reason: '', sinceMs: 0 } as const
  const placement = { ...rest, group: VIP, addresses: [VIP], epoch, owner, standbys: [standby] }
  return { placements: [placement], alive: ['a', 'b'], unprobed: [] }
}

async function hearsOf(link: Talk, node: string): Promise<void> {
  await eventually(() => {
    const heard = link.said.filter(line => 'hears' in line).at(-1)
    assert.ok((heard?.hears as string[] | undefined)?.includes(node), 'not heard yet')
  })
}

async function lab(t: Scope, addressless: boolean) {
  const scope = undoing(t)
  const lan = await segment(scope)
  const client = await lan.host('client', '10.7.0.1/24')
  const [a, b] = [await lan.host('node-a', '10.7.0.3/24'), await lan.host('node-b', '10.7.0.4/24')]
  if (addressless) for (const host of [a, b]) await sh(host, 'ip addr flush dev eth0')
  const wire = await wireIn(scope, client)
  return { scope, lan, client, a, b, wire, macs: { a: await macOf(a), b: await macOf(b) } }
}

test('what is out of bounds is not answered for, whoever claims it', needs('netns'), async t => {
  const { scope, a, b, wire, macs } = await lab(t, false)
  const owner = await memberIn(scope, a, 'a', { remembered: [claim], within: ['10.7.0.0/27'] })
  await memberIn(scope, b, 'b')
  await owner.hear('log', 0)
  await assert.rejects(wire.ask(VIP), /nobody answers/, 'nor does its standby')
  owner.say({ do: 'bind', within: ['10.7.0.0/27', `${VIP}-${VIP}`] })
  await eventually(async () => assert.deepEqual(await wire.ask(VIP), [macs.a]))
  owner.say({ do: 'bind', within: [] })
  await eventually(() => assert.rejects(wire.ask(VIP), /nobody answers/))
})

describe('a standby', { ...needs('netns'), concurrency: 3 }, () => {
  for (const [name, addressless] of [
    ['takes over from a node that is silent', false],
    ['takes over also where no interface has an address', true],
  ] as const) {
    test(name, async t => {
      const { scope, a, b, wire, macs } = await lab(t, addressless)
      const owner = await memberIn(scope, a, 'a', { remembered: [claim] })
      const standby = await memberIn(scope, b, 'b')
      await hearsOf(standby, 'a')
      assert.deepEqual(await wire.ask(VIP), [macs.a])
      owner.child.kill('SIGKILL')
      await eventually(async () => assert.deepEqual(await wire.ask(VIP), [macs.b]))
    })
  }

  test('leaves nobody without an answer when it is given an address: what was asked before is answered by who had it', async t => {
    const { scope, client, a, b, wire, macs } = await lab(t, false)
    const owner = await memberIn(scope, a, 'a', { remembered: [claim] })
    const standby = await memberIn(scope, b, 'b')
    await hearsOf(standby, 'a')
    await hearsOf(owner, 'b')
    assert.deepEqual(await wire.ask(VIP), [macs.a])
    let [had, gets]: [Mover, Mover] = [
      { link: owner, mac: macs.a, placed: A },
      { link: standby, mac: macs.b, placed: B },
    ]
    // A pause of 300 ms is more than a pause: on a busy machine it takes another try.
    for (let number = 2; ; number++) {
      const beganMs = performance.now()
      had.link.child.kill('SIGSTOP')
      const asker = `10.7.0.${100 + number}`
      await wire.send(question(await macOf(client), VIP, asker))
      await setTimeout(60)
      gets.link.say({ do: 'read', ...moved(number, gets.placed, had.placed) })
      await setTimeout(100) // its next beat is due
      had.link.child.kill('SIGCONT')
      const tookMs = performance.now() - beganMs
      await eventually(async () => assert.deepEqual(await wire.ask(VIP), [gets.mac]))
      const answers = wire.heard().filter(one => one.target === asker)
      const before = answers.some(one => one.senderMAC === had.mac)
      if (before || (number > 2 && tookMs < 250)) {
        assert.ok(before, `nobody answered for it, ${tookMs} ms`)
        return
      }
      ;[had, gets] = [gets, had]
    }
  })

  test(
    'has a switch that prunes groups told that it listens to beats in IPv6',
    needs('ipv6'),
    async t => {
      const { scope, lan, a } = await lab(t, false)
      await sh(lan.hub, 'sysctl -qw net.ipv6.conf.br0.disable_ipv6=0')
      await sh(lan.hub, 'ip link set br0 type bridge mcast_snooping 1')
      await sh(a, 'sysctl -qw net.ipv6.conf.all.disable_ipv6=0')
      const link = await memberIn(scope, a, 'a')
      await eventually(async () => {
        assert.match(await sh(lan.hub, 'bridge mdb show'), /port node-a grp ff02::114/)
      }, 20_000)
      await link.end()
    },
  )

  test('takes nothing from a node whose beats it cannot believe, and says so', async t => {
    const { scope, a, b, wire, macs } = await lab(t, false)
    const owner = await memberIn(scope, a, 'a', { remembered: [claim] })
    const standby = await memberIn(scope, b, 'b', { key: 'another secret' })
    const alarm = await standby.hear('alarm', 0)
    assert.deepEqual(alarm, { alarm: 'unknownBeat', node: 'a' })
    const { beats } = await countersOf(standby)
    assert.ok((beats?.drops.unauthenticated ?? 0) > 0)
    assert.deepEqual(await wire.ask(VIP), [macs.a])
    await owner.end()
  })
})

/** Of beats; each comes in on every LAN. */
async function hearsMore(link: Talk, beats: number): Promise<void> {
  const received = async () => (await countersOf(link)).beats?.received ?? 0
  const before = await received()
  await eventually(async () => assert.ok((await received()) > before + beats))
}

describe('an address', needs('netns'), () => {
  test('moves when the cable of its LAN is pulled, and not for one of another LAN', async t => {
    const { scope, lan, a, b, wire, macs } = await lab(t, false)
    const other = await segment(scope)
    await other.attach(a, 'node-a', 'storage', '10.8.0.3/24')
    await other.attach(b, 'node-b', 'other', '10.8.0.4/24')
    await memberIn(scope, a, 'a', { remembered: [claim] })
    const standby = await memberIn(scope, b, 'b')
    await hearsOf(standby, 'a')
    assert.deepEqual(await wire.ask(VIP), [macs.a])
    await sh(other.hub, 'ip link set node-a down')
    await hearsMore(standby, 10)
    assert.deepEqual(await wire.ask(VIP), [macs.a])
    await sh(other.hub, 'ip link set node-a up')
    await hearsMore(standby, 10)
    await sh(lan.hub, 'ip link set node-a down')
    await eventually(async () => assert.deepEqual(await wire.ask(VIP), [macs.b]))
  })

  test('lives on the interfaces that are in its network, and on all where none is', async t => {
    const { scope, a, wire, macs } = await lab(t, false)
    const other = await segment(scope)
    const beyond = await wireIn(scope, await other.host('beyond', '10.8.0.1/24'))
    await other.attach(a, 'node-a', 'eth1', '10.8.0.3/24')
    const [eth1 = ''] = (await sh(a, 'cat /sys/class/net/eth1/address')).split('\n')
    const homeless = { ...claim, group: '10.9.0.9', addresses: ['10.9.0.9'] }
    const link = await memberIn(scope, a, 'a', { remembered: [claim, homeless] })
    await eventually(async () => assert.deepEqual(await beyond.ask('10.9.0.9'), [eth1]))
    assert.deepEqual(await wire.ask('10.9.0.9'), [macs.a])
    assert.deepEqual(await wire.ask(VIP), [macs.a])
    await beyond.request(VIP)
    await beyond.ask('10.9.0.9') // answered after that
    assert.deepEqual(beyond.answerers(VIP), [])
    await sh(a, 'ip addr add 10.7.0.200/24 dev eth1')
    await eventually(async () => assert.deepEqual(await beyond.ask(VIP), [eth1]))
    await link.end()
  })
})
