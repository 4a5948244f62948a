import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ASSIGNED_CONDITION,
  POOL_ANNOTATION,
  type Service,
} from '../../../functions/model/service.ts'
import { recordOf } from '../../../functions/watch/record.ts'
import { aService } from '../../support/services.ts'

const annotations = { [POOL_ANNOTATION]: 'blue' }
const conditions = [
  {
    type: ASSIGNED_CONDITION,
    status: 'False',
    reason: 'AllocationFailed',
    message: 'full',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  },
] as const

const cases: [string, Partial<Service>, boolean][] = [
  ['of our class', {}, true],
  ['of another class', { loadBalancerClass: 'other' }, false],
  ['of another class, whatever it shows', { loadBalancerClass: 'other', conditions }, false],
  ['of another type', { type: 'ClusterIP' }, false],
  ['of another type that still has our annotation', { type: 'ClusterIP', annotations }, true],
  ['of another type that still has our condition', { type: 'NodePort', conditions }, true],
]

for (const [name, more, kept] of cases) {
  test(`a Service ${name} is ${kept ? '' : 'not '}written down`, () => {
    const service = aService('web', more)
    assert.equal(recordOf(service, null), kept ? service : null)
  })
}
