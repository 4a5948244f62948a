import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reservedFor } from '../../../functions/allocate/explain.ts'
import { quarantineOf } from '../../../functions/model/quarantine.ts'

test('a quarantine stands where a Service would, and is told from every Service', () => {
  const id = 'default/~/02:aa:bb:cc:dd:ee/1700000000000'
  assert.deepEqual(quarantineOf(id), { mac: '02:aa:bb:cc:dd:ee', sinceMs: 1_700_000_000_000 })
  assert.match(reservedFor('default', id), /^quarantined, as another host .* 02:aa:bb:cc:dd:ee$/)
  for (const other of ['default/default/web', 'default/~', '']) {
    assert.equal(quarantineOf(other), null)
  }
  assert.equal(reservedFor('default', 'default/default/web'), 'reserved for default/web')
  assert.equal(reservedFor('default', 'north/default/web'), 'reserved for north/default/web')
})
