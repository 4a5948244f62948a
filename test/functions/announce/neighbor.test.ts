import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  answerNeighbor,
  NEIGHBOR_DROP_REASONS,
  type NeighborDropReason,
  neighborAnnouncement,
} from '../../../functions/announce/neighbor.ts'
import { ALL_NODES, UNSPECIFIED } from '../../../functions/wire/ipv6.ts'
import { encodeNeighborSolicitation } from '../../../functions/wire/ndp.ts'
import { dump, octets } from '../../support/octets.ts'

const HERE = { name: 'eth0', mac: 0x0200_c0a8_320b }
const ASKER = 0xfe80_0000_0000_0000_0000_0000_0000_0064n
const ADDRESS = 0x2001_0db8_0000_0000_0000_0000_0000_0050n
const TABLE = new Map([
  [ADDRESS, null],
  [ADDRESS + 1n, new Set(['eth1'])],
])

const ask = (targetAddress: bigint, sourceLinkLayerAddress: number | null = 0x0200_c0a8_3264) =>
  encodeNeighborSolicitation({ targetAddress, sourceLinkLayerAddress })

/** RFC 4861 section 4.4: flags stand after the checksum. */
const advertisement = (flags: string) =>
  dump(octets(`88 00 0000 ${flags}000000 20010db8000000000000000000000050 02 01 0200c0a8320b`))

test('who asks is answered by unicast: solicited, override', () => {
  const answered = answerNeighbor(ask(ADDRESS), ASKER, HERE, TABLE)
  assert.ok(typeof answered === 'object')
  assert.equal(answered.address, ADDRESS)
  assert.equal(answered.to, ASKER)
  assert.equal(dump(answered.message), advertisement('60'))
})

test('a check of reachability need not say the MAC of who asks', () => {
  assert.equal(typeof answerNeighbor(ask(ADDRESS, null), ASKER, HERE, TABLE), 'object')
})

test('duplicate address detection is answered to all nodes: not solicited, override', () => {
  const answered = answerNeighbor(ask(ADDRESS, null), UNSPECIFIED, HERE, TABLE)
  assert.ok(typeof answered === 'object')
  assert.equal(answered.to, ALL_NODES)
  assert.equal(dump(answered.message), advertisement('20'))
})

test('an announcement is not solicited, override', () => {
  assert.equal(dump(neighborAnnouncement(ADDRESS, HERE.mac)), advertisement('20'))
})

describe('a message is dropped for a reason', () => {
  const rows: readonly (readonly [string, Uint8Array, bigint, NeighborDropReason])[] = [
    ['an address of nobody', ask(ADDRESS + 9n), ASKER, 'notAnnounced'],
    ['one that lives elsewhere', ask(ADDRESS + 1n), ASKER, 'notOnThisInterface'],
    ['detection with an option', ask(ADDRESS), UNSPECIFIED, 'unspecifiedWithOption'],
    ['a group that asks', ask(ADDRESS), ALL_NODES, 'multicastSource'],
    ['half a message', ask(ADDRESS).subarray(0, 20), ASKER, 'truncated'],
    ['an echo request', octets(`80 00 ${'00'.repeat(30)}`), ASKER, 'notSolicitation'],
  ]
  for (const [name, message, source, reason] of rows) {
    test(`${name}: ${reason}`, () => {
      assert.equal(answerNeighbor(message, source, HERE, TABLE), reason)
      assert.ok(NEIGHBOR_DROP_REASONS.includes(reason))
    })
  }
})
