/** The typed door to each atomic step. What a script promises stands at the head of its .lua file. */
import type { Cluster, Redis } from 'ioredis'
import type { Configuration } from '../../functions/model/configuration.ts'
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
import { placingScripts } from './placing.ts'
import { list, remembered, script } from './script.ts'

export type { ClaimAnswer, ClaimRequest, ConcludeRequest, HoldingRequest, Option } from './book.ts'
export type { Learned } from './learn.ts'
export type { Finder, PlaceAnswer, PlaceRequest } from './placing.ts'

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

export type Scripts = ReturnType<typeof scriptsOf>

/** Told how each claim ended and how long it took. */
export type ScriptTimer = (outcome: ClaimAnswer['outcome'], tookMs: number) => void

export function scriptsOf(redis: Redis | Cluster, prefix: string, claimed?: ScriptTimer) {
  const keys = keysOf(prefix)
  const run = {
    learn: script(redis, 'learn'),
    purge: script(redis, 'purge'),
    configure: script(redis, 'configure'),
  }
  const concluded = (answer: ClaimAnswer, startMs: number): ClaimAnswer => {
    claimed?.(answer.outcome, performance.now() - startMs)
    return answer
  }
  const bookOf = remembered(cluster => bookScripts(redis, keys, cluster))
  return {
    ...placingScripts(redis, keys),

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
