/** Addresses of a pool that are never handed out: those of `herald.io/exclude`, and those of nodes. */
import { type AddressRange, contains, parseAddress, parseEntry } from '../model/address.ts'
import type { Pool } from '../model/configuration.ts'

export const EXCLUDE_ANNOTATION = 'herald.io/exclude'

/** The ranges of `herald.io/exclude`: addresses, ranges and CIDRs, separated by commas. */
export function exclusions(pool: Pick<Pool, 'annotations'>): {
  readonly ranges: readonly AddressRange[]
  readonly mistakes: readonly string[]
} {
  const written = pool.annotations[EXCLUDE_ANNOTATION] ?? ''
  const ranges: AddressRange[] = []
  const mistakes: string[] = []
  for (const text of written.split(',').map(one => one.trim())) {
    if (text === '') continue
    const single = rangeOf(text)
    const range = single ?? parseEntry(text)
    if ('reason' in range) mistakes.push(range.reason)
    else ranges.push(range)
  }
  return { ranges, mistakes }
}

/** Why one of these addresses may not be handed out now; null when all may. */
export function guardOf(
  addresses: readonly string[],
  nodeAddresses: readonly string[],
): string | null {
  const nodes = addresses.filter(address => nodeAddresses.includes(address))
  return nodes.length > 0
    ? `${nodes.join(', ')} is the address of a node of this cluster and is never handed out. Take it out of the pool, or ask for another address.`
    : null
}

/** What windows leave out; in no order, and may overlap. */
export function gapsOf(pool: Pool, nodeAddresses: readonly string[]): AddressRange[] {
  const nodes = nodeAddresses.map(rangeOf).filter(range => range !== null)
  return [...exclusions(pool).ranges, ...nodes]
}

export function isExcluded(pool: Pool, text: string): boolean {
  const address = parseAddress(text)
  return address !== null && exclusions(pool).ranges.some(range => contains(range, address))
}

function rangeOf(text: string): AddressRange | null {
  const address = parseAddress(text)
  return address && { family: address.family, first: address.value, last: address.value }
}
