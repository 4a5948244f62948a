/** The ways to give a Service what it asks for, in MetalLB's order (metallb-behaviour 4.2 to 4.5). */
import { canonical, type Family, familyOf, quote } from '../model/address.ts'
import type { Configuration, Pool } from '../model/configuration.ts'
import { annotation, type Service } from '../model/service.ts'
import type { FamilyWish } from './families.ts'
import { guardOf } from './guards.ts'
import { fits, permits, poolHolding, poolsInOrder } from './pools.ts'
import { listed, noPool, notPermitted, outsidePools, type Refused, refused } from './refusals.ts'
import { requestedAddresses } from './requested.ts'
import { reserveMsOf } from './reservation.ts'
import { isRecorded } from './sharing.ts'
import type { AllocateState } from './state.ts'
import { locate, type Place } from './windows.ts'

/** One way to satisfy a Service: every part from the same pool. */
export interface Choice {
  readonly pool: Pool
  readonly parts: readonly ({ readonly exact: Place } | { readonly family: Family })[]
  /** The Service had these before, as its status shows: they are not new on the LAN. */
  readonly shown?: boolean
  /** The pool has this family too, but this choice does without it: the Service goes on waiting for it. */
  readonly lacking?: Family
}

export interface Wanted {
  readonly choices: readonly Choice[]
  /** What is held is the first of them, and is recorded so. */
  readonly satisfied: boolean
  /** What is held may stay while none of them can be had: the Service asks for something else. */
  readonly mayKeep: boolean
  readonly why: string
  /** Why what is held is lost, should the first choice fail. */
  readonly cleared?: string
}

/** `current`: the pool of what is held, null when nothing is or it must go. */
export function choicesFor(
  service: Service,
  state: AllocateState,
  { pools }: Configuration,
  wish: FamilyWish,
  current: Pool | null,
): Wanted | Refused {
  const asked = requestedAddresses(service, wish, current !== null)
  if (asked && 'refusal' in asked) return asked
  const poolName = annotation(service, 'address-pool')
  if (asked) return byAddress(service, state, pools, asked.addresses, poolName, current)
  const fresh = poolName
    ? byPool(service, state, pools, poolName, wish)
    : automatic(service, state, pools, wish)
  if ('choices' in fresh && state.quarantines.some(one => one !== null)) {
    return { ...fresh, choices: [...replacing(state, pools), ...fresh.choices] }
  }
  return current && (!poolName || current.name === poolName)
    ? keepOrGrow(service, state, wish, current, 'choices' in fresh ? fresh.choices : [])
    : fresh
}

function byAddress(
  service: Service,
  state: AllocateState,
  pools: readonly Pool[],
  addresses: readonly string[],
  poolName: string | undefined,
  current: Pool | null,
): Wanted | Refused {
  const text = addresses.join(', ')
  const pool = poolHolding(pools, addresses)
  if (!pool) return outsidePools(addresses, pools)
  if (poolName && pool.name !== poolName) {
    return refused(
      `requested ${text} lies in pool "${pool.name}", but the annotation metallb.io/address-pool asks for ` +
        `${quote(poolName)}. Change or remove one of the two.`,
    )
  }
  if (!permits(pool, service, state.namespaceLabels)) return notPermitted(pool, service)
  const held = state.held?.addresses ?? []
  const same = sameSet(addresses, held)
  const guard = same ? null : guardOf(addresses, state.nodeAddresses)
  if (guard) return refused(guard)
  return {
    choices: [exactly(pool, same ? held : addresses)],
    satisfied: same && current?.name === pool.name && recorded(service, state, pool),
    mayKeep: !same,
    why: 'requested by address',
    ...(same && { cleared: UNFIT }),
  }
}

