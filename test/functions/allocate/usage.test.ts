import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stateOfAddress, usagesOf } from '../../../functions/allocate/usage.ts'
import type { AddressRecord } from '../../../functions/model/allocation.ts'
import { aPool } from '../../support/claims.ts'

const sizes: readonly (readonly [
  what: string,
  pool: ReturnType<typeof aPool>,
  nodes: readonly string[],
  IPv4: number,
  IPv6: number,
])[] = [
  ['a range', aPool('a', ['10.0.0.1-10.0.0.10']), [], 10, 0],
  ['both families', aPool('a', ['10.0.0.0/24', '2001:db8::/120']), [], 256, 256],
  ['without .0 and .255', { ...aPool('a', ['10.0.0.0/23']), avoidBuggyIPs: true }, [], 508, 0],
  ['without addresses of nodes', aPool('a', ['10.0.0.0/30']), ['10.0.0.1', '9.9.9.9'], 3, 0],
  [
    'without what is excluded',
    {
      ...aPool('a', ['10.0.0.0/29']),
      annotations: { 'herald.io/exclude': '10.0.0.2-10.0.0.3' },
    },
    [],
    6,
    0,
  ],
  ['one too large to count', aPool('a', ['2001:db8::/48']), [], 0, 2 ** 80],
]
for (const [what, pool, nodes, IPv4, IPv6] of sizes) {
  test(`usable addresses of a pool: ${what}`, () =>
    assert.deepEqual(usagesOf('default', [pool], [], nodes).get('a')?.usable, { IPv4, IPv6 }))
}

const record: AddressRecord = {
  ...{
    v: 2,
    page: '4:0a00',
    offset: 1,
    cluster: 'default',
    pool: 'a',
    sharingKey: '',
    backendKey: '',
  },
  holders: {},
}
const holder = { uid: 'u', ports: ['TCP/80'], sinceMs: 1, reserveMs: 0 }
const after = { service: 'default/a/b', untilMs: 5, reserved: false }
const held = { ...record, holders: { 'default/a/b': holder, 'default/a/c': holder } }
const resting = { ...record, after }
const reserved = { ...record, after: { ...after, reserved: true } }

test('an address is held, rests, is reserved, or is free', () => {
  assert.deepEqual([held, resting, reserved, record].map(stateOfAddress), [
    'held',
    'resting',
    'reserved',
    null,
  ])
})

test('a shared address counts once; what rests is not in use; other pools and clusters count for themselves', () => {
  const pool = aPool('a', ['10.0.0.0/24', '2001:db8::/120'])
  const records: [string, AddressRecord][] = [
    ['10.0.0.1', held],
    ['2001:db8::1', held],
    ['10.0.0.2', resting],
    ['10.0.0.3', reserved],
    ['10.0.0.4', record],
    ['10.0.0.5', { ...held, cluster: 'other' }],
    ['10.0.0.6', { ...held, pool: 'b' }],
  ]
  const usage = usagesOf('default', [pool], records, []).get('a')
  assert.deepEqual(usage?.held, { IPv4: 1, IPv6: 1 })
  assert.deepEqual([usage?.resting, usage?.reserved], [1, 1])
})

test('what was reserved before anybody held it counts for the pool that contains it', () => {
  const pools = [aPool('a', ['10.0.0.0/24']), aPool('b', ['10.0.1.0/24'])]
  const records: [string, AddressRecord][] = [
    ['10.0.1.1', { ...reserved, cluster: '', pool: '' }],
    ['10.0.2.1', { ...reserved, cluster: '', pool: '' }],
  ]
  const usages = usagesOf('default', pools, records, [])
  assert.deepEqual([usages.get('a')?.reserved, usages.get('b')?.reserved], [0, 1])
})
