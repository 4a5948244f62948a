import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Allocation } from '../../../functions/model/allocation.ts'
import {
  ASSIGNED_CONDITION,
  type Condition,
  type Service,
} from '../../../functions/model/service.ts'
import { publish, shownAfter, shownBy } from '../../../functions/publish/publish.ts'
import { anAllocation, aService } from '../../support/services.ts'

const NOTHING = { patch: null, events: [] }
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
    const { patch, events } = say(aService('web'), held)
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
    assert.equal(events[0]?.reason, 'IPAllocated')
    assert.match(events[0]?.note ?? '', /"10\.0\.0\.1"/)
  })

  test('writes nothing that would change nothing', () => {
    assert.deepEqual(say(published, held), { patch: null, events: [] })
  })

  test('never empties a status because an allocation is missing', () => {
    assert.deepEqual(say(published, null), { patch: null, events: [] })
  })

  test('ignores what was decided for an older Service of the same name', () => {
    assert.deepEqual(say({ ...published, uid: 'new', addresses: [] }, held), {
      patch: null,
      events: [],
    })
  })

  test('empties the status when the allocation says that nothing is held, with the reason', () => {
    const { patch, events } = say(published, refused)
    assert.deepEqual(patch?.status?.loadBalancer, { ingress: null })
    assert.deepEqual(patch?.metadata.annotations, { 'metallb.io/ip-allocated-from-pool': null })
    assert.equal(patch?.status?.conditions?.[0]?.status, 'False')
    assert.equal(events[0]?.type, 'Warning')
    assert.equal(events[0]?.reason, 'AllocationFailed')
  })

  test('a change is one event, whoever says it; the same again later is another', () => {
    const nameOf = (service: Service, allocation = refused) =>
      say(service, allocation).events[0]?.name
    assert.equal(nameOf(aService('web')), nameOf(aService('web')))
    assert.notEqual(nameOf(aService('web')), nameOf(aService('web', { resourceVersion: '2' })))
    const other = { ...refused, refusal: { reason: 'AllocationFailed', message: 'other' } }
    assert.notEqual(nameOf(aService('web')), nameOf(aService('web'), other))
  })

  test('a refusal that the condition shows already is not said again', () => {
    const told = aService('web', {
      conditions: [condition('False', 'AllocationFailed', 'no free IP')],
    })
    assert.deepEqual(say(told, refused), { patch: null, events: [] })
  })

  test('a Service that keeps its address while it is refused another says both', () => {
    const keeping = { ...held, refusal: { reason: 'AllocationFailed', message: 'taken' } }
    const { patch, events } = say(published, keeping)
    assert.equal(patch?.status?.loadBalancer, undefined)
    assert.equal(patch?.status?.conditions?.[0]?.reason, 'AllocationFailed')
    assert.match(events[0]?.note ?? '', /It keeps 10\.0\.0\.1/)
  })

  test('keeps the conditions of others, and the time of transition while the status stays', () => {
    const foreign = { ...condition('True', 'X', ''), type: 'example.com/Other' }
    const before = aService('web', { conditions: [foreign, condition('True', 'Assigned', 'old')] })
    const { patch } = say(before, held)
    assert.deepEqual(patch?.status?.conditions?.[0], foreign)
    assert.equal(patch?.status?.conditions?.[1]?.lastTransitionTime, '2025-01-01T00:00:00Z')
  })

  test('what a patch will show is what the Service shows once it is written', () => {
    const { patch } = say(aService('web'), held)
    assert.ok(patch)
    assert.equal(shownAfter(aService('web'), patch), shownBy(published))
    assert.notEqual(shownBy(aService('web')), shownBy(published))
    const emptied = say(published, refused).patch
    assert.ok(emptied)
    assert.equal(shownAfter(published, emptied), ' no free IP')
  })

  test('a message longer than a condition may have is cut', () => {
    const refusal = { reason: 'AllocationFailed', message: 'x'.repeat(40_000) }
    const { patch } = say(aService('web'), anAllocation('web', [], null, { refusal }))
    assert.equal(patch?.status?.conditions?.[0]?.message.length, 32_768)
  })

  test('takes its annotation and condition off a Service of another type, once nothing is held', () => {
    const changed = { ...published, type: 'ClusterIP', addresses: [] }
    const { patch, events } = say(changed, anAllocation('web', [], null))
    assert.deepEqual(patch?.metadata.annotations, { 'metallb.io/ip-allocated-from-pool': null })
    assert.deepEqual(patch?.status?.conditions, [])
    assert.deepEqual(events, [])
    assert.deepEqual(say(changed, held), { patch: null, events: [] })
  })

  test('and off one that only waited, whatever is known of it', () => {
    const waiting = aService('web', {
      type: 'ClusterIP',
      conditions: [condition('False', 'AllocationFailed', 'no free IP')],
    })
    for (const known of [refused, null]) {
      assert.deepEqual(say(waiting, known).patch, { metadata: {}, status: { conditions: [] } })
    }
    assert.deepEqual(say(aService('web', { type: 'ClusterIP' }), null), NOTHING)
  })
})
