/** The first four octets of every ICMPv6 message: RFC 4443 section 2.1. */
import { type OctetReader, OctetWriter } from './bytes.ts'
import { writeIPv6 } from './ipv6.ts'

export interface Icmpv6Header {
  readonly type: number
  readonly code: number
}

export const ICMPV6_HEADER_LENGTH = 4
/** Next Header value: RFC 4443 section 1. */
export const ICMPV6 = 58
export const NEIGHBOR_SOLICITATION = 135
export const NEIGHBOR_ADVERTISEMENT = 136

/** The checksum is skipped: whoever has the message has it checked, the kernel (RFC 3542 section 3.1) or `isIntact`. */
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

/** The checksum over message and pseudo-header is right: RFC 4443 section 2.3, RFC 8200 section 8.1. */
export function isIntact(source: bigint, destination: bigint, message: Uint8Array): boolean {
  return sumOf(source, destination, message) === 0xffff
}

/** What belongs into octets 2 and 3 of a message that has zeros there. */
export function checksumOf(source: bigint, destination: bigint, message: Uint8Array): number {
  return 0xffff - sumOf(source, destination, message)
}

/** One's complement sum of 16-bit words: RFC 1071. */
function sumOf(source: bigint, destination: bigint, message: Uint8Array): number {
  const length = message.length + (message.length % 2)
  const whole = new OctetWriter(40 + length)
  writeIPv6(destination, writeIPv6(source, whole)).u32(message.length).u32(ICMPV6)
  whole.octets.set(message, 40)
  let sum = 0
  for (let at = 0; at < whole.octets.length; at += 2) {
    sum += (whole.octets[at] ?? 0) * 0x100 + (whole.octets[at + 1] ?? 0)
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return sum
}
