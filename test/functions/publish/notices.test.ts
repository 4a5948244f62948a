import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { noticesOf } from '../../../functions/publish/notices.ts'
import { publish } from '../../../functions/publish/publish.ts'
import { anAllocation, aService } from '../../support/services.ts'

const reasons = (...args: Parameters<typeof noticesOf>) =>
  noticesOf(...args).map(({ type, reason, note }) => `${type} ${reason} ${note}`)

describe('notices', () => {
  const lost = anAllocation('web', ['10.0.0.2'], 'b', {
    notices: [{ reason: 'ClearAssignment', message: 'no pool contains 10.0.0.1 any more' }],
  })
  const lacking = anAllocation('web', ['10.0.0.2'], 'b', {
    notices: [{ reason: 'AdditionalAssignFailed', message: 'no free IPv6 address' }],
  })
  const old = aService('web', { annotations: { 'metallb.universe.tf/address-pool': 'b' } })

  test('ClearAssignment is said with the write that shows it, and not again', () => {
    assert.deepEqual(reasons(aService('web'), lost, true), [
      'Normal ClearAssignment Cleared the assignment: no pool contains 10.0.0.1 any more.',
    ])
    assert.deepEqual(reasons(aService('web'), lost, false), [])
  })

  test('AdditionalAssignFailed needs no write, and has one name however often it is said', () => {
    assert.deepEqual(reasons(aService('web'), lacking, false), [
      'Normal AdditionalAssignFailed no free IPv6 address.',
    ])
    const [first] = noticesOf(aService('web'), lacking, false)
    const [second] = noticesOf(aService('web'), lacking, true)
    assert.equal(first?.name, second?.name)
  })

  test('deprecatedAnnotation names the annotation and the one to write instead, only with a write', () => {
    const plain = anAllocation('web', ['10.0.0.2'], 'b')
    assert.match(
      reasons(old, plain, true).join(),
      /^Warning deprecatedAnnotation .*metallb\.universe\.tf\/address-pool.*write metallb\.io\/address-pool/,
    )
    assert.deepEqual(reasons(old, plain, false), [])
  })

  test('nothing is said of a Service that was deleted since', () => {
    assert.deepEqual(reasons(aService('web', { uid: 'next' }), lost, true), [])
  })

  test('an event has MetalLB\u2019s reason where a condition may not have it', () => {
    const refusal = { reason: 'NotEnoughClusterIPs', message: 'two are needed' }
    const { patch, event } = publish(
      aService('web'),
      anAllocation('web', [], null, { refusal }),
      '',
    )
    assert.equal(event?.reason, 'not enough clusterips')
    assert.equal(patch?.status?.conditions?.[0]?.reason, 'NotEnoughClusterIPs')
  })
})
