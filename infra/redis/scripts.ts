/** The typed door to each atomic step. What a script promises stands at the head of its .lua file. */
import { readFileSync } from 'node:fs'
import type { Cluster, Redis } from 'ioredis'
import type { Window } from '../../functions/allocate/windows.ts'
import type { Wish } from '../../functions/allocate/wish.ts'
import type { Refusal } from '../../functions/model/allocation.ts'
import type { Configuration } from '../../functions/model/configuration.ts'
import type { Announcer } from '../../functions/model/node.ts'
import type { Placement } from '../../functions/model/placement.ts'
import { type Keys, keysOf } from './keys.ts'
import { type Learned, learnAll } from './learn.ts'

export type { Learned } from './learn.ts'

export type Part =
  | { readonly exact: { address: string; page: string; offset: number } }
  | { readonly windows: readonly Window[]; readonly buggy: boolean }

export interface Option {
  readonly pool: string
  readonly parts: readonly Part[]
  readonly lacking?: boolean
}

/** The request of claim.lua; the fields are explained there. */
export interface ClaimRequest {
  readonly cluster: string
  readonly service: string
  readonly uid: string
  readonly version: string
  readonly clusters: readonly string[]
  readonly expected: string
  readonly sharing: string
  readonly backend: string
  readonly ports: readonly string[]
  readonly options: readonly Option[]
  readonly resting?: boolean
  readonly otherwise: 'next' | 'keep' | 'release'
  readonly keepPool?: string
  readonly wish?: Wish
  readonly forget: boolean
  readonly wait: boolean
  readonly why: string
  readonly refusal?: Refusal
  readonly cleared?: string
  readonly additional?: string
  readonly restMs: number
  readonly reserveMs: number
}

export type ClaimAnswer =
  | { readonly outcome: 'changed' | 'unadopted' }
  | {
      readonly outcome: 'claimed' | 'kept' | 'refused' | 'released'
      readonly addresses: readonly string[]
      readonly pool: string
      /** One for each option tried in vain, in the words of claim.lua. */
      readonly reasons: readonly string[]
      /** Keys of `allocate` to be rung: those who wait may have room now. */
      readonly rung: readonly string[]
      /** How many addresses rest or are reserved. */
      readonly resting: number
    }

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
}

export type PlaceAnswer =
  | { readonly outcome: 'wait'; readonly waitMs: number }
  | { readonly outcome: 'same' }
  | { readonly outcome: 'placed'; readonly owner: string | null; readonly tell: readonly string[] }

export type Scripts = ReturnType<typeof scriptsOf>