function byPool(
  service: Service,
  state: AllocateState,
  pools: readonly Pool[],
  name: string,
  wish: FamilyWish,
): Wanted | Refused {
  const pool = pools.find(one => one.name === name)
  if (!pool) {
    return refused(
      `pool ${quote(name)}, asked for by annotation metallb.io/address-pool, does not exist. ` +
        `Known pools: ${listed(pools.map(one => one.name)) || 'none'}. Create it, or ask for one of these.`,
    )
  }
  if (!permits(pool, service, state.namespaceLabels)) return notPermitted(pool, service)
  const choices = planned([pool], wish)
  return choices.length === 0
    ? refused(`pool "${name}" has no ${wish.text} addresses. Add some, or ask for another pool.`)
    : {
        choices: [...ownAgain(service, state, [pool], wish), ...choices],
        satisfied: false,
        mayKeep: true,
        why: 'pool asked for by annotation',
      }
}

/** Pinned pools first, then open ones; each of the two is searched for both families before the next. */
function automatic(
  service: Service,
  state: AllocateState,
  pools: readonly Pool[],
  wish: FamilyWish,
): Wanted | Refused {
  const { pinned, open } = poolsInOrder(pools, service, state.namespaceLabels)
  const choices = [...planned(pinned, wish), ...planned(open, wish)]
  return choices.length === 0
    ? noPool(service, pools, state.namespaceLabels, wish)
    : {
        choices: [...ownAgain(service, state, pools, wish), ...choices],
        satisfied: false,
        mayKeep: false,
        why: 'automatic assignment',
      }
}

/** What is held stays; its record follows ports and sharing; a missing family is added from the same pool. */
function keepOrGrow(
  service: Service,
  state: AllocateState,
  wish: FamilyWish,
  pool: Pool,
  fresh: readonly Choice[],
): Wanted {
  const held = state.held?.addresses ?? []
  const same = exactly(pool, held)
  const [missing] = wish.grow(held.map(familyOf)).filter(family => fits(pool, family))
  return {
    // A sharer that no longer fits loses the address alone, and gets another like anybody else.
    choices: missing
      ? [
          { pool, parts: [...same.parts, { family: missing }] },
          { ...same, lacking: missing },
          ...fresh,
        ]
      : [same, ...fresh],
    satisfied: !missing && recorded(service, state, pool),
    mayKeep: false,
    why: missing ? `${missing} added` : 'ports or sharing changed',
    cleared: UNFIT,
  }
}

const UNFIT =
  'its sharing key, externalTrafficPolicy, selector or ports no longer fit the other Services on its address'

function planned(pools: readonly Pool[], wish: FamilyWish): Choice[] {
  return wish.plans(pools).map(({ pool, families }) => {
    const [lacking] = wish.grow(families).filter(family => fits(pool, family))
    const parts = families.map(family => ({ family }))
    return lacking ? { pool, parts, lacking } : { pool, parts }
  })
}

/** Another address for each that is quarantined, and what else is held stays. */
function replacing({ held, quarantines }: AllocateState, pools: readonly Pool[]): Choice[] {
  const addresses = held?.addresses ?? []
  const pool = poolHolding(pools, addresses)
  if (!pool || addresses.length < 2) return []
  const parts = exactly(pool, addresses).parts.map((part, index) => {
    const family = familyOf(addresses[index] ?? '')
    return quarantines[index] && family ? { family } : part
  })
  return [{ pool, parts }]
}

/** The Service's own address again, where status still shows it: nothing changes that need not. */
function ownAgain(
  service: Service,
  state: AllocateState,
  pools: readonly Pool[],
  wish: FamilyWish,
): Choice[] {
  if (state.held?.addresses.length || service.addresses.length === 0) return []
  const own = service.addresses.map(canonical).filter(one => one !== null)
  if (own.length !== service.addresses.length || !wish.accepts(own.map(familyOf))) return []
  const pool = poolHolding(pools, own)
  const may = pool && permits(pool, service, state.namespaceLabels)
  return may && !guardOf(own, state.nodeAddresses) ? [{ ...exactly(pool, own), shown: true }] : []
}

const exactly = (pool: Pool, addresses: readonly string[]): Choice => ({
  pool,
  parts: addresses
    .map(locate)
    .filter((place): place is Place => place !== null)
    .map(exact => ({ exact })),
})

const recorded = (service: Service, state: AllocateState, pool: Pool): boolean =>
  isRecorded(service, pool.name, state, reserveMsOf(service))

const sameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every(one => b.includes(one))
