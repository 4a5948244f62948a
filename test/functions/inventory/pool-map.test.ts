import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changesOf } from '../../../functions/inventory/changes.ts'
import { poolMap } from '../../../functions/inventory/pool-map.ts'
import type { Row } from '../../../functions/inventory/row.ts'
import { aPool } from '../../support/claims.ts'

const row = (name: string, state = 'held'): [string, Row] => [
  name,
  { name, state, services: ['default/a/b'], node: 'node-a' },
]

test('a small pool: a cell an address, in order, IPv4 first, without what is excluded', () => {
  const pool = {
    ...aPool('p', ['2001:db8::1-2001:db8::2', '10.0.0.8/30']),
    annotations: { 'herald.io/exclude': '10.0.0.9' },
  }
  const { cells, stretches } = poolMap(pool, new Map([row('10.0.0.9'), row('10.0.0.10')]))
  assert.deepEqual(
    cells.map(({ address, state }) => `${address} ${state}`),
    [
      '10.0.0.8 free',
      '10.0.0.9 held',
      '10.0.0.10 held',
      '10.0.0.11 free',
      '2001:db8::1 free',
      '2001:db8::2 free',
    ],
  )
  assert.deepEqual(cells[2], {
    address: '10.0.0.10',
    state: 'held',
    owner: 'default/a/b',
    node: 'node-a',
  })
  assert.deepEqual(stretches, [])
})

test('a large pool: stretches that cover it without gaps, with what is taken in each', () => {
  const rows = new Map([row('10.1.0.0'), row('10.1.255.255', 'resting'), row('10.2.0.0')])
  const { cells, stretches } = poolMap(aPool('p', ['10.1.0.0/16']), rows)
  assert.deepEqual(cells, [])
  assert.equal(stretches.length, 128)
  assert.deepEqual(stretches[0], {
    first: '10.1.0.0',
    last: '10.1.1.255',
    taken: 1,
    share: 1 / 512,
  })
  assert.equal(stretches.at(-1)?.last, '10.1.255.255')
  assert.equal(stretches.at(-1)?.taken, 1)
  assert.equal(
    stretches.reduce((sum, one) => sum + one.taken, 0),
    2,
  )
})

test('an IPv6 /48 has no more stretches than any other', () => {
  const { stretches } = poolMap(aPool('p', ['2001:db8::/48']), new Map([row('2001:db8::1')]))
  assert.equal(stretches.length, 128)
  assert.equal(stretches[0]?.taken, 1)
})

test('changes: what is new, what is different and what is gone, and nothing twice', () => {
  const shown = new Map<string, string>()
  const [a, b] = [
    { name: 'a', held: 1 },
    { name: 'b', held: 1 },
  ]
  assert.deepEqual(changesOf([a, b], shown), { changed: [a, b], gone: [] })
  assert.deepEqual(changesOf([a, b], shown), { changed: [], gone: [] })
  const later = { name: 'a', held: 2 }
  assert.deepEqual(changesOf([later], shown), { changed: [later], gone: ['b'] })
  assert.deepEqual(changesOf([later, b], shown), { changed: [b], gone: [] })
})
