/** The typed door to each atomic step. What a script promises stands at the head of its .lua file. */
import { readFileSync } from 'node:fs'
import type { Cluster, Redis } from 'ioredis'
import type { Window } from '../../functions/allocate/windows.ts'
import type { Wish } from '../../functions/allocate/wish.ts'
import type { Refusal } from '../../functions/model/allocation.ts'
import type { Configuration } from '../../functions/model/configuration.ts'
import type { Announcer } from '../../functions/model/node.ts'
import type { Placement } from '../../functions/model/placement.ts'
import type { Decisions } from '../../functions/watch/decisions.ts'
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
  readonly quota?: number
}

/** What holding.lua compares and changes; the fields are explained there. */
export interface HoldingRequest {
  readonly cluster: string
  readonly service: string
  readonly uid: string
  readonly version: string
  readonly clusters: readonly string[]
  readonly expected: readonly string[]
  readonly sharing: string
  readonly backend: string
  readonly ports: readonly string[]
  readonly restMs: number
  readonly reserveMs: number
  readonly wait: boolean
  readonly why: string
  readonly cleared?: string
}

export interface ClaimRequest extends HoldingRequest {
  readonly options: readonly Option[]
  readonly rested?: boolean
  readonly additional?: string
}

export interface ConcludeRequest extends HoldingRequest {
  readonly order: 'keep' | 'release' | 'forget'
  readonly keepPool?: string
  readonly refusal?: Refusal
  readonly wish?: Wish
}

/** Of claim.lua ("claimed", "kept", "refused") and conclude.lua ("refused": it keeps, "released"). */
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
            keys.standbyOf(cluster, ''),
            keys.dirty(`announce-${cluster}-`),
            JSON.stringify(request),
          ],
        ),
      )
      if (outcome === 'wait') return { outcome, waitMs: Number(first) }
      if (outcome === 'same') return { outcome }
      return { outcome: 'placed', owner: first || null, tell }
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
          keys.unplaced(cluster),
          keys.dirty('place'),
          keys.placements(cluster),
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
        ],
      )) as unknown[]
      return {
        report: outcome === 'report',
        incarnation: String(incarnation),
        alive: list(alive),
        groups: list(groups),
      }
    },
  }
}

/** Tombstones in one script call. */
const PURGED_MOST = 500

/** The scripts that read and write the book of addresses, for one cluster. */
export function bookScripts(redis: Redis | Cluster, keys: Keys, cluster: string) {
  const names: Readonly<Record<string, string>> = bookNames(keys, cluster)
  const of = (name: string, files: readonly string[]) => {
    const lua = files.map(source).join('\n')
    const named = lua.replace(/\bKEY\.(\w+)/g, (_, key: string) => `[==[${names[key]}]==]`)
    return script(redis, `${name}_${cluster}`, named)
  }
  return {
    claim: of('claim', ['book', 'holding', 'claim']),
    conclude: of('conclude', ['book', 'holding', 'conclude']),
    adopt: of('adopt', ['book', 'adopt']),
    reserve: of('reserve', ['book', 'reserve']),
  }
}

/** What KEY.name stands for in book.lua and the scripts behind it. */
function bookNames(keys: Keys, cluster: string) {
  return {
    cluster,
    services: keys.services(cluster),
    allocations: keys.allocations(cluster),
    addresses: keys.addresses,
    pages: keys.page,
    shareable: `${keys.shareable}${cluster}/`,
    used: keys.used,
    waiting: keys.waiting,
    wishes: keys.wishes,
    resting: keys.resting,
    returning: keys.returning,
    reservations: keys.reservations,
    decided: keys.decided,
    configuration: keys.configuration(cluster),
    held: keys.held,
    reserved: keys.reserved,
    adopted: keys.adopted,
    adopting: keys.adopting(cluster),
    round: `${keys.adopting(cluster)}:round`,
    history: keys.history,
    dirtyAllocate: keys.dirty('allocate'),
    dirtyPlace: keys.dirty('place'),
    dirtyPublish: keys.dirty(`publish-${cluster}`),
  }
}

/** The fields of holding.lua, a line each. What a user wrote is kept on its line. */
function holdingText(request: HoldingRequest): string {
  const oneLine = (text: string) => (text.includes('\n') ? text.replaceAll('\n', ' ') : text)
  const all = (list: readonly string[]) => (list.length === 0 ? '' : `${list.join()},`)
  const { service, uid, version, expected, ports, restMs, reserveMs } = request
  const others = request.clusters.filter(one => one !== request.cluster)
  return (
    `${service}\n${uid}\n${version}\n${expected.join()}\n${others.join()}\n` +
    `${oneLine(request.sharing)}\n${oneLine(request.backend)}\n${all(ports)}\n` +
    `${restMs}\n${reserveMs}\n${request.wait ? 1 : ''}\n` +
    `${oneLine(request.why)}\n${oneLine(request.cleared ?? '')}\n`
  )
}

function claimAnswer(answer: unknown): ClaimAnswer {
  const [outcome = '', addresses = '', pool = '', resting, rung = '', reasons = ''] =
    String(answer).split('\n')
  if (outcome === 'changed' || outcome === 'unadopted') return { outcome }
  return {
    outcome: outcome as 'claimed' | 'kept' | 'refused' | 'released',
    addresses: parts(addresses),
    pool,
    reasons: parts(reasons),
    rung: parts(rung),
    resting: Number(resting),
  }
}

const parts = (text: string): string[] => (text === '' ? [] : text.split(','))

export type Run = (
  keys: readonly string[],
  values: readonly (string | number)[],
) => Promise<unknown>

/** EVALSHA with the source sent again where the server has lost it: ioredis does that by itself. */
export function script(redis: Redis | Cluster, name: string, lua: string = source(name)): Run {
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

const source = (name: string): string =>
  readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8')

function remembered<T>(make: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>()
  return key => {
    const made = known.get(key) ?? make(key)
    known.set(key, made)
    return made
  }
}

export const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [])
