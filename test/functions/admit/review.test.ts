import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { readReview, reviewOf } from '../../../functions/admit/review.ts'
import { HOME } from '../../support/admission.ts'

describe('an AdmissionReview', () => {
  test('is read, and answered with its uid', () => {
    const request = {
      uid: 'u1',
      operation: 'CREATE',
      kind: { group: 'metallb.io', version: 'v1beta1', kind: 'IPAddressPool' },
      namespace: HOME,
      name: 'a',
      object: { spec: {} },
    }
    const question = readReview({ kind: 'AdmissionReview', request })
    assert.ok(question)
    assert.deepEqual(question, {
      uid: 'u1',
      operation: 'CREATE',
      kind: 'IPAddressPool',
      namespace: HOME,
      name: 'a',
      object: { spec: {} },
      oldObject: null,
    })
    assert.deepEqual(reviewOf(question, { refusal: null, warnings: [] }), {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: 'u1', allowed: true },
    })
    assert.deepEqual(reviewOf(question, { refusal: 'no', warnings: ['w'] }), {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: {
        uid: 'u1',
        allowed: false,
        status: { code: 403, reason: 'Forbidden', message: 'no' },
        warnings: ['w'],
      },
    })
  })

  test('is not anything else', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        assert.equal(readReview(value), null)
      }),
    )
  })
})
