/** The first four octets of every ICMPv6 message: RFC 4443 section 2.1. */
import type { OctetReader, OctetWriter } from './bytes.ts'

export interface Icmpv6Header {
  readonly type: number
  readonly code: number
}

export const ICMPV6_HEADER_LENGTH = 4
/** Next Header value: RFC 4443 section 1. */
export const ICMPV6 = 58
export const NEIGHBOR_SOLICITATION = 135
export const NEIGHBOR_ADVERTISEMENT = 136

/** The checksum is skipped: whoever has the message has it checked, the kernel (RFC 3542 section 3.1) or checksum.ts. */
export function decodeIcmpv6(octets: OctetReader): Icmpv6Header | 'truncated' {
  if (octets.remaining() < ICMPV6_HEADER_LENGTH) return 'truncated'
  const header = { type: octets.u8(), code: octets.u8() }
  octets.u16()
  return header
}

/** The checksum is left 0: the kernel fills it in (RFC 3542 section 3.1). */
export function encodeIcmpv6(header: Icmpv6Header, into: OctetWriter): OctetWriter {
  return into.u8(header.type).u8(header.code).u16(0)
}
