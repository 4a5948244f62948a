import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Decisions, readDecisions, written } from '../../../functions/watch/decisions.ts'

const decisions: Decisions = {
  configuration: {
    decidedUs: '1764000000000001',
    text: '{"source":"objects","pools":[],"advertisements":[]}',
  },
  reservations: {
    decidedUs: '1764000000000002',
    list: [
      {
        address: '192.0.2.1',
        page: '4:c000',
        offset: 513,
        service: 'default/web/nginx',
        untilMs: -1,
        byHand: true,
      },
    ],
  },
}

test('what is written down is read back', () => {
  assert.deepEqual(readDecisions(written(decisions)), { decisions, unreadable: [] })
  assert.deepEqual(readDecisions({}), { decisions: {}, unreadable: [] })
})

test('a cluster without configuration has none written down', () => {
  const text = '{"source":"none","pools":[],"advertisements":[]}'
  assert.deepEqual(written({ configuration: { decidedUs: '1', text } }), {})
})

/** case, key, text */
const broken: [string, 'configuration' | 'reservations', string][] = [
  ['what is not JSON', 'configuration', '{"v":1,'],
  ['what is of another version', 'configuration', '{"v":2,"decidedUs":"1","value":{"pools":[]}}'],
  ['what has no time', 'reservations', '{"v":1,"value":[]}'],
  ['what is no configuration', 'configuration', '{"v":1,"decidedUs":"1","value":[]}'],
  ['what is no list', 'reservations', '{"v":1,"decidedUs":"1","value":{}}'],
  [
    'what reserves no address',
    'reservations',
    '{"v":1,"decidedUs":"1","value":[{"address":"192.0.2.256","service":"a/b/c","untilMs":1}]}',
  ],
  ['nothing', 'reservations', ''],
]

for (const [name, key, text] of broken) {
  test(`${name} is named and left out, and the other section is read`, () => {
    const { decisions: read, unreadable } = readDecisions({ ...written(decisions), [key]: text })
    assert.deepEqual(unreadable, [key])
    const { [key]: _, ...rest } = decisions
    assert.deepEqual(read, rest)
  })
}
