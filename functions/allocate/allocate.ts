/**
 * Decides what a Service is to hold.
 *
 * Level-triggered: compares what is asked for with what is held; how we got here is irrelevant. Says
 * which options to try and in what order; claim.lua has the last word, since another allocator may be
 * at the same address. What MetalLB does is in its controller's convergence order; where it drops what
 * a Service holds before it tries for something new, Herald keeps the old until the new is claimed.
 */
import type { Family } from '../model/address.ts'
import { canonical, familyOf } from '../model/address.ts'
import type { AddressRecord, Allocation, Refusal } from '../model/allocation.ts'
import { portKey } from '../model/allocation.ts'
import type { Configuration, Pool } from '../model/configuration.ts'
import type { Labels } from '../model/selector.ts'
import { annotation, type Service } from '../model/service.ts'
import { type FamilyWish, families } from './families.ts'
import { fits, permits, poolHolding, poolsInOrder } from './pools.ts'
import { requestedAddresses } from './requested.ts'
import { locate, type Place } from './windows.ts'

/** One way to satisfy a Service: every part from the same pool. */
export interface Choice {
  readonly pool: Pool
  readonly parts: readonly ({ readonly exact: Place } | { readonly family: Family })[]
}

export type AllocateCommand =
  /** It has what it asks for, or nothing can be known yet. */
  | { readonly do: 'nothing'; readonly why: string }
  /** Nothing may be held any more. `forget`: the Service is gone, its record goes too. */
  | {
      readonly do: 'release'
      readonly forget: boolean
      readonly why: string
      readonly refusal?: Refusal
    }
  /** What it asks for cannot be had, whatever is free; what it holds it keeps. */
  | { readonly do: 'refuse'; readonly refusal: Refusal }
  /** Try these in order. When none can be had: `keep` or release what is held, and wait. */
  | {
      readonly do: 'claim'
      readonly choices: readonly Choice[]
      readonly sharing: string
      readonly backend: string
      readonly ports: readonly string[]
      readonly keep: boolean
      readonly why: string
    }

export interface AllocateState {
  /** Null: nobody has judged a configuration yet; nothing is decided from that. */
  readonly configuration: Configuration | null
  readonly namespaceLabels: Labels
  readonly held: Allocation | null
  /** Records of the addresses held, in their order; null where there is none. */
  readonly records: readonly (AddressRecord | null)[]
  /** "cluster/namespace/name" */
  readonly id: string
}

export function allocate(service: Service | null, state: AllocateState): AllocateCommand {
  const { configuration, held } = state
  if (!service) {
    return held
      ? { do: 'release', forget: true, why: 'the Service was deleted' }
      : { do: 'nothing', why: 'the Service is gone and held nothing' }
  }
  if (service.type !== 'LoadBalancer') {
    return held && held.addresses.length > 0
      ? { do: 'release', forget: false, why: 'the Service is not of type LoadBalancer any more' }
      : { do: 'nothing', why: 'not of type LoadBalancer, and nothing held' }
  }
  if (!configuration || configuration.source === 'none') {
    return { do: 'nothing', why: 'no configuration is known yet' }
  }

  const wish = families(service)
  if ('refusal' in wish) return cannot(service, wish.refusal)

  const current = heldPool(service, state, configuration, wish)
  const wanted = choices(service, state, configuration, wish, current)
  if ('refusal' in wanted) {
    return current || !held?.addresses.length
      ? { do: 'refuse', refusal: wanted.refusal }
      : {
          do: 'release',
          forget: false,
          why: 'its pool no longer permits it',
          refusal: wanted.refusal,
        }
  }
  if (wanted.satisfied && !held?.refusal) {
    return { do: 'nothing', why: 'it holds what it asks for' }
  }
  return {
    do: 'claim',
    choices: wanted.choices,
    ...sharingOf(service),
    keep: current !== null && wanted.mayKeep,
    why: wanted.why,
  }
}

/** What sharers must agree on (metallb-behaviour 4.7): key, and for Local the selector. */
export function sharingOf(service: Service): { sharing: string; backend: string; ports: string[] } {
  const selector = Object.entries(service.selector)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
  return {
    sharing: annotation(service, 'allow-shared-ip') ?? '',
    backend: service.externalTrafficPolicy === 'Local' ? selector.join(',') : '',
    ports: service.ports.map(portKey).sort(),
  }
}

