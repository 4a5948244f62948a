/** The typed door to each atomic step. What a script promises stands at the head of its .lua file. */
import type { Cluster, Redis } from 'ioredis'
import type { Configuration } from '../../functions/model/configuration.ts'
import type { Finding } from '../../functions/model/finding.ts'
import type { Announcer } from '../../functions/model/node.ts'
import type { Placement } from '../../functions/model/placement.ts'
import type { Decisions } from '../../functions/watch/decisions.ts'
import {
  bookScripts,
  type ClaimAnswer,
  type ClaimRequest,
  type ConcludeRequest,
  claimAnswer,
  holdingText,
} from './book.ts'
import { keysOf } from './keys.ts'
import { type Learned, learnAll } from './learn.ts'
import { list, remembered, script } from './script.ts'

export type { ClaimAnswer, ClaimRequest, ConcludeRequest, HoldingRequest, Option } from './book.ts'
export type { Learned } from './learn.ts'

export interface AdoptItem {
  readonly service: string
  readonly uid: string
  readonly addresses: readonly { address: string; page: string; offset: number }[]
  readonly pool: string
  readonly sharing: string
  readonly backend: string
  readonly ports: readonly string[]
  readonly sinceMs: number
}

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

export type Scripts = ReturnType<typeof scriptsOf>

/** Told how each claim ended and how long it took. */
export type ScriptTimer = (outcome: ClaimAnswer['outcome'], tookMs: number) => void

export function scriptsOf(redis: Redis | Cluster, prefix: string, claimed?: ScriptTimer) {
  const keys = keysOf(prefix)
  const run = {
    learn: script(redis, 'learn'),
    purge: script(redis, 'purge'),
    place: script(redis, 'place'),
    renew: script(redis, 'renew'),
    clock: script(redis, 'clock'),
    configure: script(redis, 'configure'),
    found: script(redis, 'found'),
  }
  const concluded = (answer: ClaimAnswer, startMs: number): ClaimAnswer => {
    claimed?.(answer.outcome, performance.now() - startMs)
    return answer
  }
  const bookOf = remembered(cluster => bookScripts(redis, keys, cluster))
  return {
    async claim(request: ClaimRequest): Promise<ClaimAnswer> {
      const startMs = performance.now()
      const answer = await bookOf(request.cluster).claim(
        [keys.addresses],
        [
          holdingText(request),
          JSON.stringify(request.options),
          request.rested ? '1' : '',
          request.additional ?? '',
        ],
      )
      return concluded(claimAnswer(answer), startMs)
    },

    async conclude(request: ConcludeRequest): Promise<ClaimAnswer> {
      const startMs = performance.now()
      const answer = await bookOf(request.cluster).conclude(
        [keys.addresses],
        [
          holdingText(request),
          request.order,
          request.keepPool ?? '',
          request.refusal ? JSON.stringify(request.refusal) : '',
          request.wish ? JSON.stringify(request.wish) : '',
        ],
      )
      return concluded(claimAnswer(answer), startMs)
    },

    /** True when what is known of the object changed, null when something newer was known already. */
    learn: async (learned: Learned): Promise<boolean | null> =>
      (await learnAll(run.learn, keys, [learned]))[0] ?? null,

    /** The same for many, in as few calls as there are kinds of record among them. */
    learnAll: (all: readonly Learned[]): Promise<(boolean | null)[]> =>
      learnAll(run.learn, keys, all),

    /** Removes some of the tombstones older than that; says how many. */
    purge: async (clusters: readonly string[], lifeMs: number): Promise<number> =>
      Number(
        await run.purge(
          [
            keys.tombstones,
            keys.dirty('allocate'),
            ...clusters.flatMap(one => [
              keys.services(one),
              keys.endpoints(one),
              keys.allocations(one),
            ]),
          ],
          [lifeMs, PURGED_MOST, ...clusters],
        ),
      ),

    adoption(cluster: string, nonce: string) {
      const step = (name: string, items: readonly AdoptItem[] | Decisions) =>
        bookOf(cluster).adopt([keys.addresses], [nonce, name, JSON.stringify(items)])
      return {
        nonce,
        begin: async () => (await step('begin', [])) as 'current' | 'busy' | 'begun',
        /** Puts what was mirrored in the place of what Redis lacks or knows as it was earlier. False: superseded. */
        restore: async (decisions: Decisions) => (await step('restore', decisions)) === 'restored',
        /** Conflicts as "service address holder", or null: superseded, begin again. */
        async adopt(items: readonly AdoptItem[]): Promise<readonly string[] | null> {
          const answer = await step('adopt', items)
          return Array.isArray(answer) ? list(answer[1]) : null
        },
        end: async () => (await step('end', [])) === 'adopted',
      }
    },

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

    /**
     * Puts a configuration in force; true when that changed something, null when nothing may be judged: the cluster
     * is not adopted, and no adoption with this nonce is under way.
     */
    async configure(
      cluster: string,
      revision: number,
      configuration: Configuration,
      nonce: string = '',
    ): Promise<boolean | null> {
      const answer = await run.configure(
        [
          keys.configuration(cluster),
          keys.objectsRevision(cluster),
          keys.adopted,
          keys.adopting(cluster),
          keys.decided,
        ],
        [revision, JSON.stringify(configuration), cluster, nonce],
      )
      return answer === -1 ? null : answer === 1
    },

    /** Redis' time, and since when this life of Redis has kept leases; ms since the epoch. */
    async clock(): Promise<{ nowMs: number; sinceMs: number }> {
      const [nowMs, sinceMs] = list(await run.clock([keys.epoch], []))
      return { nowMs: Number(nowMs), sinceMs: Number(sinceMs) }
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

    /** Keeps back those that another host was found to have; keys of `allocate` to be rung. `forMs` -1: for ever. */
    quarantine: async (
      cluster: string,
      addresses: readonly string[],
      forMs: number,
    ): Promise<string[]> =>
      list(await bookOf(cluster).quarantine([keys.addresses], [forMs, ...addresses])),
  }
}

/** Tombstones in one script call. */
const PURGED_MOST = 500
