import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { announced, update } from '../../../functions/announce/table.ts'
import type { Placement } from '../../../functions/model/placement.ts'

const placed = (owner: string | null, number: number, epochNode = owner ?? ''): Placement => ({
  v: 1,
  group: '10.0.0.1',
  addresses: ['10.0.0.1', '2001:db8::1'],
  epoch: { number, node: epochNode },
  owner: owner === null ? null : { node: owner, interfaces: ['eth0'] },
  standbys: [],
  reason: '',
  sinceMs: 0,
})
const after = (known: Placement | null, read: Placement | null): string | undefined => {
  const table = new Map(known ? [['10.0.0.1', known]] : [])
  return [...update('a', table, new Map([['10.0.0.1', read]])).values()][0]?.epoch.number.toString()
}

describe('what a node answers for', () => {
  const rows: [string, string | undefined, string | undefined][] = [
    ['begins with a placement on it', after(null, placed('a', 1)), '1'],
    ['leaves alone what is placed elsewhere', after(null, placed('b', 1)), undefined],
    ['ends for a greater epoch of another', after(placed('a', 1), placed('b', 2)), undefined],
    ['ends for a withdrawal', after(placed('a', 1), placed(null, 2)), undefined],
    ['goes on when the record is missing', after(placed('a', 1), null), '1'],
    ['goes on for a lesser epoch of another', after(placed('a', 5), placed('b', 2)), '5'],
    ['follows a newer record of its own', after(placed('a', 1), placed('a', 3)), '3'],
    ['orders equal numbers by node name', after(placed('a', 1), placed('b', 1)), undefined],
  ]
  for (const [name, found, expected] of rows) test(name, () => assert.equal(found, expected))

  test('is told to the link address by address, with the interfaces', () => {
    assert.deepEqual(announced('a', new Map([['10.0.0.1', placed('a', 1)]])), [
      { address: '10.0.0.1', interfaces: ['eth0'] },
      { address: '2001:db8::1', interfaces: ['eth0'] },
    ])
  })
})
