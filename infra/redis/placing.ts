/** The doors to the scripts about who announces what: allocators place, announcers renew their leases and report from the LAN. */
import type { Cluster, Redis } from 'ioredis'
import type { Finding } from '../../functions/model/finding.ts'
import type { Announcer } from '../../functions/model/node.ts'
import type { Placement } from '../../functions/model/placement.ts'
import type { Keys } from './keys.ts'
import { list, script } from './script.ts'

export interface PlaceRequest {
  readonly group: string
  readonly addresses: readonly string[]
  readonly candidates: readonly {
    node: string
    interfaces: readonly string[] | null
    weight: number
  }[]
  readonly lapsed: readonly string[]
  readonly reason: string
  readonly settleMs: number
  /** Who is to have it now, if it may, and then no more by itself; absent: whoever has it. */
  readonly prefer?: string
}

export type PlaceAnswer =
  | { readonly outcome: 'wait'; readonly waitMs: number }
  | { readonly outcome: 'same' }
  /** Nobody may serve it, and nobody did. */
  | { readonly outcome: 'nobody' }
  | {
      readonly outcome: 'placed'
      /** Null: withdrawn, or nobody may serve it. */
      readonly owner: string | null
      /** Null: it had none. */
      readonly former: string | null
      readonly tell: readonly string[]
    }

export interface Reported {
  /** Claims of this node, as placements. */
  readonly placements: readonly Placement[]
  /** Everything that it claims, for a Redis that is new. */
  readonly all: boolean
}

export interface Renewed {
  /** This Redis is new, empty or older: nothing was renewed, report all and renew again. */
  readonly report: boolean
  readonly incarnation: string
  /** Nodes whose lease runs. */
  readonly alive: readonly string[]
  /** Whose `place` bells are to be rung. */
  readonly groups: readonly string[]
}

export interface Finder {
  readonly cluster: string
  readonly clusters: readonly string[]
  readonly node: string
}

/** What becomes of an address: found.lua. */
export type FoundOutcome = 'free' | 'ours' | 'taken' | 'kept' | 'gone'

export interface Found {
  /** One for each finding. */
  readonly outcomes: readonly FoundOutcome[]
  /** Keys of `place`. */
  readonly placed: readonly string[]
  /** Keys of `publish`. */
  readonly told: readonly string[]
}

export function placingScripts(redis: Redis | Cluster, keys: Keys) {
  const run = {
    place: script(redis, 'place'),
    renew: script(redis, 'renew'),
    found: script(redis, 'found'),
    clock: script(redis, 'clock'),
  }
  return {
    async place(cluster: string, request: PlaceRequest): Promise<PlaceAnswer> {
      const [outcome, first, former, ...tell] = list(
        await run.place(
          [
            keys.placements(cluster),
            keys.wanting(cluster),
            keys.epoch,
            keys.leases(cluster),
            keys.adopted,
          ],
          [
            cluster,
            keys.groupsOf(cluster, ''),
            keys.standbyOf(cluster, ''),
            keys.dirty(`announce-${cluster}-`),
            JSON.stringify(request),
            keys.dirty(`announced-${cluster}`),
            keys.handed(cluster),
          ],
        ),
      )
      if (outcome === 'wait') return { outcome, waitMs: Number(first) }
      if (outcome === 'same' || outcome === 'nobody') return { outcome }
      return { outcome: 'placed', owner: first || null, former: former || null, tell }
    },

    /** Renews a lease, and writes down what the LAN has decided meanwhile. */
    async renew(
      cluster: string,
      announcer: Announcer,
      lease: { readonly ms: number; readonly incarnation: string },
      reported: Reported,
    ): Promise<Renewed> {
      const [outcome, incarnation, alive, groups] = (await run.renew(
        [
          keys.leases(cluster),
          keys.announcers(cluster),
          keys.epoch,
          keys.wanting(cluster),
          keys.dirty('place'),
          keys.placements(cluster),
          keys.lan,
        ],
        [
          cluster,
          announcer.node,
          lease.ms,
          JSON.stringify(announcer),
          JSON.stringify(reported.placements),
          reported.all ? 'all' : '',
          lease.incarnation,
          keys.groupsOf(cluster, ''),
          keys.standbyOf(cluster, ''),
          keys.dirty(`announced-${cluster}`),
        ],
      )) as unknown[]
      return {
        report: outcome === 'report',
        incarnation: String(incarnation),
        alive: list(alive),
        groups: list(groups),
      }
    },

    /** Writes down what an announcer found out about addresses; says what becomes of each. */
    async found({ cluster, clusters, node }: Finder, findings: readonly Finding[]): Promise<Found> {
      const [outcomes, placed, told] = (await run.found(
        [keys.lan],
        [
          node,
          cluster,
          keys.addresses,
          clusters.map(keys.announcers).join(),
          keys.dirty('place'),
          keys.dirty(`publish-${cluster}`),
          JSON.stringify(findings),
        ],
      )) as unknown[]
      return {
        outcomes: list(outcomes) as FoundOutcome[],
        placed: list(placed),
        told: list(told),
      }
    },

    /** Redis' time, and since when this life of Redis has kept leases; ms since the epoch. */
    async clock(): Promise<{ nowMs: number; sinceMs: number }> {
      const [nowMs, sinceMs] = list(await run.clock([keys.epoch], []))
      return { nowMs: Number(nowMs), sinceMs: Number(sinceMs) }
    },
  }
}
