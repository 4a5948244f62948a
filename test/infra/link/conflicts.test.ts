/** Links on a LAN where somebody else has, or takes, an address of theirs. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { announcements } from '../../../functions/announce/announcement.ts'
import type { Claim } from '../../../functions/liveness/messages.ts'
import type { Asking, Finding } from '../../../functions/model/finding.ts'
import { parseIPv4 } from '../../../functions/wire/bytes.ts'
import type { Withheld } from '../../../infra/link/link.ts'
import type { Namespace } from '../../../infra/sandbox/lan/namespace.ts'
import { needs } from '../../support/capabilities.ts'
import { eventually } from '../../support/eventually.ts'
import {
  countersOf,
  macNumber,
  macOf,
  memberIn,
  neighbour,
  type Wire,
  wireIn,
} from '../../support/link-lab.ts'
import { segment, sh } from '../../support/segment.ts'
import type { Talk } from '../../support/talk.ts'
import { undoing } from '../../support/undo.ts'

/** What the one beside claims when it starts. */
const CLAIM: Claim = {
  group: '10.7.0.58',
  addresses: ['10.7.0.58'],
  epoch: { number: 5, node: 'b' },
  owner: { node: 'b', interfaces: null },
  standbys: [{ node: 'a', interfaces: null }],
}
const EVERYBODY = 'ff:ff:ff:ff:ff:ff'

