/**
 * UDP datagrams to all announcers of a LAN, headers and all, as packet sockets send and hear them: an interface
 * needs no address for that. IPv4 (RFC 791, RFC 768) in Ethernet (RFC 1112 section 6.4), or IPv6 (RFC 8200, RFC 2464 section 7).
 *
 * Both groups are of the link alone. A switch that prunes groups leaves 224.0.0.0/24 alone (RFC 4541 section 2.1.2).
 */
import { OctetReader, OctetWriter } from './bytes.ts'
import { checksumOf, internetSum } from './checksum.ts'
import {
  decodeEthernet,
  ETHERNET_FRAME_LENGTH_MAX,
  ETHERNET_HEADER_LENGTH,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  encodeEthernet,
} from './ethernet.ts'
import { readIPv6, writeIPv6 } from './ipv6.ts'

/** 224.0.0.254 and ff02::114: RFC 4727 sections 2.2 and 3.2, for protocols without a number of their own. */
export const GROUP_IPV4 = 0xe000_00fe
export const GROUP_IPV6 = 0xff02_0000_0000_0000_0000_0000_0000_0114n
export const GROUP_MAC_IPV4 = 0x0100_5e00_00fe
export const GROUP_MAC_IPV6 = 0x3333_0000_0114
/** Source and destination. */
export const BEAT_PORT = 17_470
export const UDP = 17

const [IPV4_HEADER_LENGTH, IPV6_HEADER_LENGTH, UDP_HEADER_LENGTH] = [20, 40, 8]
/** Version 4, five words of header; precedence "network control" (RFC 791 section 3.1), as routing protocols use it. */
const [VERSION_4, PRECEDENCE, DO_NOT_FRAGMENT] = [0x45, 0xc0, 0x4000]
/** Not to be forwarded, and what has another limit was. */
const HOP_LIMIT = 255

/** Where it comes from: an address of that family, or 0 (unspecified) where there is none. */
export type Source =
  | { readonly family: 'IPv4'; readonly mac: number; readonly address: number }
  | { readonly family: 'IPv6'; readonly mac: number; readonly address: bigint }

export type DatagramFault = 'truncated' | 'oversized' | 'notForUs' | 'fragment' | 'hopLimit'

export function encodeDatagram(source: Source, payload: Uint8Array): Uint8Array {
  return source.family === 'IPv4' ? inIPv4(source, payload) : inIPv6(source, payload)
}

/** The payload. Checksums are not looked at: what is authenticated was not damaged. */
export function decodeDatagram(frame: Uint8Array): Uint8Array | DatagramFault {
  if (frame.length > ETHERNET_FRAME_LENGTH_MAX) return 'oversized'
  const octets = new OctetReader(frame)
  const ethernet = decodeEthernet(octets)
  if (ethernet === 'truncated') return ethernet
  if (ethernet.etherType === ETHERTYPE_IPV4) return fromIPv4(frame, octets)
  if (ethernet.etherType === ETHERTYPE_IPV6) return fromIPv6(frame, octets)
  return 'notForUs'
}

function inIPv4(
  { mac, address }: Source & { readonly family: 'IPv4' },
  payload: Uint8Array,
): Uint8Array {
  const length = IPV4_HEADER_LENGTH + UDP_HEADER_LENGTH + payload.length
  const into = new OctetWriter(ETHERNET_HEADER_LENGTH + length)
  encodeEthernet({ destination: GROUP_MAC_IPV4, source: mac, etherType: ETHERTYPE_IPV4 }, into)
  into.u8(VERSION_4).u8(PRECEDENCE).u16(length).u16(0).u16(DO_NOT_FRAGMENT)
  into.u8(HOP_LIMIT).u8(UDP).u16(0).u32(address).u32(GROUP_IPV4)
  // A checksum of 0 says that there is none: RFC 768 "Fields".
  into
    .u16(BEAT_PORT)
    .u16(BEAT_PORT)
    .u16(UDP_HEADER_LENGTH + payload.length)
    .u16(0)
  const { octets } = into
  const header = octets.subarray(
    ETHERNET_HEADER_LENGTH,
    ETHERNET_HEADER_LENGTH + IPV4_HEADER_LENGTH,
  )
  new DataView(header.buffer, header.byteOffset).setUint16(10, 0xffff - internetSum(header))
  octets.set(payload, octets.length - payload.length)
  return octets
}

