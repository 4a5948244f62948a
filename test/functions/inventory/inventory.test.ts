import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  addressRow,
  COLUMNS,
  KINDS,
  kindOf,
  nodeRow,
  serviceRow,
} from '../../../functions/inventory/inventory.ts'
import type { AddressRecord, Allocation } from '../../../functions/model/allocation.ts'
import { aService } from '../../support/services.ts'

const words: readonly (readonly [word: string, kind: string | null])[] = [
  ['svc', 'services'],
  ['service', 'services'],
  ['services', 'services'],
  ['address', 'addresses'],
  ['pool', 'pools'],
  ['node', 'nodes'],
  ['queue', 'queues'],
  ['pods', null],
  ['', null],
]
for (const [word, kind] of words) {
  test(`"${word}" means ${kind ?? 'nothing'}`, () => assert.equal(kindOf(word), kind))
}

test('every kind has columns, the name first', () => {
  for (const kind of KINDS) assert.equal(COLUMNS[kind][0]?.text({ name: 'x' }, 0), 'x')
})

const holding: Allocation = {
  ...{ v: 2, uid: 'u', addresses: ['192.0.2.1'], pool: 'blue', sinceMs: 5 },
  ...{ refusal: null, incarnation: 'i' },
}

test('a Service shows what it holds and where it is announced', () => {
  const row = serviceRow('default/a', aService('a'), holding, new Map([['192.0.2.1', 'node-a']]))
  assert.deepEqual(
    [row?.addresses, row?.pool, row?.nodes, row?.sinceMs, row?.reason],
    [['192.0.2.1'], 'blue', ['node-a'], 5, null],
  )
})

test('a Service without an address shows why', () => {
  const refusal = { reason: 'PoolFull', message: 'blue is full' }
  const waiting = { ...holding, addresses: [], pool: null, refusal }
  const row = serviceRow('default/a', aService('a'), waiting, new Map())
  assert.deepEqual([row?.sinceMs, row?.reason, row?.message], [null, 'PoolFull', 'blue is full'])
  assert.equal(serviceRow('default/a', aService('a'), null, new Map())?.reason, 'NotDecidedYet')
})

test('a Service that is gone is shown while it still holds an address, and then no more', () => {
  assert.equal(serviceRow('default/a', null, holding, new Map())?.name, 'default/a')
  assert.equal(serviceRow('default/a', null, null, new Map()), null)
})

const record: AddressRecord = {
  ...{
    v: 2,
    page: '4:c0000000',
    offset: 1,
    cluster: 'default',
    pool: 'blue',
    sharingKey: '',
    backendKey: '',
  },
  holders: {},
}
const holder = { uid: 'u', ports: ['TCP/80'], sinceMs: 7, reserveMs: 0 }
const after = { service: 'default/default/a', untilMs: 9, reserved: false }
const states: readonly (readonly [state: string, record: AddressRecord])[] = [
  ['held', { ...record, holders: { a: holder } }],
  ['shared', { ...record, holders: { a: holder, b: holder } }],
  ['resting', { ...record, after }],
  ['reserved', { ...record, after: { ...after, reserved: true } }],
  [
    'quarantined',
    { ...record, after: { ...after, service: 'default/~/02:aa:bb:cc:dd:ee/1', reserved: true } },
  ],
]
for (const [state, one] of states) {
  test(`an address can be ${state}`, () => {
    assert.equal(addressRow('default', '192.0.2.1', one, null).state, state)
  })
}

test('a Service is named with its cluster where that is another one', () => {
  const holders = { 'north/default/a': holder, 'default/north/b': holder }
  const { services } = addressRow('default', '192.0.2.1', { ...record, holders }, null)
  assert.deepEqual(services, ['north/default/a', 'north/b'])
})

const node = {
  node: 'a',
  announcer: { node: 'a', session: 's', interfaces: [], epoch: 1, hears: ['c', 'b'] },
  leaseEndMs: 12,
  groups: 0,
  drained: false,
  behindSinceMs: null,
}

test('a lease that has ended is said to have, and since when', () => {
  const leases = [10, 12, null].map(leaseEndMs => nodeRow({ ...node, leaseEndMs }, 11))
  assert.deepEqual(
    leases.map(({ lease, endedMs }) => [lease, endedMs]),
    [
      ['ended', 10],
      ['renewed', null],
      [null, null],
    ],
  )
})

test('whom a node hears is known while it renews its lease; what it said before is old', () => {
  assert.deepEqual(nodeRow(node, 11).hears, ['b', 'c'])
  assert.deepEqual(nodeRow({ ...node, leaseEndMs: 10 }, 11).hears, [])
})
