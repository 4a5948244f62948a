/**
 * IP addresses and ranges. Only four-part decimal without leading zeros and IPv6 without zone are
 * addresses (`ipaddr.js` alone would take `10.1` and `010.0.0.1`). IPv4-mapped IPv6 text is IPv4, as in
 * MetalLB. Ranges and CIDRs: metallb-behaviour section 3.
 */
import ipaddr from 'ipaddr.js'

export type Family = 'IPv4' | 'IPv6'

export interface Address {
  readonly family: Family
  readonly value: bigint
}

/** Inclusive at both ends. */
export interface AddressRange {
  readonly family: Family
  readonly first: bigint
  readonly last: bigint
}

/** Null when the text is not an address. */
export function parseAddress(text: string): Address | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text) && !/(^|\.)0\d/.test(text)) {
    return { family: 'IPv4', value: numberOf(ipaddr.IPv4.parse(text).toByteArray()) }
  }
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return null
  const address = ipaddr.IPv6.parse(text)
  return address.isIPv4MappedAddress()
    ? { family: 'IPv4', value: numberOf(address.toIPv4Address().toByteArray()) }
    : { family: 'IPv6', value: numberOf(address.toByteArray()) }
}

/** Dotted decimal, or the canonical text of RFC 5952. */
export function formatAddress({ family, value }: Address): string {
  const length = family === 'IPv4' ? 4 : 16
  const octets = Array.from({ length }, (_, i) =>
    Number((value >> BigInt(8 * (length - 1 - i))) & 255n),
  )
  return family === 'IPv4' ? octets.join('.') : new ipaddr.IPv6(octets).toRFC5952String()
}

/** The one text of an address; null when it is none. */
export function canonical(text: string): string | null {
  const address = parseAddress(text)
  return address && formatAddress(address)
}

export function familyOf(text: string): Family | null {
  return parseAddress(text)?.family ?? null
}

/** IPv4 before IPv6, then by number; what is no address comes last. */
export function compareAddresses(a: string, b: string): number {
  const [left, right] = [parseAddress(a), parseAddress(b)]
  if (!left || !right) return left ? -1 : right ? 1 : 0
  if (left.family !== right.family) return left.family === 'IPv4' ? -1 : 1
  return left.value < right.value ? -1 : left.value > right.value ? 1 : 0
}

/** A pool entry: "first-last", or CIDR. The reason says what to write instead. */
export function parseEntry(text: string): AddressRange | { readonly reason: string } {
  if (!text.includes('-')) {
    const range = parseCIDR(text)
    if (range) return range
    const single = canonical(text.trim())
    if (!single) return { reason: `"${text}" is neither a CIDR nor a range: ${EXAMPLE}` }
    const bits = single.includes(':') ? 128 : 32
    return { reason: `"${text}" is a single address: write ${single}/${bits}` }
  }
  const dash = text.indexOf('-')
  const [from, to] = [text.slice(0, dash).trim(), text.slice(dash + 1).trim()]
  const [first, last] = [parseAddress(from), parseAddress(to)]
  if (!first || !last)
    return { reason: `"${first ? to : from}" in "${text}" is not an IP address: ${EXAMPLE}` }
  if (first.family !== last.family) {
    return {
      reason: `"${text}" begins in ${first.family} and ends in ${last.family}: write one range for each family`,
    }
  }
  if (first.value > last.value) {
    return { reason: `"${text}" ends before it begins: write ${to}-${from}` }
  }
  return { family: first.family, first: first.value, last: last.value }
}

/** Host bits are masked off; null when the text is not CIDR notation. */
export function parseCIDR(text: string): AddressRange | null {
  const match = /^([^/\s]+)\/(\d{1,3})$/.exec(text)
  const address = match?.[1] ? parseAddress(match[1]) : null
  if (!match || !address) return null
  const mapped = address.family === 'IPv4' && match[1]?.includes(':')
  const size = address.family === 'IPv4' ? 32 : 128
  const length = Number(match[2]) - (mapped ? 96 : 0)
  if (length < 0 || length > size) return null
  const host = (1n << BigInt(size - length)) - 1n
  return { family: address.family, first: address.value & ~host, last: address.value | host }
}

export function contains(range: AddressRange, address: Address): boolean {
  return (
    range.family === address.family && range.first <= address.value && address.value <= range.last
  )
}

/** Some old routers drop packets for .0 and .255 (avoidBuggyIPs). IPv6 never. */
export function isBuggy({ family, value }: Address): boolean {
  return family === 'IPv4' && (value % 256n === 0n || value % 256n === 255n)
}

/** How many addresses of the range may be handed out. */
export function usableSize({ family, first, last }: AddressRange, avoidBuggyIPs: boolean): bigint {
  const size = last - first + 1n
  if (!avoidBuggyIPs || family === 'IPv6') return size
  const upTo = (n: bigint, remainder: bigint) => (n < remainder ? 0n : (n - remainder) / 256n + 1n)
  const count = (remainder: bigint) =>
    upTo(last, remainder) - (first > 0n ? upTo(first - 1n, remainder) : 0n)
  return size - count(0n) - count(255n)
}

const EXAMPLE = 'write, for example, 192.168.50.211-192.168.50.220 or 192.168.50.0/24'

function numberOf(octets: readonly number[]): bigint {
  return octets.reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n)
}