/** A Service without usable cluster IPs: MetalLB clears it; an unset one is simply not ready yet. */
function cannot(service: Service, refusal: Refusal): AllocateCommand {
  return service.clusterIPs.length === 0
    ? { do: 'release', forget: false, why: refusal.message }
    : { do: 'release', forget: false, why: refusal.message, refusal }
}

/** The pool that holds what is held and still permits it; null when nothing is held or it must go. */
function heldPool(
  service: Service,
  state: AllocateState,
  configuration: Configuration,
  wish: FamilyWish,
): Pool | null {
  const held = state.held?.addresses ?? []
  if (held.length === 0) return null
  const pool = poolHolding(configuration.pools, held)
  if (!pool || !permits(pool, service, state.namespaceLabels)) return null
  const have = held.map(familyOf)
  return wish.accepts(have) ? pool : null
}

interface Wanted {
  readonly choices: readonly Choice[]
  readonly satisfied: boolean
  readonly mayKeep: boolean
  readonly why: string
}

function choices(
  service: Service,
  state: AllocateState,
  { pools }: Configuration,
  wish: FamilyWish,
  current: Pool | null,
): Wanted | { readonly refusal: Refusal } {
  const asked = requestedAddresses(service, wish)
  if (asked && 'refusal' in asked) return asked
  const poolName = annotation(service, 'address-pool')
  if (asked) return byAddress(service, state, pools, asked.addresses, poolName, current)

  const rightPool = current && (!poolName || current.name === poolName)
  if (rightPool) return keepOrGrow(service, state, wish, current)
  if (poolName) return byPool(service, state, pools, poolName, wish)

  const again = ownAgain(service, state, pools, wish)
  const { pinned, open } = poolsInOrder(pools, service, state.namespaceLabels)
  const automatic = [...wish.plans(pinned), ...wish.plans(open)].map(plan => ({
    pool: plan.pool,
    parts: plan.families.map(family => ({ family })),
  }))
  if (automatic.length === 0) return { refusal: noPool(service, pools) }
  return {
    choices: [...again, ...automatic],
    satisfied: false,
    mayKeep: false,
    why: 'automatic assignment',
  }
}

function byAddress(
  service: Service,
  state: AllocateState,
  pools: readonly Pool[],
  addresses: readonly string[],
  poolName: string | undefined,
  current: Pool | null,
): Wanted | { readonly refusal: Refusal } {
  const text = addresses.join(', ')
  const pool = poolHolding(pools, addresses)
  if (!pool) {
    return failed(
      `requested ${text}, but no pool contains ${addresses.length > 1 ? 'them together' : 'it'}. ` +
        `Add the address to an IPAddressPool, or ask for one of: ${summaryOf(pools)}.`,
    )
  }
  if (poolName && pool.name !== poolName) {
    return failed(
      `requested ${text} lies in pool "${pool.name}", but the annotation metallb.io/address-pool asks for ` +
        `"${poolName}". Change or remove one of the two.`,
    )
  }
  if (!permits(pool, service, state.namespaceLabels)) return failed(notPermitted(pool, service))
  const parts = addresses.map(locate).filter(place => place !== null)
  const same = sameSet(addresses, state.held?.addresses ?? [])
  const ordered = same ? (state.held?.addresses ?? []).map(locate).filter(p => p !== null) : parts
  return {
    choices: [{ pool, parts: ordered.map(exact => ({ exact })) }],
    satisfied: same && current?.name === pool.name && recorded(service, state, pool),
    mayKeep: true,
    why: `requested by address`,
  }
}

function byPool(
  service: Service,
  state: AllocateState,
  pools: readonly Pool[],
  name: string,
  wish: FamilyWish,
): Wanted | { readonly refusal: Refusal } {
  const pool = pools.find(one => one.name === name)
  if (!pool) {
    const known = pools.map(one => one.name).join(', ') || 'none'
    return failed(
      `pool "${name}", asked for by annotation metallb.io/address-pool, does not exist. Known pools: ${known}.`,
    )
  }
  if (!permits(pool, service, state.namespaceLabels)) return failed(notPermitted(pool, service))
  const plans = wish.plans([pool])
  if (plans.length === 0) {
    return failed(
      `pool "${name}" has no ${wish.text} addresses. Add some, or ask for another pool.`,
    )
  }
  return {
    choices: [
      ...ownAgain(service, state, [pool], wish),
      ...plans.map(plan => ({ pool, parts: plan.families.map(family => ({ family })) })),
    ],
    satisfied: false,
    mayKeep: true,
    why: `pool asked for by annotation`,
  }
}

