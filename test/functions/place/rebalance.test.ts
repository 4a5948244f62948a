import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Placed, rebalance } from '../../../functions/place/rebalance.ts'

const on = (owner: string, count: number, nodes = 'abc', preferred = ''): Placed[] =>
  Array.from({ length: count }, (_, index) => ({
    group: `${owner}${String(index).padStart(4, '0')}`,
    owner,
    candidates: [...nodes].map(node => ({ node, weight: preferred.includes(node) ? 10 : 0 })),
  }))

const countsAfter = (placed: readonly Placed[]): string => {
  const moved = new Map(rebalance(placed).map(({ group, to }) => [group, to]))
  const counts: Record<string, number> = {}
  for (const { group, owner } of placed) {
    const now = moved.get(group) ?? owner
    counts[now] = (counts[now] ?? 0) + 1
  }
  return Object.keys(counts)
    .sort()
    .map(node => `${node}${counts[node]}`)
    .join(' ')
}

const rows: [what: string, placed: Placed[], after: string, moves: number][] = [
  [
    'nothing is moved where all is even',
    [...on('a', 2), ...on('b', 2), ...on('c', 2)],
    'a2 b2 c2',
    0,
  ],
  ['a difference of one is even', [...on('a', 3), ...on('b', 2), ...on('c', 2)], 'a3 b2 c2', 0],
  ['all on one node are spread', on('a', 9), 'a3 b3 c3', 6],
  ['a node that came back gets its share', [...on('a', 5), ...on('b', 5)], 'a3 b4 c3', 3],
  ['only nodes that may serve get any', on('a', 4, 'ab'), 'a2 b2', 2],
  ['preferred nodes get all', on('a', 4, 'abc', 'bc'), 'b2 c2', 4],
  ['who has no candidate stays', on('a', 3, ''), 'a3', 0],
]
for (const [what, placed, after, moves] of rows) {
  test(what, () => {
    assert.equal(countsAfter(placed), after)
    assert.equal(rebalance(placed).length, moves)
  })
}

test('ten thousand groups are planned within seconds', () => {
  const fromMs = performance.now()
  assert.equal(countsAfter(on('a', 10_000)), 'a3334 b3333 c3333')
  assert.ok(performance.now() - fromMs < 5000)
})

test('a thousand groups take the least number of moves, and a second time none', t => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  t.diagnostic(`seed ${seed}`)
  const counts = fc.tuple(fc.nat(400), fc.nat(400), fc.nat(400))
  const property = fc.property(counts, ([a, b, c]) => {
    const placed = [...on('a', a), ...on('b', b), ...on('c', c)]
    const moves = rebalance(placed)
    const [share, most] = [Math.floor((a + b + c) / 3), Math.ceil((a + b + c) / 3)]
    const surplus = [a, b, c].reduce((sum, n) => sum + Math.max(0, n - most), 0)
    const deficit = [a, b, c].reduce((sum, n) => sum + Math.max(0, share - n), 0)
    assert.equal(moves.length, Math.max(surplus, deficit))
    const moved = new Map(moves.map(({ group, to }) => [group, to]))
    const after = placed.map(one => ({ ...one, owner: moved.get(one.group) ?? one.owner }))
    assert.deepEqual(rebalance(after), [])
  })
  fc.assert(property, { seed, numRuns: 30 })
})
