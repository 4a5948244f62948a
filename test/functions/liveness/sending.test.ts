import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  BEAT_EVERY_MS,
  type Claim,
  type Command,
  REPEATED_MAX,
  REPEATS,
  SET_CLAIMS_PER_MS,
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

/** Runs for ten beats after a change; the sets that were said, each by when and how many claims. */
function said(count: number, wanted: (sending: Sending, nowMs: number) => void = () => {}) {
  const [own, commands]: [Own, Command[]] = [new Own(), []]
  const interfaces = new Map([['eth0', { carrier: true, networks: [] }]])
  const speaker = { node: 'a', session: 'a', own, peers: new Peers(), interfaces, commands }
  const sending = new Sending(speaker, 0)
  const changed = claims(count)
  for (const claim of changed) own.keep(claim)
  sending.change(changed, [], 0)
  const sets: [number, number][] = []
  for (let nowMs = 0; nowMs <= 10 * BEAT_EVERY_MS; nowMs += 10) {
    wanted(sending, nowMs)
    sending.run(nowMs, { leaving: false, impaired: false })
    for (const command of commands.splice(0)) {
      if (command.do === 'set') sets.push([nowMs, command.part.claims.length])
    }
  }
  return sets
}

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
})
