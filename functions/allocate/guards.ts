/** Addresses of a pool that are never handed out: those of `herald.io/exclude`, and those of nodes. */
import { type AddressRange, contains, parseAddress } from '../model/address.ts'
import type { Pool } from '../model/configuration.ts'
import { exclusionsOf } from '../model/pool-annotations.ts'

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
  const nodes = nodeAddresses.map(parseAddress).filter(address => address !== null)
  return [
    ...exclusionsOf(pool),
    ...nodes.map(({ family, value }) => ({ family, first: value, last: value })),
  ]
}

export function isExcluded(pool: Pool, text: string): boolean {
  const address = parseAddress(text)
  return address !== null && exclusionsOf(pool).some(range => contains(range, address))
}
