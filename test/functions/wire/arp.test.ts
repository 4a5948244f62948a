import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type ArpFault,
  type ArpFrame,
  decodeArpFrame,
  encodeArpFrame,
} from '../../../functions/wire/arp.ts'
import { BROADCAST, ETHERTYPE_ARP } from '../../../functions/wire/ethernet.ts'
import { dump, octets } from '../../support/octets.ts'

const NODE = 0x0200_c0a8_320b
const CLIENT = 0x0200_c0a8_3264
const ADDRESS = 0xc0a8_32d3 // 192.168.50.211
const CLIENT_ADDRESS = 0xc0a8_3264

/** RFC 826 "Packet format": ether_dhost, ether_shost, ether_type, hrd pro hln pln op, sha spa tha tpa. */
const REQUEST_FRAME = `
  ffffffffffff 0200c0a83264 0806     // Ethernet
  0001 0800 06 04 0001               // ar$hrd ar$pro ar$hln ar$pln ar$op
  0200c0a83264 c0a83264              // ar$sha ar$spa
  000000000000 c0a832d3              // ar$tha ar$tpa`

const frame = (operation: number, more: Partial<ArpFrame['arp']> = {}): ArpFrame => ({
  ethernet: { destination: BROADCAST, source: CLIENT, etherType: ETHERTYPE_ARP },
  arp: {
    operation,
    senderHardwareAddress: CLIENT,
    senderProtocolAddress: CLIENT_ADDRESS,
    targetHardwareAddress: 0,
    targetProtocolAddress: ADDRESS,
    ...more,
  },
})

const FRAMES: readonly (readonly [string, string, ArpFrame])[] = [
  ['a request', REQUEST_FRAME, frame(1)],
  [
    'a probe has no sender address (RFC 5227 section 2.1.1)',
    REQUEST_FRAME.replace('c0a83264              //', '00000000              //'),
    frame(1, { senderProtocolAddress: 0 }),
  ],
  [
    'an announcement has its own address twice (RFC 5227 section 2.3)',
    REQUEST_FRAME.replace('c0a83264              //', 'c0a832d3              //'),
    frame(1, { senderProtocolAddress: ADDRESS }),
  ],
  [
    'a reply names both sides and goes to one',
    `0200c0a83264 0200c0a8320b 0806
     0001 0800 06 04 0002
     0200c0a8320b c0a832d3
     0200c0a83264 c0a83264`,
    {
      ethernet: { destination: CLIENT, source: NODE, etherType: ETHERTYPE_ARP },
      arp: {
        operation: 2,
        senderHardwareAddress: NODE,
        senderProtocolAddress: ADDRESS,
        targetHardwareAddress: CLIENT,
        targetProtocolAddress: CLIENT_ADDRESS,
      },
    },
  ],
  [
    'every bit of every field counts',
    `fedcba987654 8123456789ab 0806
     0001 0800 06 04 fffe
     ffeeddccbbaa ffffffff
     fffffffffffe 80000001`,
    {
      ethernet: {
        destination: 0xfedc_ba98_7654,
        source: 0x8123_4567_89ab,
        etherType: ETHERTYPE_ARP,
      },
      arp: {
        operation: 0xfffe,
        senderHardwareAddress: 0xffee_ddcc_bbaa,
        senderProtocolAddress: 0xffff_ffff,
        targetHardwareAddress: 0xffff_ffff_fffe,
        targetProtocolAddress: 0x8000_0001,
      },
    },
  ],
]

describe('an ARP frame, octet by octet', () => {
  for (const [name, bytes, value] of FRAMES) {
    test(name, () => {
      assert.deepEqual(decodeArpFrame(octets(bytes)), value)
      assert.equal(dump(encodeArpFrame(value)), dump(octets(bytes)))
    })
  }

  test('what follows the 28 octets is padding (RFC 894: at least 46 octets of data)', () => {
    const padded = new Uint8Array(60).fill(0xee)
    padded.set(octets(REQUEST_FRAME))
    assert.deepEqual(decodeArpFrame(padded), frame(1))
  })
})

const WRONG: readonly (readonly [string, Uint8Array, ArpFault])[] = [
  ['nothing', new Uint8Array(0), 'truncated'],
  ['half an Ethernet header', octets(REQUEST_FRAME).subarray(0, 13), 'truncated'],
  ['an Ethernet header alone', octets(REQUEST_FRAME).subarray(0, 14), 'truncated'],
  ['one octet too few', octets(REQUEST_FRAME).subarray(0, 41), 'truncated'],
  ['longer than Ethernet allows', grown(1519), 'oversized'],
  ['IPv4', octets(REQUEST_FRAME.replace('0806', '0800')), 'notARP'],
  ['a VLAN tag', octets(REQUEST_FRAME.replace('0806', '8100 0007 0806')), 'notARP'],
  [
    'hardware type IEEE 802 (6)',
    octets(REQUEST_FRAME.replace('0001 0800', '0006 0800')),
    'hardwareType',
  ],
  ['protocol type IPv6', octets(REQUEST_FRAME.replace('0001 0800', '0001 86dd')), 'protocolType'],
  [
    'hardware addresses of 8 octets',
    octets(REQUEST_FRAME.replace('06 04', '08 04')),
    'hardwareLength',
  ],
  [
    'protocol addresses of 16 octets',
    octets(REQUEST_FRAME.replace('06 04', '06 10')),
    'protocolLength',
  ],
]

describe('what is no ARP frame of ours has a named reason', () => {
  for (const [name, bytes, reason] of WRONG) {
    test(`${name}: ${reason}`, () => assert.equal(decodeArpFrame(bytes), reason))
  }

  test('a frame of 1518 octets is still looked at', () => {
    assert.deepEqual(decodeArpFrame(grown(1518)), frame(1))
  })

  test('no prefix of a frame and no flipped octet makes it throw', () => {
    const whole = octets(REQUEST_FRAME)
    for (let length = 0; length < whole.length; length++) {
      assert.equal(decodeArpFrame(whole.subarray(0, length)), 'truncated')
    }
    for (let at = 0; at < whole.length; at++) {
      const flipped = whole.map((octet, i) => (i === at ? octet ^ 0xff : octet))
      assert.ok(decodeArpFrame(flipped))
    }
  })
})

function grown(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  bytes.set(octets(REQUEST_FRAME))
  return bytes
}
