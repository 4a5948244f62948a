import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  ASK_MS,
  BEAT_EVERY_MS,
  type Beat,
  type Claim,
  type Command,
  REPEATED_MAX,
  REPEATS,
  SET_CLAIMS_PER_MS,
  SET_EVERY_MS,
  type SetPart,
  SILENT_AFTER_MS,
} from '../../../functions/liveness/messages.ts'
import { Own } from '../../../functions/liveness/own.ts'
import { Peers } from '../../../functions/liveness/peers.ts'
import { Sending } from '../../../functions/liveness/sending.ts'

const owner = { node: 'a', interfaces: null }
const claims = (count: number): Claim[] =>
  Array.from({ length: count }, (_, i) => ({
    ...{ group: `10.0.0.${i}`, addresses: [`10.0.0.${i}`], epoch: { number: 1, node: 'a' } },
    ...{ owner, standbys: [] },
  }))

/** One who says something, at one interface with a carrier and one without. */
function speaking() {
  const [own, peers, commands]: [Own, Peers, Command[]] = [new Own(), new Peers(), []]
  const interfaces = new Map([
    ['eth0', { carrier: true, networks: [] }],
    ['eth1', { carrier: false, networks: [] }],
  ])
  const sending = new Sending({ node: 'a', session: 'a', own, peers, interfaces, commands }, 0)
  /** What it says then. */
  const run = (nowMs: number, state = { leaving: false, impaired: true }) => {
    sending.run(nowMs, state)
    return commands.splice(0)
  }
  /** Claims so many at that time, and says so. */
  const claim = (count: number, nowMs: number) => {
    const changed = claims(count)
    for (const claim of changed) own.keep(claim)
    sending.change(changed, [], nowMs)
  }
  return { own, peers, sending, run, claim }
}

/** Runs for ten beats after a change; the sets that were said, each by when and how many claims. */
function said(count: number, wanted: (sending: Sending, nowMs: number) => void = () => {}) {
  const { sending, run, claim } = speaking()
  claim(count, 0)
  const sets: [number, number][] = []
  for (let nowMs = 0; nowMs <= 10 * BEAT_EVERY_MS; nowMs += 10) {
    wanted(sending, nowMs)
    for (const command of run(nowMs)) {
      if (command.do === 'set') sets.push([nowMs, command.part.claims.length])
    }
  }
  return sets
}

const beatsOf = (commands: readonly Command[]): Beat[] =>
  commands.flatMap(command => (command.do === 'beat' ? [command.beat] : []))
const setsOf = (commands: readonly Command[]): SetPart[] =>
  commands.flatMap(command => (command.do === 'set' ? [command.part] : []))

describe('a beat', () => {
  test('is said every 100 ms where there is a carrier, each with a greater sequence', () => {
    const { run } = speaking()
    const said: [number, string][] = []
    const sequences: number[] = []
    for (let nowMs = 0; nowMs <= 300; nowMs += 10) {
      for (const beat of beatsOf(run(nowMs))) {
        said.push([nowMs, beat.interface])
        sequences.push(beat.sequence)
      }
    }
    assert.deepEqual(
      said,
      [0, 100, 200, 300].map(ms => [ms, 'eth0']),
    )
    assert.deepEqual(sequences, [...new Set(sequences)].sort())
  })

  test('says whom it hears and whose set it lacks, its own digest, and whether it leaves or is cut off', () => {
    const { peers, own, run, claim } = speaking()
    claim(1, 0)
    const hear = (node: string, atMs: number, digest: number) => {
      const peer = peers.meet({ node, session: node }, 'eth0', false, atMs)
      peer?.hear('eth0', atMs)
      const state = { node, session: node, interface: 'eth0', sequence: 1, digest }
      peer?.beat({ ...state, hears: [], leaving: false, impaired: false }, atMs)
    }
    hear('b', 1000, 0)
    hear('c', 1000, 7)
    hear('d', 1000 - SILENT_AFTER_MS, 0)
    const [beat] = beatsOf(run(1000, { leaving: true, impaired: false }))
    assert.deepEqual(beat?.hears, [
      { session: 'b', synced: true },
      { session: 'c', synced: false },
    ])
    assert.deepEqual([beat?.digest, beat?.leaving, beat?.impaired], [own.digest, true, false])
    const [next] = beatsOf(run(1100))
    assert.deepEqual([next?.leaving, next?.impaired], [false, true])
  })

  test('that asks for a set is said a little after that was found to be lacking, if none has asked since', () => {
    const { sending, run } = speaking()
    run(0)
    sending.ask(40, 50)
    assert.equal(sending.nextMs(), 50 + ASK_MS)
    assert.equal(beatsOf(run(60)).length, 1)
    sending.ask(40, 70)
    assert.equal(sending.nextMs(), 60 + BEAT_EVERY_MS, 'it is on its way')
    sending.beatAt(1000)
    assert.equal(sending.nextMs(), 60 + BEAT_EVERY_MS, 'and is never put off')
  })
})

