import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { internetSum, isIntact } from '../../../functions/wire/checksum.ts'
import {
  decodeDatagram,
  encodeDatagram,
  GROUP_IPV6,
  type Source,
  UDP,
} from '../../../functions/wire/datagram.ts'

const MAC = 0x0200_c0a8_320b
const ipv4: Source = { family: 'IPv4', mac: MAC, address: 0xc0a8_320b }
const ipv6: Source = {
  family: 'IPv6',
  mac: MAC,
  address: 0xfe80_0000_0000_0000_0000_0000_0000_0001n,
}
const payload = new TextEncoder().encode('a beat of an odd length')

describe('a datagram to all announcers', () => {
  const sources: [string, Source][] = [
    ['in IPv4', ipv4],
    ['in IPv4 without an address', { ...ipv4, address: 0 }],
    ['in IPv6', ipv6],
    ['in IPv6 without an address', { ...ipv6, address: 0n }],
  ]
  for (const [name, source] of sources) {
    test(`${name} is read as it was sent, also when the frame was padded`, () => {
      const frame = encodeDatagram(source, payload)
      assert.deepEqual(decodeDatagram(frame), payload)
      assert.deepEqual(decodeDatagram(new Uint8Array([...frame, 0, 0, 0])), payload)
    })
  }

  test('in IPv4 goes to the MAC of its group with an intact header', () => {
    const frame = encodeDatagram(ipv4, payload)
    assert.equal(Buffer.from(frame.subarray(0, 6)).toString('hex'), '01005e0000fe')
    assert.equal(internetSum(frame.slice(14, 34)), 0xffff)
  })

  test('in IPv6 goes to the MAC of its group with an intact checksum', () => {
    const frame = encodeDatagram(ipv6, payload)
    assert.equal(Buffer.from(frame.subarray(0, 6)).toString('hex'), '333300000114')
    const address = ipv6.family === 'IPv6' ? ipv6.address : 0n
    assert.ok(isIntact(address, GROUP_IPV6, UDP, frame.slice(54)))
  })

  const changed = (source: Source, at: number, octet: number) => {
    const frame = encodeDatagram(source, payload)
    frame[at] = octet
    return decodeDatagram(frame)
  }
  const rows: [string, unknown, string][] = [
    ['without its end', decodeDatagram(encodeDatagram(ipv4, payload).slice(0, -1)), 'truncated'],
    ['of a header alone', decodeDatagram(encodeDatagram(ipv6, payload).slice(0, 50)), 'truncated'],
    ['of nothing', decodeDatagram(new Uint8Array(0)), 'truncated'],
    ['longer than a frame', decodeDatagram(new Uint8Array(1600)), 'oversized'],
    ['of ARP', changed(ipv4, 13, 0x06), 'notForUs'],
    ['to another port', changed(ipv4, 37, 1), 'notForUs'],
    ['to another group', changed(ipv4, 33, 1), 'notForUs'],
    ['of TCP', changed(ipv6, 20, 6), 'notForUs'],
    ['with options', changed(ipv4, 14, 0x46), 'notForUs'],
    ['that was forwarded, IPv4', changed(ipv4, 22, 254), 'hopLimit'],
    ['that was forwarded, IPv6', changed(ipv6, 21, 254), 'hopLimit'],
    ['in fragments', changed(ipv4, 20, 0x20), 'fragment'],
    ['whose UDP length is more than there is', changed(ipv4, 38, 9), 'truncated'],
  ]
  for (const [name, found, expected] of rows) {
    test(`${name} is refused: ${expected}`, () => assert.equal(found, expected))
  }
})
