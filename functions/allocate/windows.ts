/**
 * The address space in pages of 65,536 (design.md "State in Redis"), and a pool as windows onto them.
 * All arithmetic on addresses happens here, so that no Lua script (whose numbers are doubles) does any:
 * a script finds a bit in a page and appends it to a text that it was given.
 */
import type { AddressRange, Family } from '../model/address.ts'
import { formatAddress, parseAddress, parseEntry } from '../model/address.ts'
import type { Pool } from '../model/configuration.ts'

/** An inclusive stretch of one page. */
export interface Window {
  /** "4:c0a8" (IPv4 /16) or "6:" and 28 hexadecimal digits (IPv6 /112). */
  readonly page: string
  readonly from: number
  readonly to: number
  /** Text of an address of this page but for its offset: "192.168." or "2001:db8::". */
  readonly prefix: string
  /** Text of the page's first address, where compression may differ (RFC 5952 section 4.2). */
  readonly zero: string
}

/** Where the record of one address stands. */
export interface Place {
  readonly address: string
  readonly page: string
  readonly offset: number
}

const PAGE_BITS = 16n
const PAGE_SIZE = 1n << PAGE_BITS

/**
 * The windows of a pool in one family: entries in listed order, addresses ascending, without the gaps.
 * Lazy: a /48 has 2^64 of them.
 */
export function* windowsOf(
  pool: Pool,
  family: Family,
  gaps: readonly AddressRange[] = [],
): Generator<Window> {
  for (const range of rangesOf(pool, family, gaps)) yield* windowsOfRange(range)
}

/** What a pool consists of in one family: entries in listed order, without the gaps. */
export function rangesOf(
  pool: Pool,
  family: Family,
  gaps: readonly AddressRange[] = [],
): AddressRange[] {
  return pool.addresses.flatMap(entry => {
    const range = parseEntry(entry)
    return 'reason' in range || range.family !== family ? [] : without(range, gaps)
  })
}

/** What is left of a range, ascending. */
function without(range: AddressRange, gaps: readonly AddressRange[]): AddressRange[] {
  const inside = gaps
    .filter(
      gap => gap.family === range.family && gap.first <= range.last && gap.last >= range.first,
    )
    .sort((a, b) => (a.first < b.first ? -1 : 1))
  const rest: AddressRange[] = []
  let { first } = range
  for (const gap of inside) {
    if (gap.first > first) rest.push({ ...range, first, last: gap.first - 1n })
    if (gap.last >= first) first = gap.last + 1n
  }
  if (first <= range.last) rest.push({ ...range, first })
  return rest
}

/** "page:offset" in digits of fixed length: texts that sort as the addresses of a family do (book.lua writes the same). */
export function markOf(family: Family, value: bigint): string {
  const offset = (value % PAGE_SIZE).toString(16).padStart(4, '0')
  return `${pageKey(family, value >> PAGE_BITS)}:${offset}`
}

/** Page and offset of an address; null when the text is not an address. */
export function locate(address: string): Place | null {
  const parsed = parseAddress(address)
  if (!parsed) return null
  return {
    address: formatAddress(parsed),
    page: pageKey(parsed.family, parsed.value >> PAGE_BITS),
    offset: Number(parsed.value % PAGE_SIZE),
  }
}

function* windowsOfRange({ family, first, last }: AddressRange): Generator<Window> {
  for (let page = first >> PAGE_BITS; page <= last >> PAGE_BITS; page++) {
    const start = page << PAGE_BITS
    yield {
      page: pageKey(family, page),
      from: first > start ? Number(first - start) : 0,
      to: last < start + PAGE_SIZE - 1n ? Number(last - start) : Number(PAGE_SIZE - 1n),
      zero: formatAddress({ family, value: start }),
      prefix: prefixOf(family, start),
    }
  }
}

/** What all addresses of a page but the first begin with: the text of offset 1, less its last digit. */
function prefixOf(family: Family, start: bigint): string {
  const one = formatAddress({ family, value: start + 1n })
  return family === 'IPv4' ? one.replace(/\d+\.\d+$/, '') : one.slice(0, -1)
}

function pageKey(family: Family, page: bigint): string {
  return family === 'IPv4'
    ? `4:${page.toString(16).padStart(4, '0')}`
    : `6:${page.toString(16).padStart(28, '0')}`
}
