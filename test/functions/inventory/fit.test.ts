import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fit } from '../../../functions/inventory/fit.ts'

const aTable = (name: string, rows: number): string[] => [
  name.toUpperCase(),
  ...Array.from({ length: rows }, (_, at) => `${name}${at + 1}`),
]

test('what fits is shown whole', () => {
  assert.deepEqual(fit([aTable('a', 1), aTable('b', 2)], 6), ['A', 'a1', '', 'B', 'b1', 'b2'])
})

test('what is too long for its share is cut, and says by how much', () => {
  const shown = fit([aTable('a', 90), aTable('b', 1), aTable('c', 90)], 14)
  assert.equal(shown.length, 14)
  assert.deepEqual(shown, [
    ...['A', 'a1', 'a2', 'a3', '… and 87 more', ''],
    ...['B', 'b1', ''],
    ...['C', 'c1', 'c2', 'c3', '… and 87 more'],
  ])
})

test('a screen that is too small shows the heads all the same', () => {
  const shown = fit([aTable('a', 9), aTable('b', 9)], 1)
  assert.deepEqual(shown, ['A', '… and 9 more', '', 'B', '… and 9 more'])
})
