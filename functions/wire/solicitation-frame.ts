/**
 * A Neighbor Solicitation in its frame: Ethernet (RFC 2464), IPv6 header (RFC 8200 section 3), ICMPv6. For the solicitations that
 * are sent to an address itself, as a neighbour cache checks what it knows (RFC 4861 section 7.3.3): the kernel of this node
 * does not know the address, and shows them to packet sockets only, headers and all.
 */
import { OctetReader } from './bytes.ts'
import { isIntact } from './checksum.ts'
import {
  decodeEthernet,
  ETHERNET_FRAME_LENGTH_MAX,
  ETHERNET_HEADER_LENGTH,
  ETHERTYPE_IPV6,
} from './ethernet.ts'
import { ICMPV6 } from './icmpv6.ts'
import { readIPv6 } from './ipv6.ts'

export interface SolicitationFrame {
  /** IPv6 source address. */
  readonly source: bigint
  /** ICMPv6, from its type on. */
  readonly message: Uint8Array
}

export type SolicitationFrameFault =
  | 'truncated'
  | 'oversized'
  | 'notSolicitation'
  | 'hopLimit'
  | 'checksum'

const IPV6_HEADER_LENGTH = 40
const VERSION = 6
/** RFC 4861 section 7.1.1. */
const HOP_LIMIT = 255

export function decodeSolicitationFrame(
  frame: Uint8Array,
): SolicitationFrame | SolicitationFrameFault {
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
  return isIntact(source, destination, ICMPV6, message) ? { source, message } : 'checksum'
}
