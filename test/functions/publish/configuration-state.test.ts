import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { stateOf } from '../../../functions/publish/configuration-state.ts'

const [FIRST, LATER] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z']
const pool = {
  kind: 'IPAddressPool',
  name: 'blue',
  message: 'no addresses.',
  mistakes: '',
} as const
const advertisement = {
  kind: 'L2Advertisement',
  name: 'all',
  message: 'a bad selector.',
  mistakes: '',
} as const
const map = { kind: 'ConfigMap', name: 'config', message: 'it is not YAML.', mistakes: '' } as const

describe('the ConfigurationState', () => {
  const of = (faults: Parameters<typeof stateOf>[0]) => {
    const state = stateOf(faults, null, FIRST)
    return [state?.result, ...(state?.conditions ?? []).map(one => `${one.status} ${one.reason}`)]
  }

  test('one condition is about pools, the other about the rest, both about a ConfigMap', () => {
    const [good, bad] = ['True Reconciled', 'False ConfigurationError']
    assert.deepEqual(of([]), ['Valid', good, good])
    assert.deepEqual(of([pool]), ['Invalid', bad, good])
    assert.deepEqual(of([advertisement]), ['Invalid', good, bad])
    assert.deepEqual(of([map]), ['Invalid', bad, bad])
  })

  test('the summary has a line for each fault', () => {
    assert.equal(
      stateOf([pool, advertisement], null, FIRST)?.errorSummary,
      'IPAddressPool "blue": no addresses.\nL2Advertisement "all": a bad selector.',
    )
  })

  test('nothing is written that says what is shown, and a time changes only with the status', () => {
    const shown = stateOf([pool], null, FIRST)
    assert.equal(stateOf([pool], shown, LATER), null)
    const other = stateOf([{ ...pool, message: 'a bad range.' }], shown, LATER)
    assert.deepEqual(
      other?.conditions.map(one => one.lastTransitionTime),
      [FIRST, FIRST],
    )
    const fixed = stateOf([], shown, LATER)
    assert.deepEqual(
      fixed?.conditions.map(one => one.lastTransitionTime),
      [LATER, FIRST],
    )
  })
})
