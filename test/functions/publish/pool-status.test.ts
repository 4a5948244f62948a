import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { markOf } from '../../../functions/allocate/windows.ts'
import { parseAddress } from '../../../functions/model/address.ts'
import { count, rangesToTally, shows, statusText } from '../../../functions/publish/pool-status.ts'
import { aPool } from '../../support/claims.ts'

const NONE = { held: 0, reserved: 0 }
const MAX = 2n ** 63n - 1n

const cases: [string, string[], object, string[], bigint][] = [
  ['a /24', ['10.0.0.0/24'], {}, [], 256n],
  ['a /24 without .0 and .255', ['10.0.0.0/24'], { avoidBuggyIPs: true }, [], 254n],
  ['a range over three of them', ['10.0.0.200-10.0.2.10'], { avoidBuggyIPs: true }, [], 319n],
  ['one buggy address alone', ['10.0.0.255/32'], { avoidBuggyIPs: true }, [], 0n],
  ['the whole of IPv4', ['0.0.0.0/0'], { avoidBuggyIPs: true }, [], 2n ** 32n - 2n ** 25n],
  [
    'an exclusion and an address of a node',
    ['10.0.0.0/28'],
    { annotations: { 'herald.io/exclude': '10.0.0.0-10.0.0.3' } },
    ['10.0.0.3', '10.0.0.9', '10.9.9.9'],
    11n,
  ],
]

describe('the counters of a pool', () => {
  for (const [name, addresses, more, nodes, capacity] of cases) {
    test(`${name}: ${capacity}`, () => {
      const pool = aPool('p', addresses, more)
      const { usable } = rangesToTally(pool, 'IPv4', nodes)
      assert.equal(count(pool, usable, { all: NONE, usable: NONE }).available, capacity)
    })
  }

  test('what is held or reserved is not available, and never less than nothing is', () => {
    const pool = aPool('p', ['10.0.0.0/30'])
    const { usable } = rangesToTally(pool, 'IPv4', [])
    const tally = { held: 2, reserved: 1 }
    assert.deepEqual(count(pool, usable, { all: tally, usable: tally }), {
      assigned: 2n,
      available: 1n,
    })
    const over = { held: 9, reserved: 0 }
    assert.equal(count(pool, usable, { all: over, usable: over }).available, 0n)
  })

  test('IPv6: exact up to 2^63 - 1, and that from there on', () => {
    const available = (entry: string, held: number) => {
      const pool = aPool('p', [entry], { avoidBuggyIPs: true })
      const tally = { held, reserved: 0 }
      return count(pool, rangesToTally(pool, 'IPv6', []).usable, { all: tally, usable: tally })
        .available
    }
    assert.equal(available('fd00::/66', 1), 2n ** 62n - 1n)
    assert.equal(available('fd00::/65', 0), MAX)
    assert.equal(available('fd00::/65', 2), MAX - 1n)
    assert.equal(available('fd00::/48', 5), MAX)
  })

  test('numbers that JavaScript cannot tell apart are shown only if that very text was written', () => {
    const status = {
      assignedIPv4: 0n,
      assignedIPv6: 1n,
      availableIPv4: 0n,
      availableIPv6: MAX,
      conditions: null,
    }
    const text = statusText(status)
    assert.match(text, /"availableIPv6":9223372036854775807\}/)
    const shown = JSON.parse(text)
    assert.equal(shows(shown, status, undefined), false)
    assert.equal(shows(shown, status, text), true)
    assert.equal(shows(shown, { ...status, availableIPv6: MAX - 1n }, text), false)
    assert.equal(shows(null, status, text), false)
  })

  test('marks sort as addresses do', () => {
    const mark = (text: string) => {
      const address = parseAddress(text)
      assert.ok(address)
      return markOf(address.family, address.value)
    }
    const ascending = [
      '9.255.255.255',
      '10.0.0.0',
      '10.0.0.9',
      '10.0.0.10',
      '10.1.0.0',
      '200.0.0.1',
    ]
    const six = ['fd00::', 'fd00::ff', 'fd00::100', 'fd00::1:0', 'fd00:1::']
    for (const list of [ascending, six]) {
      assert.deepEqual(list.map(mark).sort(), list.map(mark))
    }
  })
})
