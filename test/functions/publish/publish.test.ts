import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Allocation } from '../../../functions/model/allocation.ts'
import type { Condition, Service } from '../../../functions/model/service.ts'
import { ASSIGNED_CONDITION, publish } from '../../../functions/publish/publish.ts'
import { anAllocation, aService } from '../../support/services.ts'

const NOW = '2026-01-01T00:00:00Z'
const held = anAllocation('web', ['10.0.0.1'], 'blue')
const refused = anAllocation('web', [], null, {
  refusal: { reason: 'AllocationFailed', message: 'no free IP' },
})
const condition = (status: 'True' | 'False', reason: string, message: string): Condition => ({
  type: ASSIGNED_CONDITION,
  status,
  reason,
  message,
  lastTransitionTime: '2025-01-01T00:00:00Z',
})
const published = aService('web', {
  addresses: ['10.0.0.1'],
  annotations: { 'metallb.io/ip-allocated-from-pool': 'blue' },
  conditions: [condition('True', 'Assigned', '10.0.0.1 from pool "blue"')],
})
const say = (service: Service, allocation: Allocation | null) => publish(service, allocation, NOW)

describe('publish', () => {
  test('writes address, pool and condition in one patch, and says IPAllocated', () => {
    const { patch, event } = say(aService('web'), held)
    assert.deepEqual(patch, {
      metadata: { annotations: { 'metallb.io/ip-allocated-from-pool': 'blue' } },
      status: {
        loadBalancer: { ingress: [{ ip: '10.0.0.1' }] },
        conditions: [
          {
            ...condition('True', 'Assigned', '10.0.0.1 from pool "blue"'),
            lastTransitionTime: NOW,
          },
        ],
      },
    })
    assert.equal(event?.reason, 'IPAllocated')
    assert.match(event?.note ?? '', /"10\.0\.0\.1"/)
  })

  test('writes nothing that would change nothing', () => {
    assert.deepEqual(say(published, held), { patch: null, event: null })
  })

  test('never empties a status because an allocation is missing', () => {
    assert.deepEqual(say(published, null), { patch: null, event: null })
  })

  test('ignores what was decided for an older Service of the same name', () => {
    assert.deepEqual(say({ ...published, uid: 'new', addresses: [] }, held), {
      patch: null,
      event: null,
    })
  })

  test('empties the status when the allocation says that nothing is held, with the reason', () => {
    const { patch, event } = say(published, refused)
    assert.deepEqual(patch?.status?.loadBalancer, { ingress: null })
    assert.deepEqual(patch?.metadata.annotations, { 'metallb.io/ip-allocated-from-pool': null })
    assert.equal(patch?.status?.conditions?.[0]?.status, 'False')
    assert.equal(event?.type, 'Warning')
    assert.equal(event?.reason, 'AllocationFailed')
  })

  test('one refusal is one event, whoever says it and how often', () => {
    assert.equal(
      say(aService('web'), refused).event?.name,
      say(aService('web'), refused).event?.name,
    )
    const other = { ...refused, refusal: { reason: 'AllocationFailed', message: 'other' } }
    assert.notEqual(
      say(aService('web'), refused).event?.name,
      say(aService('web'), other).event?.name,
    )
  })

  test('a Service that keeps its address while it is refused another says both', () => {
    const keeping = { ...held, refusal: { reason: 'AllocationFailed', message: 'taken' } }
    const { patch, event } = say(published, keeping)
    assert.equal(patch?.status?.loadBalancer, undefined)
    assert.equal(patch?.status?.conditions?.[0]?.reason, 'AllocationFailed')
    assert.match(event?.note ?? '', /It keeps 10\.0\.0\.1/)
  })

  test('keeps the conditions of others, and the time of transition while the status stays', () => {
    const foreign = { ...condition('True', 'X', ''), type: 'example.com/Other' }
    const before = aService('web', { conditions: [foreign, condition('True', 'Assigned', 'old')] })
    const { patch } = say(before, held)
    assert.deepEqual(patch?.status?.conditions?.[0], foreign)
    assert.equal(patch?.status?.conditions?.[1]?.lastTransitionTime, '2025-01-01T00:00:00Z')
  })

  test('takes its annotation and condition off a Service of another type, once nothing is held', () => {
    const changed = { ...published, type: 'ClusterIP', addresses: [] }
    const { patch, event } = say(changed, anAllocation('web', [], null))
    assert.deepEqual(patch?.metadata.annotations, { 'metallb.io/ip-allocated-from-pool': null })
    assert.deepEqual(patch?.status?.conditions, [])
    assert.equal(event, null)
    assert.deepEqual(say(changed, held), { patch: null, event: null })
  })
})
