import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  ALARM_EVERY_MS,
  ALARMS_MAX,
  type Attached,
  type Claim,
  type Command,
  type Event,
} from '../../../functions/liveness/messages.ts'
import { Protocol } from '../../../functions/liveness/protocol.ts'
import { parseCIDR } from '../../../functions/model/address.ts'
import type { Placement } from '../../../functions/model/placement.ts'

const GROUP = '10.0.0.1'
const attached = (carrier: boolean, prefix?: string): Attached => {
  const network = parseCIDR(prefix ?? '')
  return { carrier, networks: network ? [network] : [] }
}
const claim = (nodes: string[], number: number): Claim => {
  const [owner, ...standbys] = nodes.map(node => ({ node, interfaces: null }))
  assert.ok(owner)
  return { group: GROUP, addresses: [GROUP], epoch: { number, node: owner.node }, owner, standbys }
}
const placed = (nodes: string[], number: number): Placement => {
  const { epoch, owner, standbys } = claim(nodes.length > 0 ? nodes : ['-'], number)
  const withdrawn = nodes.length === 0
  return {
    v: 1,
    group: GROUP,
    addresses: [GROUP],
    epoch: withdrawn ? { number, node: '' } : epoch,
    owner: withdrawn ? null : owner,
    standbys,
    reason: '',
    sinceMs: 0,
  }
}

/** Nodes on ideal LANs: a frame arrives in the millisecond after it was sent. */
class Bench {
  nowMs = 0
  readonly nodes = new Map<string, Protocol>()
  /** Names of those that neither run nor are heard. */
  readonly gone = new Set<string>()
  /** "a>b": b does not hear a. */
  readonly deaf = new Set<string>()
  /** "node group" of all that answer. */
  readonly answering = new Set<string>()
  /** Node -> what it answered for last. */
  readonly claims = new Map<string, Claim>()
  readonly said: { readonly node: string; readonly atMs: number; readonly command: Command }[] = []
  #frames: [string, string, Event][] = []

  constructor(names: string[], remembered: Record<string, Claim[]> = {}, lans = ['0']) {
    for (const node of names) {
      const session = node.charCodeAt(0).toString(16).padStart(16, '0')
      this.nodes.set(node, new Protocol({ node, session, remembered: remembered[node] ?? [] }, 0))
      for (const lan of lans)
        this.give(node, { is: 'interface', interface: lan, state: attached(true) })
    }
  }

  give(node: string, event: Event): void {
    for (const command of this.nodes.get(node)?.step(event, this.nowMs) ?? []) {
      this.said.push({ node, atMs: this.nowMs, command })
      this.#perform(node, command)
    }
  }

  run(untilMs: number): this {
    while (this.nowMs < untilMs) {
      this.nowMs++
      const frames = this.#frames
      this.#frames = []
      for (const [from, to, event] of frames) {
        if (!this.gone.has(to) && !this.deaf.has(`${from}>${to}`)) this.give(to, event)
      }
      for (const [node, protocol] of this.nodes) {
        if (!this.gone.has(node) && protocol.nextMs() <= this.nowMs) this.give(node, { is: 'tick' })
      }
    }
    return this
  }

  /** Who answers for the group, and with which epoch. */
  get owners(): string[] {
    return [...this.answering]
  }

  when(node: string, what: Command['do'], afterMs: number): number | undefined {
    return this.said.find(one => one.node === node && one.command.do === what && one.atMs > afterMs)
      ?.atMs
  }

  /** What a node that took over estimates, ms. */
  outages(node: string): number[] {
    return this.said.flatMap(({ node: by, command }) =>
      by === node && command.do === 'record' && command.outageMs !== null ? [command.outageMs] : [],
    )
  }

  #perform(from: string, command: Command): void {
    for (const claim of command.do === 'answer' ? command.claims : []) {
      this.answering.add(from)
      this.claims.set(from, claim)
    }
    if (command.do === 'cease') this.answering.delete(from)
    if (command.do !== 'beat' && command.do !== 'set') return
    for (const to of this.nodes.keys()) {
      if (to === from || this.gone.has(from)) continue
      const event: Event =
        command.do === 'beat'
          ? { is: 'beat', interface: command.beat.interface, beat: command.beat }
          : { is: 'set', interface: command.part.interface, part: command.part }
      this.#frames.push([from, to, event])
    }
  }
}

