import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  ALL_NODES,
  formatIPv6,
  isLinkLocal,
  isMulticast,
  parseIPv6,
  solicitedNodeGroup,
} from '../../../functions/wire/ipv6.ts'
import {
  decodeNeighborSolicitation,
  encodeNeighborAdvertisement,
  encodeNeighborSolicitation,
  type NdpFault,
} from '../../../functions/wire/ndp.ts'
import { dump, octets } from '../../support/octets.ts'

const ADDRESS = 0x2001_0db8_0000_0000_0000_0000_00ab_cdefn
const MAC = 0x0200_c0a8_3264

/** RFC 4861 section 4.3: Type, Code, Checksum, Reserved, Target Address, Source Link-Layer Address. */
const SOLICITATION = `
  87 00 0000 00000000
  20010db8000000000000000000abcdef
  01 01 0200c0a83264`
const DETECTION = SOLICITATION.slice(0, SOLICITATION.indexOf('01 01'))

describe('a Neighbor Solicitation, octet by octet', () => {
  const rows: readonly (readonly [string, string, number | null])[] = [
    ['with its link-layer address', SOLICITATION, MAC],
    ['without one, as in duplicate address detection', DETECTION, null],
  ]
  for (const [name, bytes, sourceLinkLayerAddress] of rows) {
    test(name, () => {
      const solicitation = { targetAddress: ADDRESS, sourceLinkLayerAddress }
      assert.deepEqual(decodeNeighborSolicitation(octets(bytes)), solicitation)
      assert.equal(dump(encodeNeighborSolicitation(solicitation)), dump(octets(bytes)))
    })
  }

  const read: readonly (readonly [string, string])[] = [
    [
      'the checksum is the business of the kernel',
      SOLICITATION.replace('87 00 0000', '87 00 beef'),
    ],
    ['reserved bits are ignored', SOLICITATION.replace('00000000', 'ffffffff')],
    [
      'an unknown option before it is skipped',
      SOLICITATION.replace('01 01', '0e 01 aabbccddeeff 01 01'),
    ],
    ['one of 24 octets too', SOLICITATION.replace('01 01', `0e 03 ${'00'.repeat(22)} 01 01`)],
    ['the first of two counts', `${SOLICITATION} 01 01 ffffffffffff`],
  ]
  for (const [name, bytes] of read) {
    test(name, () => {
      assert.deepEqual(decodeNeighborSolicitation(octets(bytes)), {
        targetAddress: ADDRESS,
        sourceLinkLayerAddress: MAC,
      })
    })
  }

  test('a link-layer address that is not of Ethernet is skipped', () => {
    const bytes = SOLICITATION.replace('01 01', '01 02').concat('0000000000000000')
    const read = decodeNeighborSolicitation(octets(bytes))
    assert.deepEqual(read, { targetAddress: ADDRESS, sourceLinkLayerAddress: null })
  })
})

describe('what is not valid by RFC 4861 section 7.1.1 has a named reason', () => {
  const rows: readonly (readonly [string, Uint8Array, NdpFault])[] = [
    ['nothing', new Uint8Array(0), 'truncated'],
    ['three octets', octets('87 00 00'), 'truncated'],
    ['23 octets', octets(DETECTION).subarray(0, 23), 'truncated'],
    ['an advertisement', octets(SOLICITATION.replace('87', '88')), 'notSolicitation'],
    ['an echo request', octets(SOLICITATION.replace('87', '80')), 'notSolicitation'],
    ['code 1', octets(SOLICITATION.replace('87 00', '87 01')), 'icmpv6Code'],
    ['a group as target', octets(SOLICITATION.replace('20010db8', 'ff020db8')), 'multicastTarget'],
    ['an option of length 0', octets(SOLICITATION.replace('01 01', '01 00')), 'optionLength'],
    [
      'an option longer than the message',
      octets(SOLICITATION.replace('01 01', '01 02')),
      'optionLength',
    ],
    ['half an option', octets(SOLICITATION).subarray(0, 29), 'optionLength'],
    ['one octet after the options', octets(`${SOLICITATION} 01`), 'optionLength'],
    ['longer than a frame', new Uint8Array(1461), 'oversized'],
  ]
  for (const [name, bytes, reason] of rows) {
    test(`${name}: ${reason}`, () => assert.equal(decodeNeighborSolicitation(bytes), reason))
  }

  test('no prefix and no changed octet makes it throw', () => {
    const whole = octets(SOLICITATION)
    for (let at = 0; at < whole.length; at++) {
      decodeNeighborSolicitation(whole.subarray(0, at))
      for (const octet of [0, 1, 0x7f, 0xff]) {
        decodeNeighborSolicitation(whole.map((old, i) => (i === at ? octet : old)))
      }
    }
  })
})

describe('a Neighbor Advertisement, octet by octet (RFC 4861 section 4.4)', () => {
  const rows: readonly (readonly [string, boolean, boolean, boolean, string])[] = [
    ['solicited, override', false, true, true, '60'],
    ['unsolicited, override', false, false, true, '20'],
    ['of a router', true, false, false, '80'],
    ['without a flag', false, false, false, '00'],
  ]
  for (const [name, router, solicited, override, flags] of rows) {
    test(name, () => {
      const message = encodeNeighborAdvertisement({
        router,
        solicited,
        override,
        targetAddress: ADDRESS,
        targetLinkLayerAddress: MAC,
      })
      const expected = `88 00 0000 ${flags} 000000
        20010db8000000000000000000abcdef
        02 01 0200c0a83264`
      assert.equal(dump(message), dump(octets(expected)))
    })
  }
})

describe('IPv6 addresses', () => {
  test('have a solicited-node group of their last 24 bits (RFC 4291 section 2.7.1)', () => {
    const group = (text: string) => formatIPv6(solicitedNodeGroup(parseIPv6(text) ?? 0n))
    assert.equal(group('4037::1:800:200e:8c6c'), 'ff02::1:ff0e:8c6c')
    assert.equal(group('2001:db8::1'), 'ff02::1:ff00:1')
    assert.equal(group('2001:db8::ffff:ffff'), 'ff02::1:ffff:ffff')
  })

  test('are groups, link-local, or neither', () => {
    const kinds = ['ff02::1', 'fe80::1', 'febf::1', 'fec0::1', '2001:db8::1', '::'].map(text => {
      const address = parseIPv6(text) ?? 0n
      return isMulticast(address) ? 'group' : isLinkLocal(address) ? 'link-local' : 'other'
    })
    assert.deepEqual(kinds, ['group', 'link-local', 'link-local', 'other', 'other', 'other'])
    assert.equal(formatIPv6(ALL_NODES), 'ff02::1')
    assert.equal(parseIPv6('10.0.0.1'), null)
    assert.equal(parseIPv6('fe80::1%eth0'), null)
  })
})