function inIPv6(
  { mac, address }: Source & { readonly family: 'IPv6' },
  payload: Uint8Array,
): Uint8Array {
  const length = UDP_HEADER_LENGTH + payload.length
  const into = new OctetWriter(ETHERNET_HEADER_LENGTH + IPV6_HEADER_LENGTH + length)
  encodeEthernet({ destination: GROUP_MAC_IPV6, source: mac, etherType: ETHERTYPE_IPV6 }, into)
  into.u32(0x6c00_0000).u16(length).u8(UDP).u8(HOP_LIMIT) // version 6, traffic class CS6
  writeIPv6(GROUP_IPV6, writeIPv6(address, into))
  into.u16(BEAT_PORT).u16(BEAT_PORT).u16(length).u16(0)
  const { octets } = into
  octets.set(payload, octets.length - payload.length)
  const datagram = octets.subarray(ETHERNET_HEADER_LENGTH + IPV6_HEADER_LENGTH)
  // Here there must be one, and 0 is sent as all ones: RFC 8200 section 8.1.
  const checksum = checksumOf(address, GROUP_IPV6, UDP, datagram) || 0xffff
  new DataView(datagram.buffer, datagram.byteOffset).setUint16(6, checksum)
  return octets
}

function fromIPv4(frame: Uint8Array, octets: OctetReader): Uint8Array | DatagramFault {
  if (octets.remaining() < IPV4_HEADER_LENGTH + UDP_HEADER_LENGTH) return 'truncated'
  if (octets.u8() !== VERSION_4) return 'notForUs'
  octets.u8()
  const length = octets.u16()
  octets.u16()
  if (octets.u16() & 0x3fff) return 'fragment' // More Fragments, Fragment Offset
  const [hopLimit, protocol] = [octets.u8(), octets.u8()]
  octets.u16()
  octets.u32()
  if (protocol !== UDP || octets.u32() !== GROUP_IPV4) return 'notForUs'
  if (hopLimit !== HOP_LIMIT) return 'hopLimit'
  return payloadOf(frame, ETHERNET_HEADER_LENGTH + IPV4_HEADER_LENGTH, length - IPV4_HEADER_LENGTH)
}

function fromIPv6(frame: Uint8Array, octets: OctetReader): Uint8Array | DatagramFault {
  if (octets.remaining() < IPV6_HEADER_LENGTH + UDP_HEADER_LENGTH) return 'truncated'
  if (octets.u32() >>> 28 !== 6) return 'notForUs'
  const length = octets.u16()
  const [next, hopLimit] = [octets.u8(), octets.u8()]
  readIPv6(octets)
  if (next !== UDP || readIPv6(octets) !== GROUP_IPV6) return 'notForUs'
  if (hopLimit !== HOP_LIMIT) return 'hopLimit'
  return payloadOf(frame, ETHERNET_HEADER_LENGTH + IPV6_HEADER_LENGTH, length)
}

/** Shorter frames are padded, so the lengths in the headers count. */
function payloadOf(frame: Uint8Array, at: number, length: number): Uint8Array | DatagramFault {
  const datagram = frame.subarray(at, at + Math.max(0, length))
  if (length < UDP_HEADER_LENGTH || datagram.length < length) return 'truncated'
  const header = new OctetReader(datagram)
  header.u16()
  if (header.u16() !== BEAT_PORT) return 'notForUs'
  const said = header.u16()
  if (said < UDP_HEADER_LENGTH || said > length) return 'truncated'
  return datagram.subarray(UDP_HEADER_LENGTH, said)
}
