import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Allocation } from '../../../functions/model/allocation.ts'
import { POOL_ANNOTATION, type Service } from '../../../functions/model/service.ts'
import { publish } from '../../../functions/publish/publish.ts'
import { anAllocation, aService } from '../../support/services.ts'

const reasons = (service: Service, allocation: Allocation) =>
  publish(service, allocation, '').events.map(
    ({ type, reason, note }) => `${type} ${reason} ${note}`,
  )

/** As the Service stands once everything about the allocation was written. */
const written = (service: Service, allocation: Allocation): Service => ({
  ...service,
  addresses: allocation.addresses,
  annotations: { ...service.annotations, [POOL_ANNOTATION]: allocation.pool ?? '' },
  conditions: publish(service, allocation, '').patch?.status?.conditions ?? [],
})

describe('events beside IPAllocated', () => {
  const plain = anAllocation('web', ['10.0.0.2'], 'b')
  const lost = anAllocation('web', ['10.0.0.2'], 'b', {
    notices: [{ reason: 'ClearAssignment', message: 'no pool contains 10.0.0.1 any more' }],
  })
  const lacking = anAllocation('web', ['10.0.0.2'], 'b', {
    notices: [{ reason: 'AdditionalAssignFailed', message: 'no free IPv6 address' }],
  })
  const old = aService('web', { annotations: { 'metallb.universe.tf/address-pool': 'b' } })

  test('ClearAssignment is said with the write that shows it, and not again', () => {
    assert.deepEqual(reasons(aService('web'), lost), [
      'Normal IPAllocated Assigned IP "10.0.0.2" from pool "b"',
      'Normal ClearAssignment Cleared the assignment: no pool contains 10.0.0.1 any more.',
    ])
    assert.deepEqual(reasons(written(aService('web'), lost), lost), [])
  })

  test('that another host had the address is a warning, and stands in the condition', () => {
    const message = '10.0.0.1 is in use by another host on the LAN, with the MAC 02:aa:bb:cc:dd:ee'
    const notices = [{ reason: 'AddressConflict', message }]
    const moved = anAllocation('web', ['10.0.0.2'], 'b', { notices })
    const before = { ...written(aService('web'), plain), addresses: ['10.0.0.1'] }
    assert.deepEqual(reasons(before, moved), [
      'Normal IPAllocated Assigned IP "10.0.0.2" from pool "b"',
      `Warning AddressConflict ${message}.`,
    ])
    const refusal = { reason: 'AllocationFailed', message: 'no free IP: "b" is full' }
    const without = anAllocation('web', [], null, { notices, refusal })
    for (const [allocation, words] of [
      [moved, `10.0.0.2 from pool "b"; ${message}`],
      [without, `${message}; no free IP: "b" is full`],
    ] as const) {
      const { patch } = publish(before, allocation, '')
      assert.equal(patch?.status?.conditions?.at(-1)?.message, words)
    }
  })

  test('what is lacking is shown by the condition, and said when it first is', () => {
    const before = written(aService('web'), plain)
    const { patch } = publish(before, lacking, '')
    assert.match(patch?.status?.conditions?.[0]?.message ?? '', /; no free IPv6 address$/)
    assert.deepEqual(reasons(before, lacking), [
      'Normal AdditionalAssignFailed no free IPv6 address.',
    ])
    assert.deepEqual(reasons(written(before, lacking), lacking), [])
  })

  test('a family that the pool does not have is lacking as well, unless it is not wanted', () => {
    const both = {
      ipFamilyPolicy: 'PreferDualStack',
      clusterIPs: ['10.96.0.1', 'fd00::1'],
    } as const
    const web = aService('web', both)
    assert.match(
      reasons(web, plain).join(),
      /AdditionalAssignFailed pool "b" has no IPv6 addresses/,
    )
    assert.deepEqual(reasons(written(web, plain), plain), [])
    const single = aService('web', { ...both, ipFamilyPolicy: 'SingleStack' })
    assert.doesNotMatch(reasons(single, plain).join(), /AdditionalAssignFailed/)
    assert.doesNotMatch(reasons(web, lacking).join(), /has no IPv6 addresses/)
  })

  test('deprecatedAnnotation names the annotation and the one to write instead, only with a write', () => {
    assert.match(
      reasons(old, plain).join(),
      /Warning deprecatedAnnotation .*metallb\.universe\.tf\/address-pool.*write metallb\.io\/address-pool/,
    )
    assert.deepEqual(reasons(written(old, plain), plain), [])
  })

  test('deprecatedAnnotation is said of each annotation with the old prefix, obeyed or not', () => {
    const old = {
      'metallb.universe.tf/ip-allocated-from-pool': 'b',
      'metallb.universe.tf/allow-shared-ip': 'k',
      'metallb.io/address-pool': 'b',
    }
    const said = reasons(aService('web', { annotations: old }), plain).slice(1)
    assert.match(said[0] ?? '', /allow-shared-ip is deprecated: write metallb\.io\/allow-shared-ip/)
    assert.match(said[1] ?? '', /ip-allocated-from-pool is deprecated and not read: remove it/)
    assert.equal(said.length, 2)
  })

  test('nothing is said of a Service that was deleted since', () => {
    assert.deepEqual(reasons(aService('web', { uid: 'next' }), lost), [])
  })

  test('an event has MetalLB\u2019s reason where a condition may not have it', () => {
    const refusal = { reason: 'NotEnoughClusterIPs', message: 'two are needed' }
    const refused = anAllocation('web', [], null, { refusal })
    const { patch, events } = publish(aService('web'), refused, '')
    assert.equal(events[0]?.reason, 'not enough clusterips')
    assert.equal(patch?.status?.conditions?.[0]?.reason, 'NotEnoughClusterIPs')
  })

  test('a reservation that cannot be read is a Warning and stands in the condition; the address is given', () => {
    const web = aService('web', { annotations: { 'herald.io/reserve': 'soon' } })
    assert.match(
      reasons(web, plain).join('\n'),
      /Warning InvalidAnnotation annotation herald\.io\/reserve: "soon"/,
    )
    const [condition] = written(web, plain).conditions
    assert.equal(condition?.status, 'True')
    assert.match(
      condition?.message ?? '',
      /10\.0\.0\.2 from pool "b"; annotation herald\.io\/reserve/,
    )
    assert.deepEqual(reasons(written(web, plain), plain), [])
    const later = {
      ...web,
      ...written(aService('web'), plain),
      annotations: { ...written(aService('web'), plain).annotations, ...web.annotations },
    }
    assert.match(reasons(later, plain).join(), /InvalidAnnotation/, 'also when it is added later')
  })
})
