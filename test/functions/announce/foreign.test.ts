import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { foreignInArp, foreignInNeighborFrame } from '../../../functions/announce/foreign.ts'
import type { Foreign } from '../../../functions/announce/guard.ts'
import { neighborProbe, probe } from '../../../functions/announce/probe.ts'
import { decodeArpFrame } from '../../../functions/wire/arp.ts'
import { formatIPv4, formatMAC } from '../../../functions/wire/bytes.ts'
import { formatIPv6 } from '../../../functions/wire/ipv6.ts'
import { decodeNeighborFrame, encodeNeighborFrame } from '../../../functions/wire/neighbor-frame.ts'
import { dump, octets } from '../../support/octets.ts'

const MAC = 0x0200_c0a8_320b
const ADDRESS = 0x2001_0db8_0000_0000_0000_0000_00ab_cdefn

describe('a probe, octet by octet', () => {
  test('of ARP has no sender address (RFC 5227 section 2.1.1)', () => {
    const expected = `
      ffffffffffff 0200c0a8320b 0806
      0001 0800 06 04 0001
      0200c0a8320b 00000000
      000000000000 c0a832d3`
    assert.equal(dump(probe(0xc0a8_32d3, MAC)), dump(octets(expected)))
  })

  test('of NDP has no source address, goes to the solicited-node group, and its checksum is right', () => {
    const frame = neighborProbe(ADDRESS, MAC)
    const expected = `
      3333ffabcdef 0200c0a8320b 86dd
      60000000 0018 3a ff
      00000000000000000000000000000000
      ff0200000000000000000001ffabcdef
      87 00 af b9 00000000
      20010db8000000000000000000abcdef`
    assert.equal(dump(frame), dump(octets(expected)))
    assert.equal(typeof decodeNeighborFrame(frame), 'object', 'which includes the checksum')
  })
})

const words = (foreign: Foreign<number | bigint> | null) => {
  if (!foreign) return null
  const { address, mac, uses } = foreign
  const text = typeof address === 'number' ? formatIPv4(address) : formatIPv6(address)
  return `${formatMAC(mac)} ${uses ? 'uses' : 'asks for'} ${text}`
}

describe('who has an IPv4 address by an ARP frame', () => {
  /** Operation, sender's MAC and address, target's. */
  const rows: readonly (readonly [string, string, string | null])[] = [
    [
      'a request',
      '0001 02aabbccddee c0a832d3 000000000000 c0a83201',
      '02:aa:bb:cc:dd:ee uses 192.168.50.211',
    ],
    [
      'a reply',
      '0002 02aabbccddee c0a832d3 0200c0a8320b c0a83201',
      '02:aa:bb:cc:dd:ee uses 192.168.50.211',
    ],
    [
      'an announcement',
      '0001 02aabbccddee c0a832d3 000000000000 c0a832d3',
      '02:aa:bb:cc:dd:ee uses 192.168.50.211',
    ],
    [
      'a probe',
      '0001 02aabbccddee 00000000 000000000000 c0a832d3',
      '02:aa:bb:cc:dd:ee asks for 192.168.50.211',
    ],
    ['a reply without a sender address', '0002 02aabbccddee 00000000 0200c0a8320b c0a832d3', null],
    ['a reverse request (RFC 903)', '0003 02aabbccddee c0a832d3 02aabbccddee c0a832d3', null],
    ['a group as sender', '0001 01005e000001 c0a832d3 000000000000 c0a83201', null],
    ['no MAC', '0001 000000000000 c0a832d3 000000000000 c0a83201', null],
  ]
  for (const [name, arp, expected] of rows) {
    test(name, () => {
      const read = decodeArpFrame(octets(`ffffffffffff 02aabbccddee 0806 0001 0800 06 04 ${arp}`))
      assert.ok(typeof read === 'object', String(read))
      assert.equal(words(foreignInArp(read)), expected)
    })
  }
})

describe('who has an IPv6 address by a frame of NDP', () => {
  const TARGET = '20010db8000000000000000000abcdef'
  const rows: readonly (readonly [string, string, string, string | null])[] = [
    [
      'an advertisement, by its option',
      'fe80::1',
      `88 00 0000 20000000 ${TARGET} 02 01 02aabbccddee`,
      '02:aa:bb:cc:dd:ee uses 2001:db8::ab:cdef',
    ],
    [
      'one without an option, by its frame',
      'fe80::1',
      `88 00 0000 20000000 ${TARGET}`,
      '02:00:c0:a8:32:0b uses 2001:db8::ab:cdef',
    ],
    [
      'duplicate address detection, by its frame',
      '::',
      `87 00 0000 00000000 ${TARGET}`,
      '02:00:c0:a8:32:0b uses 2001:db8::ab:cdef',
    ],
    ['a solicitation of a neighbour', 'fe80::1', `87 00 0000 00000000 ${TARGET}`, null],
    ['an echo request', 'fe80::1', `80 00 0000 00000000 ${TARGET}`, null],
    ['a group in the option', 'fe80::1', `88 00 0000 20000000 ${TARGET} 02 01 3333ffabcdef`, null],
  ]
  for (const [name, source, message, expected] of rows) {
    test(name, () => {
      const frame = encodeNeighborFrame({
        mac: MAC,
        source: source === '::' ? 0n : 0xfe80_0000_0000_0000_0000_0000_0000_0001n,
        destination: 0xff02_0000_0000_0000_0000_0000_0000_0001n,
        message: octets(message),
      })
      assert.equal(words(foreignInNeighborFrame(frame)), expected)
    })
  }

  test('one that was damaged says nothing, and none makes it throw', () => {
    const frame = neighborProbe(ADDRESS, MAC)
    for (let at = 0; at < frame.length; at++) {
      assert.equal(foreignInNeighborFrame(frame.subarray(0, at)), null)
    }
    frame[60] = 1
    assert.equal(foreignInNeighborFrame(frame), null)
  })
})
