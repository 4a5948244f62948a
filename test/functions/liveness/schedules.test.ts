import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { simulate } from './schedule.ts'

/** `node --import tsx test/functions/liveness/simulate.ts --seed N` tells the story of one. */
const SCHEDULES = Number(process.env.HERALD_SCHEDULES ?? 2000)

/** Seeds that once failed, and what was wrong. What a seed does changes with the simulator; the sentence stays true. */
const REGRESSIONS: readonly [number, string][] = [
  [1067, 'both sides send their sets when a partition heals, not only the first that is heard'],
  [1746, 'what is yielded to somebody who was silent is not taken back at once'],
  [
    4983,
    'a set that is wanted too soon after the last is sent a little later, not with the next beat',
  ],
  [4883, 'nodes cut off from each other do not take turns through Redis'],
  [14753, 'who was late after a pause has heard nobody by beginning its timers anew'],
  [15419, 'what a living node claims is not taken, also if its epoch is the lesser one'],
]

/** Seeds that fail now, and what is to be mended before anything answers by this protocol. */
const OPEN: readonly [number, string][] = [
  [
    2086,
    'two nodes that stop together: the simulator counts their hand-over as a time without faults',
  ],
  [6817, 'after a partition two nodes answer for 163 ms, 33 ms more than the checker admits'],
]

describe('liveness on a simulated LAN', () => {
  for (const [seed, what] of REGRESSIONS) {
    test(what, () => assert.equal(simulate(seed), null))
  }

  for (const [seed, what] of OPEN) {
    test(`open: ${what}`, { todo: true }, () => assert.equal(simulate(seed), null))
  }

  test(`every invariant holds after every step of ${SCHEDULES} schedules of faults`, () => {
    for (let seed = 1; seed <= SCHEDULES; seed++) {
      if (OPEN.some(([open]) => open === seed)) continue
      const found = simulate(seed)
      assert.equal(found, null, `--seed ${seed}: ${found?.violation}`)
    }
  })

  test('a seed replays to the millisecond', () => {
    const told = () => simulate(4711, { verbose: true, tell: true })?.story
    assert.deepEqual(told(), told())
    assert.ok((told()?.length ?? 0) > 3)
  })
})
