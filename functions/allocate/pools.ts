/** Which pools may serve a Service, and in what order (metallb-behaviour 4.2). Ties go by name. */
import { contains, type Family, isBuggy, parseAddress, parseEntry } from '../model/address.ts'
import type { Pool } from '../model/configuration.ts'
import { anySelects, type Labels } from '../model/selector.ts'
import type { Service } from '../model/service.ts'
import { isExcluded } from './guards.ts'

/** Pools for automatic assignment: those pinned to this Service by priority, then those open to all. */
export function poolsInOrder(
  pools: readonly Pool[],
  service: Service,
  namespaceLabels: Labels,
): { readonly pinned: Pool[]; readonly open: Pool[] } {
  const usable = pools.filter(pool => pool.autoAssign && permits(pool, service, namespaceLabels))
  const last = (pool: Pool) => pool.serviceAllocation?.priority || Number.POSITIVE_INFINITY
  const pinned = usable.filter(pool => pool.serviceAllocation)
  return {
    pinned: pinned.sort((a, b) => compare(last(a), last(b)) || compare(a.name, b.name)),
    open: usable.filter(pool => !pool.serviceAllocation).sort((a, b) => compare(a.name, b.name)),
  }
}

/**
 * May the Service hold addresses of the pool at all? Checked for every assignment, requested ones too.
 * An allocation with only a priority admits every Service, as in MetalLB.
 */
export function permits(pool: Pool, service: Service, namespaceLabels: Labels): boolean {
  const rule = pool.serviceAllocation
  if (!rule) return true
  const named = rule.namespaces.length > 0 || rule.namespaceSelectors.length > 0
  const inNamespace =
    rule.namespaces.includes(service.namespace) ||
    anySelects(rule.namespaceSelectors, namespaceLabels)
  const selected =
    rule.serviceSelectors.length === 0 || anySelects(rule.serviceSelectors, service.labels)
  return (!named || inNamespace) && selected
}

/** The pool that contains all of the addresses, usable ones only; pools do not overlap. */
export function poolHolding(pools: readonly Pool[], addresses: readonly string[]): Pool | null {
  return pools.find(pool => addresses.every(address => holds(pool, address))) ?? null
}

/** Has the pool any entry of that family? */
export function fits(pool: Pool, family: Family): boolean {
  return pool.addresses.some(entry => {
    const range = parseEntry(entry)
    return !('reason' in range) && range.family === family
  })
}

function holds(pool: Pool, text: string): boolean {
  const address = parseAddress(text)
  if (!address || (pool.avoidBuggyIPs && isBuggy(address))) return false
  return within(pool, text) && !isExcluded(pool, text)
}

/** Is the address in one of the entries, usable or not? */
export function within(pool: Pool, text: string): boolean {
  const address = parseAddress(text)
  if (!address) return false
  return pool.addresses.some(entry => {
    const range = parseEntry(entry)
    return !('reason' in range) && contains(range, address)
  })
}

const compare = <T>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0)
