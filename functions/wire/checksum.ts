/** The checksums of the Internet: RFC 1071; over a pseudo-header where there is IPv6: RFC 8200 section 8.1. */
import { OctetWriter } from './bytes.ts'
import { writeIPv6 } from './ipv6.ts'

/** One's complement sum of 16-bit words. */
export function internetSum(octets: Uint8Array): number {
  let sum = 0
  for (let at = 0; at < octets.length; at += 2) {
    sum += (octets[at] ?? 0) * 0x100 + (octets[at + 1] ?? 0)
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return sum
}

/** What belongs into the checksum of a message that has zeros there. `next` is the Next Header value of its protocol. */
export function checksumOf(
  source: bigint,
  destination: bigint,
  next: number,
  message: Uint8Array,
): number {
  return 0xffff - pseudoSum(source, destination, next, message)
}

/** The checksum in the message is right. */
export function isIntact(
  source: bigint,
  destination: bigint,
  next: number,
  message: Uint8Array,
): boolean {
  return pseudoSum(source, destination, next, message) === 0xffff
}

function pseudoSum(source: bigint, destination: bigint, next: number, message: Uint8Array): number {
  const whole = new OctetWriter(40 + message.length)
  writeIPv6(destination, writeIPv6(source, whole)).u32(message.length).u32(next)
  whole.octets.set(message, 40)
  return internetSum(whole.octets)
}
