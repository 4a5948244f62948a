/**
 * A message of Neighbor Discovery in its frame: Ethernet (RFC 2464), IPv6 header (RFC 8200 section 3), ICMPv6. For what only packet
 * sockets hear or send, headers and all: solicitations to an address itself, as a neighbour cache checks what it knows (RFC 4861
 * section 7.3.3), which the kernel of this node does not know; and what is said about an address that has not been settled
 * yet, where the MAC of who says it stands in the Ethernet header alone (RFC 4862 section 5.4).
 */
import { OctetReader, OctetWriter } from './bytes.ts'
import { checksumOf, isIntact } from './checksum.ts'
import {
  decodeEthernet,
  ETHERNET_FRAME_LENGTH_MAX,
  ETHERNET_HEADER_LENGTH,
  ETHERTYPE_IPV6,
  encodeEthernet,
} from './ethernet.ts'
import { ICMPV6 } from './icmpv6.ts'
import { groupMAC, readIPv6, writeIPv6 } from './ipv6.ts'

export interface NeighborFrame {
  /** Source of the Ethernet frame. */
  readonly mac: number
  /** IPv6 source address. */
  readonly source: bigint
  /** ICMPv6, from its type on. */
  readonly message: Uint8Array
}

export type NeighborFrameFault =
  | 'truncated'
  | 'oversized'
  | 'notSolicitation'
  | 'hopLimit'
  | 'checksum'

const IPV6_HEADER_LENGTH = 40
const VERSION = 6
/** RFC 4861 section 7.1.1. */
const HOP_LIMIT = 255

export function decodeNeighborFrame(frame: Uint8Array): NeighborFrame | NeighborFrameFault {
  if (frame.length > ETHERNET_FRAME_LENGTH_MAX) return 'oversized'
  const octets = new OctetReader(frame)
  const ethernet = decodeEthernet(octets)
  if (ethernet === 'truncated' || octets.remaining() < IPV6_HEADER_LENGTH) return 'truncated'
  if (ethernet.etherType !== ETHERTYPE_IPV6) return 'notSolicitation'
  const version = octets.u32() >>> 28 // Version, Traffic Class, Flow Label
  const length = octets.u16() // Payload Length
  const nextHeader = octets.u8()
  const hopLimit = octets.u8()
  const [source, destination] = [readIPv6(octets), readIPv6(octets)]
  if (version !== VERSION || nextHeader !== ICMPV6) return 'notSolicitation'
  if (hopLimit !== HOP_LIMIT) return 'hopLimit'
  if (octets.remaining() < length) return 'truncated'
  const from = ETHERNET_HEADER_LENGTH + IPV6_HEADER_LENGTH
  const message = frame.subarray(from, from + length)
  const intact = isIntact(source, destination, ICMPV6, message)
  return intact ? { mac: ethernet.source, source, message } : 'checksum'
}

/** To a group. The checksum of the message is filled in. */
export function encodeNeighborFrame({
  mac,
  source,
  destination,
  message,
}: NeighborFrame & { readonly destination: bigint }): Uint8Array {
  const into = new OctetWriter(ETHERNET_HEADER_LENGTH + IPV6_HEADER_LENGTH + message.length)
  encodeEthernet(
    { destination: groupMAC(destination), source: mac, etherType: ETHERTYPE_IPV6 },
    into,
  )
  into.u32(0x6000_0000).u16(message.length).u8(ICMPV6).u8(HOP_LIMIT) // version 6, no class, no flow
  writeIPv6(destination, writeIPv6(source, into))
  const at = ETHERNET_HEADER_LENGTH + IPV6_HEADER_LENGTH
  into.octets.set(message, at)
  const checksum = checksumOf(source, destination, ICMPV6, message)
  new DataView(into.octets.buffer).setUint16(at + 2, checksum) // RFC 4443 section 2.1
  return into.octets
}