describe('a change of the set', () => {
  test('is said at once and again with the next beats, so that a lost frame costs no asking', () => {
    assert.equal(said(REPEATED_MAX).length, 1 + REPEATS)
  })

  test('is said once when it is great: whoever lacks some of it will ask', () => {
    assert.deepEqual(said(REPEATED_MAX + 1), [[0, REPEATED_MAX + 1]])
  })

  test('that is great is said whole to whoever still lacks it once there was time to read it', () => {
    const asking = (sending: Sending, nowMs: number) => {
      if (nowMs === 50) sending.wantSet('b')
    }
    const [first, second, ...rest] = said(1000, asking)
    assert.deepEqual([first, second, rest], [[0, 1000], [1000 / SET_CLAIMS_PER_MS, 1000], []])
  })

  test('is not said whole to who has read it meanwhile', () => {
    const asking = (sending: Sending, nowMs: number) => {
      if (nowMs === 50) sending.wantSet('b')
      if (nowMs === 150) sending.needNot('b')
    }
    assert.deepEqual(said(1000, asking), [[0, 1000]])
  })

  test('is said to have dropped what it dropped, and is repeated like what it claims', () => {
    const { own, sending, run, claim } = speaking()
    claim(2, 0)
    own.drop('10.0.0.0')
    sending.change([], ['10.0.0.0'], 10)
    const [first, second, third, ...rest] = setsOf([0, 10, 100, 200, 300].flatMap(ms => run(ms)))
    assert.deepEqual([first?.claims.length, first?.dropped], [2, []])
    assert.deepEqual([second?.claims, second?.dropped], [[], ['10.0.0.0']])
    const again = third?.claims.map(one => one.group)
    assert.deepEqual([again, third?.dropped], [['10.0.0.1'], ['10.0.0.0']])
    assert.deepEqual(
      rest.map(one => one.dropped),
      [['10.0.0.0']],
    )
    const sequences = [first, second, third, ...rest].map(one => one?.sequence ?? 0)
    assert.deepEqual(sequences, [...new Set(sequences)].sort())
  })

  test('is said whole, which tells what is not in it, and not again before 50 ms have passed', () => {
    const { sending, run, claim } = speaking()
    claim(1, 0)
    run(100)
    run(200)
    sending.wantSet('b')
    const [whole, ...none] = setsOf(run(210))
    assert.deepEqual([whole?.range, none], [{ after: '', upTo: null }, []])
    sending.wantSet('c')
    assert.deepEqual(setsOf(run(220)), [])
    assert.equal(sending.nextMs(), 210 + SET_EVERY_MS)
    assert.equal(setsOf(run(260)).length, 1)
    claim(1000, 260)
    sending.wantSet('b')
    assert.equal(sending.nextMs(), 300, 'the next beat, which a great set does not put off')
  })
})
