import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { simulate } from './schedule.ts'

/** `node --import tsx test/functions/liveness/simulate.ts --seed N` tells the story of one. */
const SCHEDULES = Number(process.env.HERALD_SCHEDULES ?? 10_000)

/** Seeds that once failed, and what was wrong. What a seed does changes with the simulator; the sentence stays true. */
const REGRESSIONS: readonly [number, string][] = [
  [1067, 'both sides send their sets when a partition heals, not only the first that is heard'],
  [1746, 'what is yielded to somebody who was silent is not taken back at once'],
  [
    4983,
    'a set that is wanted too soon after the last is sent a little later, not with the next beat',
  ],
  [4883, 'nodes cut off from each other do not take turns through Redis'],
  [
    6817,
    'who learns from a set, not from a beat, that it lacks something asks for it before its next beat',
  ],
  [2086, 'nodes that stop together answer until their hand-over ends, and that is no flapping'],
  [14753, 'who was late after a pause has heard nobody by beginning its timers anew'],
  [15419, 'what a living node claims is not taken, also if its epoch is the lesser one'],
]

describe('liveness on a simulated LAN', () => {
  for (const [seed, what] of REGRESSIONS) {
    test(what, () => assert.equal(simulate(seed), null))
  }

  test(`every invariant holds after every step of ${SCHEDULES} schedules of faults`, () => {
    for (let seed = 1; seed <= SCHEDULES; seed++) {
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
