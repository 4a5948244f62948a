import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Choice } from '../../../functions/allocate/choices.ts'
import { type Batch, batches, WINDOWS_MOST } from '../../../functions/allocate/windowed.ts'
import { windowsOf } from '../../../functions/allocate/windows.ts'
import type { Pool } from '../../../functions/model/configuration.ts'
import { aPool } from '../../support/claims.ts'

const both = (pool: Pool): Choice => ({ pool, parts: [{ family: 'IPv4' }, { family: 'IPv6' }] })
const four = (pool: Pool): Choice => ({ pool, parts: [{ family: 'IPv4' }] })
const sizes = (batch: Batch | undefined) =>
  (batch ?? []).map(({ option }) =>
    option.parts.map(part => ('windows' in part ? part.windows.length : 1)),
  )

/** Every batch, when each part that is full is answered as `reasons` says. */
function walk(choices: readonly Choice[], reasons: readonly string[], most = 100) {
  const search = batches(choices)
  const all: number[][][] = []
  for (let step = search.next(); !step.done && all.length < most; step = search.next(reasons)) {
    all.push(sizes(step.value))
  }
  return all
}

describe('batches', () => {
  const eight = aPool('eight', ['10.0.0.0/8'])
  const wide = aPool('wide', ['10.0.0.0/8', '2001:db8::/48'])
  const small = aPool('small', ['192.168.0.0/24', '192.168.9.0/24'])

  test('small choices share one call', () => {
    assert.deepEqual(walk([four(small), four(small)], []), [[[2], [2]]])
  })

  test('a /8 takes four calls of 64 windows', () => {
    assert.deepEqual(walk([four(eight)], ['full 1']), [[[64]], [[64]], [[64]], [[64]]])
  })

  test('a part is searched on only while it is the full one: an IPv6 /48 ends nothing', () => {
    const most = WINDOWS_MOST / 2
    assert.equal(walk([both(wide)], ['full 1']).length, 256 / most)
    assert.equal(walk([both(wide)], ['taken default/a/b 10.0.0.1']).length, 1)
    assert.equal(walk([both(wide)], ['full 2'], 20).length, 20)
  })

  test('avoidBuggyIPs is for IPv4: no IPv6 address looks like a broadcast', () => {
    const avoiding = aPool('p', ['10.0.0.0/24', '2001:db8::/64'], { avoidBuggyIPs: true })
    const step = batches([both(avoiding)]).next()
    const parts = step.value?.[0]?.option.parts ?? []
    assert.deepEqual(
      parts.map(part => 'windows' in part && part.buggy),
      [true, false],
    )
  })

  test('whatever comes after a long choice is tried after it', () => {
    assert.deepEqual(walk([four(eight), four(small)], ['full 1']).at(-1), [[2]])
  })
})

describe('windows', () => {
  const shown = (pool: Pool, ...gaps: [bigint, bigint][]) =>
    [
      ...windowsOf(
        pool,
        'IPv4',
        gaps.map(([first, last]) => ({ family: 'IPv4' as const, first, last })),
      ),
    ].map(({ from, to }) => `${from}-${to}`)
  const base = 10n << 24n
  const pool = aPool('p', ['10.0.0.0/28'])

  const rows: [string, [bigint, bigint][], string[]][] = [
    ['none', [], ['0-15']],
    ['one in the middle', [[3n, 4n]], ['0-2', '5-15']],
    [
      'both ends',
      [
        [0n, 0n],
        [15n, 20n],
      ],
      ['1-14'],
    ],
    [
      'two that overlap',
      [
        [2n, 6n],
        [4n, 5n],
      ],
      ['0-1', '7-15'],
    ],
    ['everything', [[0n, 15n]], []],
    ['elsewhere', [[100n, 200n]], ['0-15']],
  ]
  for (const [what, gaps, expected] of rows) {
    test(`leave out gaps: ${what}`, () => {
      const moved = gaps.map(([a, b]): [bigint, bigint] => [base + a, base + b])
      assert.deepEqual(shown(pool, ...moved), expected)
    })
  }
})
