import assert from 'node:assert/strict'
import { test } from 'node:test'
import { advise } from '../../../functions/configure/advice.ts'
import { aPool } from '../../support/claims.ts'
import { aConfiguration } from '../../support/services.ts'

const pool = aPool('lan', ['192.168.50.0/24'])
const nodes = ['192.168.50.10', '192.168.50.11', '10.0.0.1', 'fe80::1']

test('a pool that contains addresses of nodes is told which, and what to do', () => {
  const [advice, ...more] = advise(aConfiguration(pool, aPool('other', ['10.1.0.0/24'])), nodes)
  assert.deepEqual(more, [])
  assert.deepEqual([advice?.kind, advice?.name], ['IPAddressPool', 'lan'])
  assert.match(advice?.message ?? '', /contains 192\.168\.50\.10, 192\.168\.50\.11, which nodes/)
})

test('nothing is said of what herald.io/exclude names', () => {
  const annotations = { 'herald.io/exclude': '192.168.50.0/28' }
  assert.deepEqual(advise(aConfiguration({ ...pool, annotations }), nodes), [])
})

test('in a ConfigMap it is said on that, and a long list is cut', () => {
  const many = Array.from({ length: 20 }, (_, i) => `192.168.50.${i}`)
  const [advice] = advise({ ...aConfiguration(pool), source: 'configmap' }, many)
  assert.equal(advice?.name, 'config')
  assert.match(advice?.message ?? '', /192\.168\.50\.7 and 12 more/)
})
