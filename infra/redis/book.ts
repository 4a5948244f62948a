/** What is asked of the scripts over the book of addresses, and how it is written for them and read from them. */
import type { Cluster, Redis } from 'ioredis'
import type { Window } from '../../functions/allocate/windows.ts'
import type { Wish } from '../../functions/allocate/wish.ts'
import type { Refusal } from '../../functions/model/allocation.ts'
import type { Keys } from './keys.ts'
import { script, source } from './script.ts'

export type Part =
  | { readonly exact: { address: string; page: string; offset: number } }
  | { readonly windows: readonly Window[]; readonly buggy: boolean }

export interface Option {
  readonly pool: string
  readonly parts: readonly Part[]
  readonly lacking?: boolean
  readonly quota?: number
  readonly shown?: boolean
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
  readonly cleared?: Refusal
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
    quarantine: of('quarantine', ['book', 'quarantine']),
  }
}

/** What KEY.name stands for in book.lua and the scripts behind it. */
function bookNames(keys: Keys, cluster: string) {
  return {
    cluster,
    services: keys.services(cluster),
    allocations: keys.allocations(cluster),
    addresses: keys.addresses,
    lan: keys.lan,
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
    drained: keys.drained(cluster),
    held: keys.held,
    reserved: keys.reserved,
    adopted: keys.adopted,
    adopting: keys.adopting(cluster),
    round: keys.adoptedNow(cluster),
    history: keys.history,
    dirtyAllocate: keys.dirty('allocate'),
    dirtyPlace: keys.dirty('place'),
    dirtyPublish: keys.dirty(`publish-${cluster}`),
  }
}

/** The fields of holding.lua, a line each. What a user wrote is kept on its line. */
export function holdingText(request: HoldingRequest): string {
  const oneLine = (text: string) => (text.includes('\n') ? text.replaceAll('\n', ' ') : text)
  const all = (list: readonly string[]) => (list.length === 0 ? '' : `${list.join()},`)
  const { service, uid, version, expected, ports, restMs, reserveMs, cleared } = request
  const others = request.clusters.filter(one => one !== request.cluster)
  return (
    `${service}\n${uid}\n${version}\n${expected.join()}\n${others.join()}\n` +
    `${oneLine(request.sharing)}\n${oneLine(request.backend)}\n${all(ports)}\n` +
    `${restMs}\n${reserveMs}\n${request.wait ? 1 : ''}\n` +
    `${oneLine(request.why)}\n${cleared ? `${cleared.reason} ${oneLine(cleared.message)}` : ''}\n`
  )
}

export function claimAnswer(answer: unknown): ClaimAnswer {
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
