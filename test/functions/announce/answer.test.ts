import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { announcements } from '../../../functions/announce/announcement.ts'
import { answer, DROP_REASONS, type DropReason } from '../../../functions/announce/answer.ts'
import {
  type ArpFrame,
  decodeArpFrame,
  encodeArpFrame,
  REPLY,
  REQUEST,
} from '../../../functions/wire/arp.ts'
import { BROADCAST, ETHERTYPE_ARP } from '../../../functions/wire/ethernet.ts'
import { dump, octets } from '../../support/octets.ts'

const HERE = { name: 'eth0', mac: 0x0200_c0a8_320b }
const CLIENT = 0x0200_c0a8_3264
const EVERYWHERE = 0xc0a8_32d3
const ON_ETH0 = 0xc0a8_32d4
const ON_ETH1 = 0xc0a8_32d5
const NOWHERE = 0xc0a8_32d6
const TABLE = new Map([
  [EVERYWHERE, null],
  [ON_ETH0, new Set(['eth0', 'eth7'])],
  [ON_ETH1, new Set(['eth1'])],
  [NOWHERE, new Set<string>()],
])

function ask(arp: Partial<ArpFrame['arp']>, destination = BROADCAST): Uint8Array {
  return encodeArpFrame({
    ethernet: { destination, source: CLIENT, etherType: ETHERTYPE_ARP },
    arp: {
      operation: REQUEST,
      senderHardwareAddress: CLIENT,
      senderProtocolAddress: 0xc0a8_3264,
      targetHardwareAddress: 0,
      targetProtocolAddress: EVERYWHERE,
      ...arp,
    },
  })
}

describe('a request is answered', () => {
  const rows: readonly (readonly [string, Uint8Array, number])[] = [
    ['for an address that lives on all interfaces', ask({}), EVERYWHERE],
    ['for one that lives on this', ask({ targetProtocolAddress: ON_ETH0 }), ON_ETH0],
    ['that came by unicast', ask({}, HERE.mac), EVERYWHERE],
    ['that is a probe, with no sender address', ask({ senderProtocolAddress: 0 }), EVERYWHERE],
    [
      'whatever its target hardware address says',
      ask({ targetHardwareAddress: 0x1234 }),
      EVERYWHERE,
    ],
  ]
  for (const [name, question, address] of rows) {
    test(name, () => {
      const answered = answer(decodeArpFrame(question), HERE, TABLE)
      assert.ok(typeof answered === 'object', String(answered))
      assert.equal(answered.address, address)
    })
  }

  test('with sender and target exchanged, by unicast, from the MAC of the interface', () => {
    const answered = answer(decodeArpFrame(ask({})), HERE, TABLE)
    assert.ok(typeof answered === 'object')
    const reply = `0200c0a83264 0200c0a8320b 0806
      0001 0800 06 04 0002
      0200c0a8320b c0a832d3
      0200c0a83264 c0a83264`
    assert.equal(dump(answered.frame), dump(octets(reply)))
  })
})

describe('a frame is dropped for a reason', () => {
  const rows: readonly (readonly [string, Uint8Array, DropReason])[] = [
    ['a reply', ask({ operation: REPLY }), 'notRequest'],
    ['a reverse request (RFC 903)', ask({ operation: 3 }), 'notRequest'],
    ['another host, seen in promiscuous mode', ask({}, 0x0200_c0a8_320c), 'otherDestination'],
    ['a multicast group', ask({}, 0x0100_5e00_0001), 'otherDestination'],
    ['an answer would go to a group', ask({ senderHardwareAddress: BROADCAST }), 'groupSender'],
    ['an answer would go to nobody', ask({ senderHardwareAddress: 0 }), 'groupSender'],
    ['an address of nobody', ask({ targetProtocolAddress: 0x0a00_0001 }), 'notAnnounced'],
    [
      'one that lives on another interface',
      ask({ targetProtocolAddress: ON_ETH1 }),
      'notOnThisInterface',
    ],
    ['one that lives on none', ask({ targetProtocolAddress: NOWHERE }), 'notOnThisInterface'],
    ['half a frame', ask({}).subarray(0, 30), 'truncated'],
    ['a jumbo frame', new Uint8Array(9000), 'oversized'],
  ]
  for (const [name, frame, reason] of rows) {
    test(`${name}: ${reason}`, () => {
      assert.equal(answer(decodeArpFrame(frame), HERE, TABLE), reason)
      assert.ok(DROP_REASONS.includes(reason))
    })
  }
})

test('an announcement is a request and a reply to all, with sender and target the same address', () => {
  const [request = new Uint8Array(), reply = new Uint8Array(), ...more] = announcements(
    EVERYWHERE,
    HERE.mac,
  )
  assert.deepEqual(more, [])
  const asRequest = `ffffffffffff 0200c0a8320b 0806 0001 0800 06 04 0001
    0200c0a8320b c0a832d3 000000000000 c0a832d3`
  const asReply = `ffffffffffff 0200c0a8320b 0806 0001 0800 06 04 0002
    0200c0a8320b c0a832d3 ffffffffffff c0a832d3`
  assert.equal(dump(request), dump(octets(asRequest)))
  assert.equal(dump(reply), dump(octets(asReply)))
  assert.equal(typeof decodeArpFrame(request), 'object')
})