describe('a member', needs('netns', 'ipv6'), () => {
  const scope = undoing({ after })
  let wire: Wire
  let [client, node, other] = [] as unknown as [Namespace, Namespace, Namespace]
  let [link, beside] = [] as unknown as [Talk, Talk]
  const macs = { client: '', node: '', other: '' }

  before(async () => {
    const lan = await segment(scope)
    client = await lan.host('client', '10.7.0.1/24')
    node = await lan.host('node', '10.7.0.3/24')
    other = await lan.host('other', '10.7.0.4/24')
    for (const host of [client, node, other]) {
      await sh(host, 'sysctl -qw net.ipv6.conf.all.disable_ipv6=0')
    }
    macs.client = await macOf(client)
    macs.node = await macOf(node)
    macs.other = await macOf(other)
    wire = await wireIn(scope, client)
    link = await memberIn(scope, node, 'a')
    beside = await memberIn(scope, other, 'b', { remembered: [CLAIM] })
    await beside.hear('hears', 0)
  })

  /** What Redis says: `a` owns this address. */
  const read = (address: string, unprobed: readonly [string, Asking][]) => ({
    do: 'read',
    placements: [
      {
        v: 1,
        group: address,
        addresses: [address],
        epoch: { number: 1, node: 'a' },
        owner: { node: 'a', interfaces: null },
        standbys: [{ node: 'b', interfaces: null }],
        reason: '',
        sinceMs: 0,
      },
    ],
    alive: ['a', 'b'],
    unprobed,
  })
  /** `asking` null: it has been announced before. */
  const own = (address: string, asking: Asking | null = 'automatic') =>
    link.say(read(address, asking ? [[address, asking]] : []))
  const findings = (address: string) =>
    link.said
      .flatMap(line => ('found' in line ? [line.found as Finding] : []))
      .filter(one => one.address === address)
  const found = async (address: string, count = 1) => {
    await eventually(() => assert.ok(findings(address).length >= count, `${address}: too few`))
    return findings(address)
  }
  const announcedBy = (mac: string, address: string) =>
    wire
      .heard()
      .filter(one => one.to === EVERYBODY && one.senderMAC === mac && one.sender === address)
  const probesFor = (address: string) =>
    wire.heard().filter(one => one.sender === '0.0.0.0' && one.target === address)
  const by = (mac: string) => ({ mac, interface: 'eth0' })
  const takes = (address: string, from = macs.client) =>
    wire.send(announcements(parseIPv4(address) ?? 0, macNumber(from))[0] ?? new Uint8Array())

  test('probes a new address three times before it answers for it', async () => {
    own('10.7.0.50')
    assert.deepEqual(await wire.ask('10.7.0.50'), [macs.node])
    const probes = probesFor('10.7.0.50')
    assert.deepEqual(
      probes.map(({ operation, senderMAC, target }) => [operation, senderMAC, target]),
      Array(3).fill([1, macs.node, '10.7.0.50']),
    )
    const first = wire.heard().findIndex(one => one.sender === '10.7.0.50')
    assert.ok(first > wire.heard().indexOf(probes[2] ?? probes[0] ?? assert.fail()))
    assert.deepEqual(findings('10.7.0.50'), [
      { address: '10.7.0.50', probing: true, foreign: null },
    ])
  })

  test('does not answer for one that somebody has, until it is told to', async () => {
    await sh(client, 'ip addr add 10.7.0.51/32 dev eth0')
    own('10.7.0.51')
    const foreign = by(macs.client)
    assert.deepEqual(await found('10.7.0.51'), [{ address: '10.7.0.51', probing: true, foreign }])
    assert.deepEqual(announcedBy(macs.node, '10.7.0.51'), [])
    link.say({ do: 'begin', addresses: ['10.7.0.51'] })
    assert.deepEqual(await wire.ask('10.7.0.51'), [macs.node])
  })

  test('answers for one that is asked for by name all the same, and says who has it', async () => {
    await sh(client, 'ip addr add 10.7.0.52/32 dev eth0')
    own('10.7.0.52', 'named')
    const [first] = await found('10.7.0.52')
    assert.deepEqual(first?.foreign, by(macs.client))
    assert.deepEqual(await wire.ask('10.7.0.52'), [macs.node])
  })

  test('does not probe what was announced before', async () => {
    own('10.7.0.53', null)
    assert.deepEqual(await wire.ask('10.7.0.53'), [macs.node])
    assert.deepEqual(probesFor('10.7.0.53'), [])
    assert.deepEqual(findings('10.7.0.53'), [])
  })

  test('takes another member for nobody else', async () => {
    for (const address of ['10.7.0.54', '10.7.0.55']) {
      own(address)
      await found(address)
    }
    const before = (await countersOf(link)).conflicts
    await takes('10.7.0.55', macs.other)
    await takes('10.7.0.54', macs.client)
    await found('10.7.0.54', 2)
    const counted = (await countersOf(link)).conflicts
    assert.equal(counted?.announcement, (before?.announcement ?? 0) + 1, 'the second only')
    assert.equal(findings('10.7.0.55').length, 1)
  })

  test('does all of that for IPv6', async () => {
    await sh(client, 'ip -6 addr add 2001:db8::61/64 dev eth0 nodad')
    own('2001:db8::60')
    own('2001:db8::61')
    assert.deepEqual(await found('2001:db8::60'), [
      { address: '2001:db8::60', probing: true, foreign: null },
    ])
    await eventually(async () => {
      await sh(client, 'ping -6 -c1 -W1 2001:db8::60 || true')
      assert.match(await neighbour(client, '2001:db8::60'), new RegExp(`lladdr ${macs.node}`))
    }, 20_000)
    const [taken] = await found('2001:db8::61')
    assert.deepEqual(taken, { address: '2001:db8::61', probing: true, foreign: by(macs.client) })
    // It would wait for up to a second, and an announcement that it hears meanwhile settles the matter.
    await sh(client, 'sysctl -qw net.ipv6.conf.eth0.router_solicitation_delay=0')
    await sh(client, 'ip -6 addr add 2001:db8::60/64 dev eth0') // detects duplicates
    const [, claimed] = await found('2001:db8::60', 2)
    assert.deepEqual(claimed, { address: '2001:db8::60', probing: false, foreign: by(macs.client) })
  })

  test('defends an announced address once, however often somebody else claims it, and counts', async () => {
    await eventually(
      () => assert.equal(announcedBy(macs.node, '10.7.0.50').length, 10, 'the burst'),
      20_000,
    )
    const before = (await countersOf(link)).conflicts?.announcement ?? 0
    for (let claim = 0; claim < 5; claim++) await takes('10.7.0.50')
    assert.deepEqual((await found('10.7.0.50', 2)).slice(1), [
      { address: '10.7.0.50', probing: false, foreign: by(macs.client) },
    ])
    await eventually(async () => {
      assert.equal((await countersOf(link)).conflicts?.announcement, before + 5)
    })
    const said = announcedBy(macs.node, '10.7.0.50').slice(10)
    assert.deepEqual(
      said.map(one => one.operation),
      [1, 2],
    )
  })

  test('that takes over what Redis said was its own to probe answers at once', async () => {
    assert.deepEqual(await wire.ask('10.7.0.58'), [macs.other])
    own('10.7.0.58')
    beside.child.kill('SIGKILL')
    await eventually(async () => assert.deepEqual(await wire.ask('10.7.0.58'), [macs.node]))
    assert.deepEqual(probesFor('10.7.0.58'), [])
  })

  test('that takes over what was still being probed answers at once', async () => {
    beside = await memberIn(scope, other, 'b')
    await beside.hear('hears', 0)
    beside.say(read('10.7.0.57', []))
    own('10.7.0.57')
    await eventually(() => assert.ok(probesFor('10.7.0.57').length > 0))
    link.child.kill('SIGKILL')
    assert.deepEqual(await wire.ask('10.7.0.57'), [macs.other])
    assert.ok(probesFor('10.7.0.57').every(({ senderMAC }) => senderMAC === macs.node))
  })

  test('that was killed while it probed an address probes it again, and nothing that it had announced', async () => {
    const [announced, probed] = ['10.7.0.59', '10.7.0.60'].map(group => ({
      ...{ ...CLAIM, group, addresses: [group] },
      ...{ epoch: { number: 5, node: 'a' }, owner: { node: 'a', interfaces: null }, standbys: [] },
    }))
    assert.ok(announced && probed)
    beside.child.kill('SIGKILL') // nobody is to take over
    link = await memberIn(scope, node, 'a')
    own('10.7.0.60')
    const withheld = (await link.hear('withheld', 0)).withheld as Withheld[]
    assert.deepEqual(withheld, [['10.7.0.60', 'automatic']])
    link.child.kill('SIGKILL')
    const since = wire.heard().length
    link = await memberIn(scope, node, 'a', { remembered: [announced, probed], withheld })
    assert.deepEqual(await wire.ask('10.7.0.59'), [macs.node])
    assert.deepEqual(await wire.ask('10.7.0.60'), [macs.node])
    const said = wire
      .heard()
      .slice(since)
      .filter(one => one.senderMAC === macs.node)
    const first = said.findIndex(one => one.sender === '10.7.0.60')
    const probes = said.filter(one => one.sender === '0.0.0.0')
    assert.deepEqual(
      probes.map(one => one.target),
      Array(3).fill('10.7.0.60'),
    )
    assert.ok(first > said.lastIndexOf(probes[2] ?? assert.fail()))
    assert.deepEqual((await link.hear('ended', 0)).ended, ['10.7.0.60'])
  })
})
