/** The words in which a Service is told that no choice exists for it, and what to do. */
import { isBuggy, parseAddress } from '../model/address.ts'
import type { Refusal } from '../model/allocation.ts'
import type { Pool } from '../model/configuration.ts'
import type { Labels } from '../model/selector.ts'
import type { Service } from '../model/service.ts'
import type { FamilyWish } from './families.ts'
import { isExcluded } from './guards.ts'
import { fits, permits, within } from './pools.ts'

export interface Refused {
  readonly refusal: Refusal
}

export const refused = (message: string, reason = 'AllocationFailed'): Refused => ({
  refusal: { reason, message },
})

export function noPool(
  service: Service,
  pools: readonly Pool[],
  namespaceLabels: Labels,
  wish: FamilyWish,
): Refused {
  if (pools.length === 0) {
    return refused(
      'there is no address pool. Create an IPAddressPool (or the ConfigMap "config") in the namespace of Herald.',
    )
  }
  const reasons = pools.map(
    pool => `"${pool.name}" ${whyNot(pool, service, namespaceLabels, wish)}`,
  )
  return refused(
    `no pool may serve this Service automatically: ${listed(reasons)}. ` +
      'Allow one, add a pool, or ask for one with the annotation metallb.io/address-pool.',
  )
}

/** Why automatic assignment passes a pool by; it does for a reason, so there is always one. */
export function whyNot(
  pool: Pool,
  service: Service,
  namespaceLabels: Labels,
  wish: FamilyWish,
): string {
  if (!pool.autoAssign) return 'has autoAssign: false'
  if (!permits(pool, service, namespaceLabels)) return 'admits other namespaces or Services only'
  const has = (['IPv4', 'IPv6'] as const).filter(family => fits(pool, family)).join(' and ')
  return `has ${has ? `${has} addresses only` : 'no usable address'}, the Service needs ${wish.text}`
}

export function notPermitted(pool: Pool, service: Service): Refused {
  return refused(
    `pool "${pool.name}" does not admit this Service: its serviceAllocation does not select namespace ` +
      `"${service.namespace}" with the labels of the Service. Change the pool's serviceAllocation or the labels, or ask for another pool.`,
  )
}

/** No single pool may give out all of these addresses. */
export function outsidePools(addresses: readonly string[], pools: readonly Pool[]): Refused {
  const text = addresses.join(', ')
  for (const address of addresses) {
    const pool = pools.find(one => within(one, address))
    const parsed = parseAddress(address)
    if (pool?.avoidBuggyIPs && parsed && isBuggy(parsed)) {
      return refused(
        `requested ${address} ends in .0 or .255, and pool "${pool.name}" has avoidBuggyIPs: true. Ask for another address.`,
      )
    }
    if (pool && isExcluded(pool, address)) {
      return refused(
        `requested ${address} is excluded from pool "${pool.name}" (annotation herald.io/exclude). Ask for another address.`,
      )
    }
  }
  const together = addresses.length > 1 ? 'contains them together' : 'contains it'
  const ranges = pools.map(pool => `${pool.name} (${pool.addresses.join(', ')})`)
  return refused(
    `requested ${text}, but no pool ${together}. Add ${addresses.length > 1 ? 'them' : 'the address'} to an IPAddressPool, or ask for one of: ` +
      `${pools.length > 0 ? listed(ranges) : 'no pool exists'}.`,
  )
}

/** An event holds 1,024 bytes: as many as fit a sentence. */
export function listed(parts: readonly string[]): string {
  const shown = parts
    .slice(0, LISTED_MOST)
    .map(one => (one.length > 120 ? `${one.slice(0, 120)}…` : one))
  const more = parts.length - shown.length
  return `${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`
}

const LISTED_MOST = 6