/** What is held stays; the record follows the Service's ports and sharing; a missing family is added from the same pool. */
function keepOrGrow(service: Service, state: AllocateState, wish: FamilyWish, pool: Pool): Wanted {
  const held = state.held?.addresses ?? []
  const places = held.map(locate).filter(place => place !== null)
  const same: Choice = { pool, parts: places.map(exact => ({ exact })) }
  const missing = wish.grow(held.map(familyOf)).filter(family => fits(pool, family))
  const grown = missing.map(family => ({ pool, parts: [...same.parts, { family }] }))
  const fallback = wish.plans([pool]).map(plan => ({
    pool,
    parts: plan.families.map(family => ({ family })),
  }))
  return {
    // A sharer that no longer fits loses the address alone and gets another of the pool.
    choices: [...grown, same, ...fallback],
    satisfied: missing.length === 0 && recorded(service, state, pool),
    mayKeep: false,
    why: missing.length > 0 ? `${missing.join()} added` : 'ports or sharing changed',
  }
}

/** The Service's own address again, where status still shows it: nothing changes that need not. */
function ownAgain(
  service: Service,
  state: AllocateState,
  pools: readonly Pool[],
  wish: FamilyWish,
): Choice[] {
  if (state.held?.addresses.length || service.addresses.length === 0) return []
  const own = service.addresses.map(canonical)
  if (own.includes(null) || !wish.accepts(own.map(one => familyOf(one ?? '')))) return []
  const addresses = own.filter(one => one !== null)
  const pool = poolHolding(pools, addresses)
  if (!pool || !permits(pool, service, state.namespaceLabels)) return []
  const places = addresses.map(locate).filter(place => place !== null)
  return [{ pool, parts: places.map(exact => ({ exact })) }]
}

/** True when the address records say of this Service what it is now. */
function recorded(service: Service, state: AllocateState, pool: Pool): boolean {
  const { sharing, backend, ports } = sharingOf(service)
  return (
    state.held?.pool === pool.name &&
    state.held.uid === service.uid &&
    state.records.length === state.held.addresses.length &&
    state.records.every(
      record =>
        record?.sharingKey === sharing &&
        record.backendKey === backend &&
        record.pool === pool.name &&
        sameSet(record.holders[state.id]?.ports ?? [], ports),
    )
  )
}

function noPool(service: Service, pools: readonly Pool[]): Refusal {
  const message =
    pools.length === 0
      ? 'there is no address pool. Create an IPAddressPool (or the ConfigMap "config") in the namespace of Herald.'
      : `no pool may serve this Service automatically: ${pools.map(pool => `"${pool.name}" ${whyNot(pool, service)}`).join('; ')}. ` +
        'Allow one, add a pool, or ask for one with the annotation metallb.io/address-pool.'
  return { reason: 'AllocationFailed', message }
}

function whyNot(pool: Pool, service: Service): string {
  if (!pool.autoAssign) return 'has autoAssign: false'
  const families = ['IPv4', 'IPv6'] as const
  const has = families.filter(family => fits(pool, family)).join(' and ') || 'no usable'
  return pool.serviceAllocation
    ? `serves only what its serviceAllocation selects, or has ${has} addresses only`
    : `has ${has} addresses only, the Service needs ${service.clusterIPs.map(familyOf).join(' and ')}`
}

const notPermitted = (pool: Pool, service: Service): string =>
  `pool "${pool.name}" does not admit this Service: its serviceAllocation selects neither namespace ` +
  `"${service.namespace}" with the Service's labels. Change the pool's serviceAllocation, the labels, or ask for another pool.`

const summaryOf = (pools: readonly Pool[]): string =>
  pools.map(pool => `${pool.name} (${pool.addresses.join(', ')})`).join('; ') || 'no pool exists'

const failed = (message: string): { refusal: Refusal } => ({
  refusal: { reason: 'AllocationFailed', message },
})

const sameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every(one => b.includes(one))
