/** How a Service stands with each pool, as `allocate` sees it; for people who ask why. */
import type { Configuration } from '../model/configuration.ts'
import type { Service } from '../model/service.ts'
import { choicesFor } from './choices.ts'
import { families } from './families.ts'
import { poolsInOrder } from './pools.ts'
import { whyNot } from './refusals.ts'
import type { AllocateState } from './state.ts'

export interface PoolVerdict {
  readonly pool: string
  /** Position in the order of automatic assignment, from 1; null: passed by. */
  readonly rank: number | null
  readonly verdict: string
}

export interface Account {
  /** "IPv4", "IPv4 and IPv6"; null when the Service's cluster IPs admit none. */
  readonly families: string | null
  readonly pools: readonly PoolVerdict[]
  /** Why nothing can be had for it at all, whatever is free; null when something could. */
  readonly refusal: string | null
}

export function account(
  service: Service,
  state: AllocateState,
  configuration: Configuration,
): Account {
  const wish = families(service)
  if ('refusal' in wish) return { families: null, pools: [], refusal: wish.refusal.message }
  const { pinned, open } = poolsInOrder(configuration.pools, service, state.namespaceLabels)
  const order = [...wish.plans(pinned), ...wish.plans(open)].map(({ pool }) => pool.name)
  const ranked = [...new Set(order)]
  const wanted = choicesFor(service, { ...state, held: null }, configuration, wish, null)
  return {
    families: wish.text,
    pools: configuration.pools.map(pool => {
      const at = ranked.indexOf(pool.name)
      if (at < 0) {
        const verdict = whyNot(pool, service, state.namespaceLabels, wish)
        return { pool: pool.name, rank: null, verdict }
      }
      const verdict = pool.serviceAllocation ? 'pinned to this Service' : 'open to every Service'
      return { pool: pool.name, rank: at + 1, verdict }
    }),
    refusal: 'refusal' in wanted ? wanted.refusal.message : null,
  }
}
