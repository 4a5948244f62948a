/**
 * IP addresses and ranges. Only four-part decimal without leading zeros and IPv6 without zone are
 * addresses (`ipaddr.js` alone takes `10.1`, `010.0.0.1` and `::ffff:010.0.0.1`, and `::1.2.3.4` for an
 * IPv4 address). IPv4-mapped IPv6 text is IPv4, as in MetalLB.
 */
import { isIPv4, isIPv6 } from 'node:net'
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
  if (isIPv4(text)) return { family: 'IPv4', value: numberOf(octetsOf(text)) }
  if (!isIPv6(text) || text.includes('%')) return null
  const value = numberOf(ipaddr.IPv6.parse(withoutDots(text)).toByteArray())
  return value >> 32n === MAPPED_PREFIX
    ? { family: 'IPv4', value: value & 0xffff_ffffn }
    : { family: 'IPv6', value }
}

/** Dotted decimal, or the canonical text of RFC 5952. */
export function formatAddress({ family, value }: Address): string {
  const length = bitsOf(family) / 8
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

/**
 * An entry of a pool: "first-last" (spaces around either half are dropped) or CIDR, as MetalLB takes
 * them. The reason says what is wrong and what to write instead.
 */
export function parseEntry(text: string): AddressRange | { readonly reason: string } {
  return text.includes('-')
    ? parseRange(text)
    : (parseCIDR(text) ?? { reason: `${quote(text)} ${remedyFor(text)}` })
}

/** Host bits are masked off; null when the text is not CIDR notation. */
export function parseCIDR(text: string): AddressRange | null {
  const [, left = '', right] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? []
  const address = parseAddress(left)
  if (!address) return null
  const size = bitsOf(address.family)
  const mapped = address.family === 'IPv4' && left.includes(':')
  const length = Number(right) - (mapped ? 96 : 0)
  if (length < 0 || length > size) return null
  const host = (1n << BigInt(size - length)) - 1n
  return { family: address.family, first: address.value & ~host, last: address.value | host }
}

/** Lengths of the prefixes that a range consists of: the least number of CIDRs, ascending. */
export function prefixLengths({ family, first, last }: AddressRange): number[] {
  const lengths: number[] = []
  for (let at = first; at <= last; ) {
    let hostBits = 0n
    const fits = (bits: bigint) => at % (1n << bits) === 0n && at + (1n << bits) - 1n <= last
    while (hostBits < bitsOf(family) && fits(hostBits + 1n)) hostBits++
    lengths.push(bitsOf(family) - Number(hostBits))
    at += 1n << hostBits
  }
  return lengths
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

/** Whatever a user wrote, in quotes: on one line, and short enough for an event. */
export const quote = (text: string): string =>
  JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)

function parseRange(text: string): AddressRange | { readonly reason: string } {
  const dash = text.indexOf('-')
  const [from, to] = [text.slice(0, dash).trim(), text.slice(dash + 1).trim()]
  const [first, last] = [parseAddress(from), parseAddress(to)]
  if (!first || !last) {
    return {
      reason: `${quote(first ? to : from)} in ${quote(text)} is not an IP address: ${EXAMPLE}`,
    }
  }
  if (first.family !== last.family) {
    return {
      reason: `${quote(text)} begins in ${first.family} and ends in ${last.family}: write one range for each family`,
    }
  }
  if (first.value > last.value) {
    return { reason: `${quote(text)} ends before it begins: write ${to}-${from}` }
  }
  return { family: first.family, first: first.value, last: last.value }
}

function remedyFor(text: string): string {
  const trimmed = text.trim()
  if (trimmed !== text && parseCIDR(trimmed)) return `has spaces around it: write ${trimmed}`
  const single = parseAddress(trimmed)
  if (single) {
    return `is a single address: write ${formatAddress(single)}/${bitsOf(single.family)}`
  }
  const network = parseAddress(/^([^/]+)\/\d+$/.exec(trimmed)?.[1] ?? '')
  if (network) {
    const { family } = network
    return `has a prefix length beyond ${family}: write one from 0 to ${bitsOf(family)}`
  }
  return `is neither a range nor a CIDR: ${EXAMPLE}`
}

const EXAMPLE = 'write, for example, 192.168.50.211-192.168.50.220 or 192.168.50.0/24'

/** ::ffff:0:0/96, RFC 4291 section 2.5.5.2. */
const MAPPED_PREFIX = 0xffffn

const bitsOf = (family: Family): number => (family === 'IPv4' ? 32 : 128)

const octetsOf = (dotted: string): number[] => dotted.split('.').map(Number)

/** The dotted end that IPv6 text may have (RFC 4291 section 2.2), written as two groups. */
function withoutDots(text: string): string {
  return text.replace(/[\d.]+\.[\d.]+$/, dotted => {
    const [a = 0, b = 0, c = 0, d = 0] = octetsOf(dotted)
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  })
}

function numberOf(octets: readonly number[]): bigint {
  return octets.reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n)
}