export function scriptsOf(redis: Redis | Cluster, prefix: string) {
  const keys = keysOf(prefix)
  const run = {
    claim: script(redis, 'claim'),
    learn: script(redis, 'learn'),
    purge: script(redis, 'purge'),
    adopt: script(redis, 'adopt'),
    place: script(redis, 'place'),
    renew: script(redis, 'renew'),
    clock: script(redis, 'clock'),
    configure: script(redis, 'configure'),
  }
  return {
    claim: async (request: ClaimRequest): Promise<ClaimAnswer> =>
      claimAnswer(
        await run.claim(claimKeys(keys, request.cluster), [
          keys.page,
          keys.shareable,
          JSON.stringify(request),
        ]),
      ),

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
      const step = (name: string, items: readonly AdoptItem[]) =>
        run.adopt(
          [
            keys.allocations(cluster),
            keys.addresses,
            keys.adopted,
            keys.adopting(cluster),
            `${keys.adopting(cluster)}:round`,
            keys.dirty('allocate'),
            keys.dirty('place'),
            keys.history,
          ],
          [cluster, nonce, name, keys.page, keys.shareable, JSON.stringify(items)],
        )
      return {
        begin: async () => (await step('begin', [])) as 'current' | 'busy' | 'begun',
        /** Conflicts as "service address holder", or null: superseded, begin again. */
        async adopt(items: readonly AdoptItem[]): Promise<readonly string[] | null> {
          const answer = await step('adopt', items)
          return Array.isArray(answer) ? list(answer[1]) : null
        },
        end: async () => (await step('end', [])) === 'adopted',
      }
    },

    async place(cluster: string, request: PlaceRequest): Promise<PlaceAnswer> {
      const [outcome, first, ...tell] = list(
        await run.place(
          [
            keys.placements(cluster),
            keys.unplaced(cluster),
            keys.epoch,
            keys.leases(cluster),
            keys.adopted,
          ],
          [
            cluster,
            keys.groupsOf(cluster, ''),
            keys.dirty(`announce-${cluster}-`),
            JSON.stringify(request),
          ],
        ),
      )
      if (outcome === 'wait') return { outcome, waitMs: Number(first) }
      if (outcome === 'same') return { outcome }
      return { outcome: 'placed', owner: first || null, tell }
    },

    /** Puts a configuration in force; true when that changed something. */
    configure: async (
      cluster: string,
      revision: number,
      configuration: Configuration,
    ): Promise<boolean> =>
      (await run.configure(
        [keys.configuration(cluster), keys.objectsRevision(cluster)],
        [revision, JSON.stringify(configuration)],
      )) === 1,

    /** Redis' time, and since when this life of Redis has kept leases; ms since the epoch. */
    async clock(): Promise<{ nowMs: number; sinceMs: number }> {
      const [nowMs, sinceMs] = list(await run.clock([keys.epoch], []))
      return { nowMs: Number(nowMs), sinceMs: Number(sinceMs) }
    },

    /**
     * Renews a lease; `reported` is what the node answers for, null while Redis is not known to be new.
     * `report: true`: this Redis is new, empty or older; nothing was renewed, report and renew again.
     */
    async renew(
      cluster: string,
      announcer: Announcer,
      lease: { readonly ms: number; readonly incarnation: string },
      reported: readonly Placement[] | null,
    ): Promise<{ report: boolean; incarnation: string; groups: readonly string[] }> {
      const [outcome, incarnation = '', ...groups] = list(
        await run.renew(
          [
            keys.leases(cluster),
            keys.announcers(cluster),
            keys.epoch,
            keys.unplaced(cluster),
            keys.dirty('place'),
            keys.placements(cluster),
            keys.groupsOf(cluster, announcer.node),
          ],
          [
            cluster,
            announcer.node,
            lease.ms,
            JSON.stringify(announcer),
            reported ? JSON.stringify(reported) : '',
            lease.incarnation,
          ],
        ),
      )
      return { report: outcome === 'report', incarnation, groups }
    },
  }
}

/** Tombstones in one script call. */
const PURGED_MOST = 500

function claimKeys(keys: Keys, cluster: string): string[] {
  return [
    keys.services(cluster),
    keys.allocations(cluster),
    keys.addresses,
    keys.waiting,
    keys.adopted,
    keys.history,
    keys.dirty('allocate'),
    keys.dirty('place'),
    keys.dirty(`publish-${cluster}`),
    keys.wishes,
    keys.resting,
    keys.returning,
  ]
}

function claimAnswer(answer: unknown): ClaimAnswer {
  const [outcome, addresses, pool, reasons, rung, resting] = answer as [string, ...unknown[]]
  if (outcome === 'changed' || outcome === 'unadopted') return { outcome }
  return {
    outcome: outcome as 'claimed' | 'kept' | 'refused' | 'released',
    addresses: list(addresses),
    pool: String(pool ?? ''),
    reasons: list(reasons),
    rung: list(rung),
    resting: Number(resting ?? 0),
  }
}

export type Run = (
  keys: readonly string[],
  values: readonly (string | number)[],
) => Promise<unknown>

/** EVALSHA with the source sent again where the server has lost it: ioredis does that by itself. */
export function script(redis: Redis | Cluster, name: string): Run {
  const lua = readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8')
  const command = `herald_${name}`
  redis.defineCommand(command, { lua })
  const commands = redis as unknown as Record<
    string,
    (...args: (string | number)[]) => Promise<unknown>
  >
  return (keys, values) => {
    const call = commands[command]
    if (!call) throw new Error(`script ${name} is not defined`)
    return call.call(redis, keys.length, ...keys, ...values)
  }
}

const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [])
