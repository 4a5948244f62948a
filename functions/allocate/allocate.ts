/**
 * Decides what a Service is to hold.
 *
 * Level-triggered: compares what is asked for with what is held; how we got here is irrelevant. Says
 * which options to try and in what order; claim.lua has the last word, since another allocator may be
 * at the same address. What MetalLB does is in its controller's convergence order; where it drops what
 * a Service holds before it tries for something new, Herald keeps the old until the new is claimed.
 */
import { familyOf } from '../model/address.ts'
import type { Refusal } from '../model/allocation.ts'
import type { Configuration } from '../model/configuration.ts'
import type { Service } from '../model/service.ts'
import { type Choice, choicesFor } from './choices.ts'
import { inUse } from './conflict.ts'
import { type FamilyWish, families } from './families.ts'
import { permits, poolHolding } from './pools.ts'
import { type SharingTerms, sharingOf } from './sharing.ts'
import type { AllocateState } from './state.ts'

export type AllocateCommand =
  /** It has what it asks for, or nothing can be known yet. */
  | { readonly do: 'nothing'; readonly why: string }
  /** Nothing may be held any more. `forget`: the Service is gone, its record goes too. */
  | {
      readonly do: 'release'
      readonly forget: boolean
      readonly why: string
      readonly refusal?: Refusal
      /** Why it lost what it held, where nobody asked for that: the reason is that of the event. */
      readonly cleared?: Refusal
    }
  /** What it asks for cannot be had, whatever is free; what it holds (from pool `keep`) it keeps. */
  | { readonly do: 'refuse'; readonly refusal: Refusal; readonly keep: string }
  /** Try these in order. When none can be had: keep what is held from pool `keep`, or release it; wait. */
  | ({
      readonly do: 'claim'
      readonly choices: readonly Choice[]
      readonly keep: string | null
      readonly why: string
      readonly cleared?: Refusal
    } & SharingTerms)

export function allocate(service: Service | null, state: AllocateState): AllocateCommand {
  const { configuration, held } = state
  if (!service) {
    return held
      ? { do: 'release', forget: true, why: 'the Service was deleted' }
      : { do: 'nothing', why: 'the Service is gone and held nothing' }
  }
  if (service.type !== 'LoadBalancer') {
    return held && (held.addresses.length > 0 || held.refusal)
      ? { do: 'release', forget: false, why: 'the Service is not of type LoadBalancer any more' }
      : { do: 'nothing', why: 'not of type LoadBalancer, and nothing held' }
  }
  if (!configuration) return { do: 'nothing', why: 'no configuration is known yet' }

  const wish = families(service)
  if ('refusal' in wish) return cannot(service, wish.refusal)
  return converge(service, state, configuration, wish)
}

function converge(
  service: Service,
  state: AllocateState,
  configuration: Configuration,
  wish: FamilyWish,
): AllocateCommand {
  const { held } = state
  const holds = held !== null && held.addresses.length > 0
  const lost = holds ? whyLost(service, state, configuration, wish) : null
  const current = holds && !lost ? poolHolding(configuration.pools, held.addresses) : null
  const wanted = choicesFor(service, state, configuration, wish, current)
  if ('refusal' in wanted) {
    const { refusal } = wanted
    return lost
      ? { do: 'release', forget: false, why: lost.message, refusal, cleared: lost }
      : { do: 'refuse', refusal, keep: current?.name ?? '' }
  }
  if (wanted.satisfied && !held?.refusal) {
    return { do: 'nothing', why: 'it holds what it asks for' }
  }
  const cleared = lost ?? (wanted.cleared && clearing(wanted.cleared))
  return {
    do: 'claim',
    choices: wanted.choices,
    ...sharingOf(service),
    keep: wanted.mayKeep ? (current?.name ?? null) : null,
    why: wanted.why,
    ...(cleared && { cleared }),
  }
}

/** A Service without usable cluster IPs: MetalLB clears it; an unset one is simply not ready yet. */
function cannot(service: Service, refusal: Refusal): AllocateCommand {
  const why = refusal.message
  return service.clusterIPs.length === 0
    ? { do: 'release', forget: false, why }
    : { do: 'release', forget: false, why, refusal, cleared: clearing(why) }
}

const clearing = (message: string): Refusal => ({ reason: 'ClearAssignment', message })

/** Why what is held may not be held any longer; null when it may. */
function whyLost(
  service: Service,
  { held, namespaceLabels, quarantines }: AllocateState,
  { pools }: Configuration,
  wish: FamilyWish,
): Refusal | null {
  const addresses = held?.addresses ?? []
  for (const [index, quarantine] of quarantines.entries()) {
    if (quarantine) return inUse(addresses[index] ?? '', quarantine)
  }
  const text = addresses.join(', ')
  const pool = poolHolding(pools, addresses)
  if (!pool) return clearing(`no pool contains ${text} any more`)
  if (!permits(pool, service, namespaceLabels)) {
    return clearing(
      `pool "${pool.name}", which contains ${text}, does not admit this Service any more`,
    )
  }
  return wish.accepts(addresses.map(familyOf))
    ? null
    : clearing(`${text} is not ${wish.text}, which the Service needs now`)
}
