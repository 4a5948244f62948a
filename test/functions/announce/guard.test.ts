import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Foreign, Guard, type Verdict } from '../../../functions/announce/guard.ts'

const PLAN = { count: 3, intervalMs: 200 }
const [OURS, STRANGER] = [0x0200_c0a8_320b, 0x02aa_bbcc_ddee]

type Step =
  | readonly ['probe' | 'announce' | 'end', string, number]
  | readonly ['hear', string, number, Verdict, Partial<Foreign<string>>?]
  /** Time; which probes go out, and which addresses turn out to be free. */
  | readonly ['run', number, readonly string[], (readonly string[])?]
  /** As `run`, where no interface takes a frame. */
  | readonly ['dead', number]

describe('an address', () => {
  const stories: readonly (readonly [string, readonly Step[]])[] = [
    [
      'is probed three times, 200 ms apart, and free 200 ms after the last',
      [
        ['probe', 'a', 1000],
        ['run', 1000, ['a']],
        ['run', 1199, []],
        ['run', 1200, ['a']],
        ['run', 1400, ['a']],
        ['run', 1599, []],
        ['run', 1600, [], ['a']],
        ['run', 9000, []],
      ],
    ],
    [
      'that is asked for twice is not probed longer for that',
      [
        ['probe', 'a', 0],
        ['run', 0, ['a']],
        ['probe', 'a', 100],
        ['run', 200, ['a']],
        ['run', 400, ['a']],
        ['run', 600, [], ['a']],
      ],
    ],
    [
      'that somebody answers for is taken, once, and not probed any more',
      [
        ['probe', 'a', 0],
        ['run', 0, ['a']],
        ['hear', 'a', 1, 'taken'],
        ['hear', 'a', 2, 'nothing'],
        ['run', 200, []],
      ],
    ],
    [
      'that somebody else probes at the same time is taken (RFC 5227 section 2.1.1)',
      [
        ['probe', 'a', 0],
        ['hear', 'a', 1, 'taken', { uses: false }],
      ],
    ],
    [
      'that one of our own nodes answers for is not',
      [
        ['probe', 'a', 0],
        ['hear', 'a', 1, 'nothing', { mac: OURS }],
        ['run', 1, ['a']],
      ],
    ],
    [
      'is not free because no probe reached a wire',
      [
        ['probe', 'a', 0],
        ['dead', 0],
        ['dead', 200],
        ['run', 400, ['a']],
        ['run', 600, ['a']],
        ['run', 800, ['a']],
        ['run', 1000, [], ['a']],
      ],
    ],
    [
      'is not free before what came during a pause was read',
      [
        ['probe', 'a', 0],
        ['run', 0, ['a']],
        ['run', 200, ['a']],
        ['run', 400, ['a']],
        ['run', 5000, []],
        ['hear', 'a', 5001, 'taken'],
      ],
    ],
    [
      'that is given up meanwhile is nobody’s business',
      [
        ['probe', 'a', 0],
        ['end', 'a', 1],
        ['hear', 'a', 2, 'nothing'],
        ['run', 200, []],
      ],
    ],
    [
      'that is announced is defended at most once in 10 s, for as long as it takes',
      [
        ['announce', 'a', 0],
        ['hear', 'a', 1, 'defend'],
        ['hear', 'a', 10_000, 'again'],
        ['hear', 'a', 10_001, 'defend'],
        ['announce', 'a', 10_002],
        ['hear', 'a', 10_003, 'again'],
        ['hear', 'b', 10_003, 'nothing'],
      ],
    ],
    [
      'that is announced is not claimed by who only asks, nor by us',
      [
        ['announce', 'a', 0],
        ['hear', 'a', 1, 'nothing', { uses: false }],
        ['hear', 'a', 2, 'nothing', { mac: OURS }],
        ['hear', 'a', 3, 'defend'],
      ],
    ],
    [
      'that is announced all the same is not probed any more',
      [
        ['probe', 'a', 0],
        ['announce', 'a', 1],
        ['run', 2, []],
      ],
    ],
  ]
  for (const [name, steps] of stories) {
    test(name, () => {
      const guard = new Guard<string>(PLAN)
      guard.know('eth0', 1)
      guard.know('eth0', OURS)
      for (const step of steps) play(guard, step)
    })
  }

  test('is free at once where nothing is to be probed', () => {
    const guard = new Guard<string>({ count: 0, intervalMs: 200 })
    guard.probe('a', 7)
    assert.equal(guard.nextMs(), 7)
    assert.deepEqual(
      guard.run(7, () => assert.fail('a probe')),
      ['a'],
    )
    assert.equal(guard.nextMs(), Number.POSITIVE_INFINITY)
  })

  test('of a thousand is probed in turn, 64 at a time', () => {
    const guard = new Guard<number>(PLAN)
    for (let address = 0; address < 1000; address++) guard.probe(address, 0)
    const sent: number[] = []
    let calls = 0
    for (; guard.nextMs() <= 0; calls++) guard.run(0, address => sent.push(address) > 0)
    assert.deepEqual([calls, new Set(sent).size, sent.length], [16, 1000, 1000])
  })
})

function play(guard: Guard<string>, step: Step): void {
  switch (step[0]) {
    case 'probe':
      guard.probe(step[1], step[2])
      return
    case 'announce':
      guard.announce(step[1])
      return
    case 'end':
      guard.end(step[1])
      return
    case 'hear': {
      const [, address, nowMs, verdict, more] = step
      const foreign = { address, mac: STRANGER, uses: true, ...more }
      assert.equal(guard.heard(foreign, nowMs), verdict, `at ${nowMs}`)
      return
    }
    case 'dead':
      assert.deepEqual(
        guard.run(step[1], () => false),
        [],
      )
      return
    case 'run': {
      const [, nowMs, sent, free = []] = step
      const out: string[] = []
      assert.deepEqual(
        guard.run(nowMs, address => out.push(address) > 0),
        free,
        `free at ${nowMs}`,
      )
      assert.deepEqual(out, sent, `sent at ${nowMs}`)
    }
  }
}
