import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checksumOf, isIntact } from '../../../functions/wire/checksum.ts'
import { ICMPV6 } from '../../../functions/wire/icmpv6.ts'
import { parseIPv6 } from '../../../functions/wire/ipv6.ts'
import {
  decodeNeighborFrame,
  type NeighborFrameFault,
} from '../../../functions/wire/neighbor-frame.ts'
import { dump, octets } from '../../support/octets.ts'

const CLIENT = parseIPv6('2001:db8::1') ?? 0n
const ADDRESS = parseIPv6('2001:db8::50') ?? 0n
const MESSAGE = `
  87 00 f8ca 00000000
  20010db8000000000000000000000050
  01 01 0200c0a83264`

/** RFC 2464 section 3, RFC 8200 section 3: version, class and flow; payload length, next header, hop limit. */
const FRAME = `
  0200c0a8320b 0200c0a83264 86dd
  6 00 00000 0020 3a ff
  20010db8000000000000000000000001
  20010db8000000000000000000000050
  ${MESSAGE}`

describe('a solicitation in its frame', () => {
  test('gives its source and its message; what follows is padding', () => {
    for (const frame of [FRAME, `${FRAME} 0000`]) {
      const read = decodeNeighborFrame(octets(frame))
      assert.ok(typeof read === 'object', String(read))
      assert.equal(read.source, CLIENT)
      assert.equal(read.mac, 0x0200_c0a8_3264)
      assert.equal(dump(read.message), dump(octets(MESSAGE)))
    }
  })

  const rows: readonly (readonly [string, Uint8Array, NeighborFrameFault])[] = [
    ['half a header', octets(FRAME).subarray(0, 53), 'truncated'],
    ['less than its payload length', octets(FRAME).subarray(0, 80), 'truncated'],
    ['a jumbo frame', new Uint8Array(9000), 'oversized'],
    ['IPv4', octets(FRAME.replace('86dd', '0800')), 'notSolicitation'],
    ['version 4', octets(FRAME.replace('6 00 00000', '4 00 00000')), 'notSolicitation'],
    ['UDP', octets(FRAME.replace('3a ff', '11 ff')), 'notSolicitation'],
    ['a hop limit of 64', octets(FRAME.replace('3a ff', '3a 40')), 'hopLimit'],
    ['one bit flipped', octets(FRAME.replace('01 01 0200', '01 01 0201')), 'checksum'],
    ['from somebody else', octets(FRAME.replace('00000001', '00000002')), 'checksum'],
  ]
  for (const [name, frame, reason] of rows) {
    test(`${name}: ${reason}`, () => assert.equal(decodeNeighborFrame(frame), reason))
  }

  test('the checksum counts an odd octet at the end as if a zero followed (RFC 1071)', () => {
    const odd = octets('80 00 0000 01')
    const checksum = checksumOf(CLIENT, ADDRESS, ICMPV6, odd)
    assert.equal(checksum, checksumOf(CLIENT, ADDRESS, ICMPV6, octets('80 00 0000 01 00')) + 1)
    odd.set([checksum >> 8, checksum & 255], 2)
    assert.equal(isIntact(CLIENT, ADDRESS, ICMPV6, odd), true)
  })
})