const THREE = ['a', 'b', 'c']
const settled = (lans?: string[]) => new Bench(THREE, { a: [claim(THREE, 1)] }, lans).run(1000)

describe('who answers for a group', () => {
  test('is its owner', () => assert.deepEqual(settled().owners, ['a']))

  test('is the first standby 300 ms after the last beat of the owner, with the next epoch', () => {
    const bench = settled()
    bench.gone.add('a')
    bench.answering.delete('a')
    bench.run(2000)
    assert.deepEqual(bench.owners, ['b'])
    const atMs = bench.when('b', 'answer', 1000) ?? 0
    assert.ok(atMs >= 1200 && atMs <= 1302, `${atMs}`)
    const taken = bench.claims.get('b')
    assert.deepEqual(taken?.epoch, { number: 2, node: 'b' })
    assert.deepEqual(
      taken?.standbys.map(({ node }) => node),
      ['c', 'a'],
    )
  })

  test('is known by its standby to have been nobody since the last beat, which is said once', () => {
    const bench = settled().run(1050)
    bench.gone.add('a')
    bench.answering.delete('a')
    bench.run(9000)
    const [outageMs = 0, ...more] = bench.outages('b')
    assert.ok(outageMs >= 300 && outageMs <= 302, `${outageMs}`)
    assert.deepEqual(more, [])
  })

  test('is known to have been somebody all the time after a planned stop', () => {
    const bench = settled()
    bench.give('a', { is: 'stop' })
    assert.deepEqual(bench.run(2000).outages('b'), [0])
  })

  test('is known to have been nobody since the last beat on the LAN that the owner has lost', () => {
    const bench = settled(['0', '1']).run(1050)
    const lastMs = bench.nodes.get('b')?.heardMs('a', '1') ?? 0
    bench.give('a', { is: 'interface', interface: '1', state: attached(false) })
    bench.run(2000)
    assert.deepEqual(bench.outages('b'), [(bench.when('b', 'answer', 1050) ?? 0) - lastMs])
  })

  test('is the second standby when the first is silent too', () => {
    const bench = settled()
    for (const node of ['a', 'b']) bench.gone.add(node)
    bench.answering.delete('a')
    assert.deepEqual(bench.run(2000).owners, ['c'])
    assert.ok((bench.when('c', 'answer', 1000) ?? 0) <= 1302)
  })

  test('is never a standby that did not hear the owner', () => {
    const bench = new Bench(THREE, { a: [claim(THREE, 1)] })
    bench.deaf.add('a>b')
    bench.run(1000)
    bench.give('b', { is: 'redis', placements: [placed(THREE, 1)], alive: THREE })
    bench.gone.add('a')
    bench.answering.delete('a')
    bench.gone.add('c')
    assert.deepEqual(bench.run(3000).owners, [])
    bench.give('b', { is: 'redis', placements: [placed(['b', 'a'], 7)], alive: ['b'] })
    assert.deepEqual(bench.owners, ['b'], 'the lease in Redis decides')
  })

  test('stays the owner while what comes from it fails authentication, which is an alarm', () => {
    const bench = settled()
    bench.deaf.add('a>b')
    for (let atMs = 1100; atMs <= 3000; atMs += 100) {
      bench.run(atMs)
      bench.give('b', { is: 'unknown', interface: '0', node: 'a' })
    }
    assert.deepEqual(bench.owners, ['a'])
    const alarms = bench.said.filter(({ command }) => command.do === 'alarm')
    assert.deepEqual(
      alarms.map(({ command }) => command),
      [{ do: 'alarm', reason: 'unknownBeat', node: 'a' }],
    )
  })

  test('yields to a greater epoch, as soon as a partition has healed', () => {
    const bench = settled()
    for (const way of ['a>b', 'b>a', 'a>c', 'c>a']) bench.deaf.add(way)
    assert.deepEqual(bench.run(2000).owners, ['a', 'b'])
    bench.deaf.clear()
    assert.deepEqual(bench.run(2105).owners, ['b'])
    assert.deepEqual(bench.run(5000).owners, ['b'], 'and nothing moves back')
  })

  test('is the first standby at once when the owner stops as planned, which ends when that answers', () => {
    const bench = settled()
    bench.give('a', { is: 'stop' })
    bench.run(1010)
    assert.deepEqual(bench.owners, ['b'])
    const [answered, stopped] = [bench.when('b', 'answer', 999), bench.when('a', 'stopped', 999)]
    assert.ok(answered && stopped && answered <= stopped)
  })

  test('is the first standby at once when the owner has lost a carrier and the standby has both', () => {
    const bench = settled(['0', '1']).run(1050)
    bench.give('a', { is: 'interface', interface: '1', state: attached(false) })
    assert.deepEqual(bench.run(1110).owners, ['b'])
  })

  test('stays the owner when it loses the carrier of a LAN on which the address does not live', () => {
    const bench = settled(['0', '1'])
    for (const node of THREE) {
      const state = attached(true, '10.0.0.0/24')
      bench.give(node, { is: 'interface', interface: '0', state })
    }
    bench.give('a', { is: 'interface', interface: '1', state: attached(false) })
    assert.deepEqual(bench.run(3000).owners, ['a'])
    bench.give('a', { is: 'interface', interface: '1', state: attached(true) })
    bench.run(3550)
    bench.give('a', { is: 'interface', interface: '0', state: attached(false, '10.0.0.0/24') })
    assert.deepEqual(bench.run(3610).owners, ['b'], 'but not without that where it lives')
  })

  test('is the standby that is on the LAN where the address lives, also if it comes later in the order', () => {
    const bench = settled(['0', '1'])
    bench.give('b', { is: 'interface', interface: '1', state: attached(false) })
    bench.run(2050)
    bench.give('a', { is: 'interface', interface: '1', state: attached(false) })
    assert.deepEqual(bench.run(2110).owners, ['c'])
  })

  test('stays the owner whose spare interface never had a carrier', () => {
    const bench = settled()
    bench.give('a', { is: 'interface', interface: 'spare', state: attached(false) })
    assert.deepEqual(bench.run(3000).owners, ['a'])
  })

  test('is whoever Redis says, once that says so on the LAN', () => {
    const bench = settled()
    bench.give('a', { is: 'redis', placements: [placed(['c', 'a'], 5)], alive: THREE })
    assert.deepEqual(bench.run(1500).owners, ['a'])
    bench.give('c', { is: 'redis', placements: [placed(['c', 'a'], 5)], alive: THREE })
    assert.deepEqual(bench.run(1510).owners, ['c'])
  })

  test('is nobody when Redis says that it is withdrawn; an older record changes nothing', () => {
    const bench = settled()
    bench.give('a', { is: 'redis', placements: [placed(['b', 'a'], 0)], alive: THREE })
    assert.deepEqual(bench.run(1500).owners, ['a'])
    bench.give('a', { is: 'redis', placements: [placed([], 2)], alive: THREE })
    assert.deepEqual(bench.run(3000).owners, [])
  })
})

