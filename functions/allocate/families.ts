/** Which address families a Service needs (metallb-behaviour 4.4), judged by its real cluster IPs. */
import { type Family, familyOf } from '../model/address.ts'
import type { Refusal } from '../model/allocation.ts'
import type { Pool } from '../model/configuration.ts'
import type { Service } from '../model/service.ts'
import { fits } from './pools.ts'

export interface FamilyWish {
  /** For people: "IPv4", "IPv4 and IPv6". */
  readonly text: string
  /** May a Service that holds these families keep them? */
  accepts(held: readonly (Family | null)[]): boolean
  /** Must a requested set be exactly these? */
  readonly exact: readonly Family[]
  /** Ways to serve it from pools in the order given; each takes one address of each family listed. */
  plans(pools: readonly Pool[]): { readonly pool: Pool; readonly families: readonly Family[] }[]
  /** Families to add to what is held, if the pool has them. */
  grow(held: readonly (Family | null)[]): readonly Family[]
}

export function families(service: Service): FamilyWish | { readonly refusal: Refusal } {
  const cluster = service.clusterIPs.map(familyOf)
  if (cluster.length === 0) return refused('the Service has no cluster IP yet')
  if (
    cluster.includes(null) ||
    cluster.length > 2 ||
    (cluster.length === 2 && cluster[0] === cluster[1])
  ) {
    return refused(
      `the cluster IPs ${service.clusterIPs.join(', ')} are not one or two addresses of different families. ` +
        'A Service without cluster IPs ("None") cannot be of type LoadBalancer.',
    )
  }
  const dual = cluster.length === 2
  if (service.ipFamilyPolicy === 'RequireDualStack') {
    return dual
      ? both()
      : refused(
          'RequireDualStack needs two cluster IPs, the Service has one. Create it anew on a dual-stack cluster, or use PreferDualStack.',
          'NotEnoughClusterIPs',
        )
  }
  if (!dual) return single(cluster[0] ?? 'IPv4')
  if (service.ipFamilyPolicy === 'PreferDualStack') return preferBoth(service)
  return refused(
    'the Service has two cluster IPs but its ipFamilyPolicy is not PreferDualStack or RequireDualStack',
  )
}

const DUAL: readonly Family[] = ['IPv4', 'IPv6']

function single(family: Family): FamilyWish {
  return {
    text: family,
    exact: [family],
    accepts: held => held.length === 1 && held[0] === family,
    plans: pools => from(pools, [family]),
    grow: () => [],
  }
}

function both(): FamilyWish {
  return {
    text: 'IPv4 and IPv6',
    exact: DUAL,
    accepts: isDual,
    plans: pools => from(pools, DUAL),
    grow: () => [],
  }
}

/** A pool with both families wins; else the first with the primary family, else the first with the other. */
function preferBoth(service: Service): FamilyWish {
  const primary: Family = service.ipFamilies[0] === 'IPv6' ? 'IPv6' : 'IPv4'
  const secondary: Family = primary === 'IPv4' ? 'IPv6' : 'IPv4'
  return {
    text: 'IPv4 and IPv6',
    exact: DUAL,
    accepts: held => isDual(held) || (held.length === 1 && held[0] !== null),
    plans: pools => [...from(pools, DUAL), ...from(pools, [primary]), ...from(pools, [secondary])],
    grow: held => (held.length === 1 ? DUAL.filter(family => family !== held[0]) : []),
  }
}

const isDual = (held: readonly (Family | null)[]): boolean =>
  held.length === 2 && DUAL.every(family => held.includes(family))

const from = (pools: readonly Pool[], families: readonly Family[]) =>
  pools
    .filter(pool => families.every(family => fits(pool, family)))
    .map(pool => ({ pool, families }))

const refused = (message: string, reason = 'AllocationFailed'): { refusal: Refusal } => ({
  refusal: { reason, message },
})
