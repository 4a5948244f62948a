import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  formatIPv4,
  formatMAC,
  OctetReader,
  OctetWriter,
  parseIPv4,
} from '../../../functions/wire/bytes.ts'

test('numbers of 8 to 48 bits are written and read in network byte order', () => {
  const { octets } = new OctetWriter(14).u8(0xff).u16(0x8001).u32(0xfedc_ba98).u48(0xffff_0000_0001)
  assert.deepEqual(
    [...octets],
    [0xff, 0x80, 0x01, 0xfe, 0xdc, 0xba, 0x98, 0xff, 0xff, 0, 0, 0, 1, 0],
  )
  const reader = new OctetReader(octets)
  const read = [reader.u8(), reader.u16(), reader.u32(), reader.u48()]
  assert.deepEqual(read, [0xff, 0x8001, 0xfedc_ba98, 0xffff_0000_0001])
  assert.equal(reader.remaining(), 1)
  reader.u8()
  assert.throws(() => reader.u8(), RangeError)
})

test('MAC and IPv4 addresses are numbers inside and text outside', () => {
  assert.equal(formatMAC(0x0200_c0a8_320b), '02:00:c0:a8:32:0b')
  assert.equal(formatMAC(0), '00:00:00:00:00:00')
  assert.equal(formatMAC(0xffff_ffff_ffff), 'ff:ff:ff:ff:ff:ff')
  assert.equal(parseIPv4('192.168.50.211'), 0xc0a8_32d3)
  assert.equal(parseIPv4('255.255.255.255'), 0xffff_ffff)
  assert.equal(formatIPv4(0xc0a8_32d3), '192.168.50.211')
  for (const text of ['', '10.1', '010.0.0.1', '10.0.0.256', '2001:db8::1', 'eth0']) {
    assert.equal(parseIPv4(text), null, text)
  }
})