describe('a node that begins', () => {
  test('alone and without Redis listens for 1 s, then answers for what it owned', () => {
    const bench = new Bench(['a'], { a: [claim(['a'], 3)] })
    assert.deepEqual(bench.run(999).owners, [])
    assert.deepEqual(bench.run(1101).owners, ['a'])
  })

  test('does not answer for what another claims with a greater epoch', () => {
    const bench = new Bench(['a', 'b'], { a: [claim(['a', 'b'], 3)], b: [claim(['b', 'a'], 4)] })
    bench.run(3000)
    assert.deepEqual(bench.owners, ['b'])
    assert.equal(bench.when('a', 'answer', 0), undefined)
  })

  test('again after a pause of more than 300 ms discards what is queued and answers for nothing yet', () => {
    const bench = new Bench(['a'], { a: [claim(['a'], 3)] }).run(1500)
    bench.nowMs = 2000
    bench.give('a', { is: 'tick' })
    assert.ok(bench.when('a', 'discard', 1999))
    assert.deepEqual(bench.owners, [])
    assert.deepEqual(bench.run(3101).owners, ['a'])
  })
})

test('a node whose only cable is pulled answers no more, and listens before it answers again', () => {
  const bench = settled()
  bench.give('a', { is: 'interface', interface: '0', state: attached(false) })
  for (const other of ['b', 'c']) bench.deaf.add(`a>${other}`).add(`${other}>a`)
  assert.ok(!bench.run(1250).owners.includes('a'), 'it ceases, and hears of nobody')
  assert.deepEqual(bench.run(2500).owners, ['b'])
  bench.deaf.clear()
  bench.give('a', { is: 'interface', interface: '0', state: attached(true) })
  assert.deepEqual(bench.run(4000).owners, ['b'])
})

test('a node that renews in Redis but is not heard on the LAN is reported', () => {
  const bench = new Bench(['a'])
  for (let atMs = 1000; atMs <= 7000; atMs += 1000) {
    bench.run(atMs)
    bench.give('a', { is: 'redis', placements: [], alive: ['a', 'b'] })
  }
  const alarms = bench.said.flatMap(({ command }) => (command.do === 'alarm' ? [command] : []))
  assert.deepEqual(alarms, [{ do: 'alarm', reason: 'beatsBlocked', node: 'b' }])
})

test('whoever makes up names of nodes is reported so often, and no more', () => {
  const bench = new Bench(['a'])
  const forge = (from: number) => {
    for (let i = from; i < from + 1000; i++) {
      bench.give('a', { is: 'unknown', interface: '0', node: `made-up-${i}` })
    }
    return bench.said.filter(({ command }) => command.do === 'alarm').length
  }
  assert.equal(forge(0), ALARMS_MAX)
  bench.run(ALARM_EVERY_MS)
  assert.equal(forge(1000), 2 * ALARMS_MAX)
})

test('a beat that is heard again is not from who it says, so it does not count as heard', () => {
  const [here] = new Bench(['a']).nodes.values()
  assert.ok(here)
  const beat = {
    ...{ node: 'b', session: 'b'.repeat(16), interface: '0', sequence: 1, digest: 0 },
    ...{ hears: [], leaving: false, impaired: false },
  }
  const hear = (sequence: number, nowMs: number) => {
    here.step({ is: 'beat', interface: '0', beat: { ...beat, sequence } }, nowMs)
    return here.heardMs('b', '0')
  }
  assert.equal(here.heardMs('b', '0'), null)
  assert.deepEqual([hear(7, 1), hear(7, 2), hear(6, 3), hear(8, 4)], [1, 1, 1, 4])
})

describe('what a node said in a former session', () => {
  const former = (sequence: number): Event => ({
    is: 'beat',
    interface: '0',
    beat: {
      ...{ node: 'a', session: 'f'.repeat(16), interface: '0', sequence, digest: 0 },
      ...{ hears: [], leaving: false, impaired: false },
    },
  })
  /** Tells `b`, which never heard that session, a beat of it every 100 ms for half a second. */
  const play = (bench: Bench, from = 1) => {
    for (let sequence = from; sequence < from + 5; sequence++) {
      bench.give('b', former(sequence))
      bench.run(bench.nowMs + 100)
    }
    return bench
  }

  test('does not take the place of the one that is heard', () => {
    const bench = play(settled())
    assert.deepEqual(bench.run(3000).owners, ['a'])
  })

  test('gives way to the one that hears whom it says it to', () => {
    const bench = play(new Bench(THREE, { a: [claim(THREE, 1)] }))
    bench.gone.add('a')
    bench.answering.delete('a')
    assert.deepEqual(play(bench, 6).owners, ['b'], 'and keeps nobody alive')
  })

  test('and a new one that does not hear it yet is believed once the last is silent', () => {
    const bench = settled()
    bench.gone.add('a')
    bench.run(1400)
    play(bench)
    assert.equal(bench.nodes.get('b')?.heardMs('a', '0'), 1800)
  })
})
