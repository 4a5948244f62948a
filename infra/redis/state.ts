/** Typed reads of what the scripts write, and the book of unanswered bells. */
import type { Cluster, Redis } from 'ioredis'
import { markOf } from '../../functions/allocate/windows.ts'
import type { AddressRange } from '../../functions/model/address.ts'
import type { AddressRecord, Allocation } from '../../functions/model/allocation.ts'
import type { Configuration, ConfigurationObject } from '../../functions/model/configuration.ts'
import type { LanRecord } from '../../functions/model/finding.ts'
import type { Announcer, Endpoints, Node } from '../../functions/model/node.ts'
import type { Placement } from '../../functions/model/placement.ts'
import { type Quarantine, quarantineOf } from '../../functions/model/quarantine.ts'
import type { Labels } from '../../functions/model/selector.ts'
import type { Service } from '../../functions/model/service.ts'
import type { Tally } from '../../functions/publish/pool-status.ts'
import { keysOf } from './keys.ts'
import { readAddressRecord, readAllocation, readLanRecord } from './records.ts'
import { refuseLater } from './schema.ts'
import { script } from './script.ts'

/** A record and the resourceVersion it was seen at; a null record is a tombstone; version '' = never seen. */
export interface Seen<T> {
  readonly version: string
  readonly record: T | null
}

export type State = ReturnType<typeof stateOf>

export function stateOf(redis: Redis | Cluster, prefix: string) {
  const keys = keysOf(prefix)
  const strike = script(redis, 'strike')
  const overdue = script(redis, 'overdue')
  /** By cluster; parsed once and not at every decision. */
  const inForce = new Map<string, { readonly text: string; readonly seen: Seen<Configuration> }>()
  return {
    keys,
    service: async (cluster: string, name: string) =>
      seen<Service>(await redis.hget(keys.services(cluster), name)),
    /** Names of all Services known, in handfuls. */
    serviceNames: (cluster: string) => fieldsOf(redis, keys.services(cluster)),
    /** All Services known; null: a tombstone. */
    services: (cluster: string) =>
      wholeOf(redis, keys.services(cluster), text => seen<Service>(text).record),
    allocations: (cluster: string) => wholeOf(redis, keys.allocations(cluster), allocationOf),
    /** Every placement by its group, also of what is withdrawn. */
    allPlacements: (cluster: string) => wholeOf(redis, keys.placements(cluster), placementOf),
    /** Every group ever placed and not forgotten, in handfuls, then those that want a node; some twice. */
    async *groups(cluster: string): AsyncGenerator<string[]> {
      yield* fieldsOf(redis, keys.placements(cluster))
      yield await redis.smembers(keys.wanting(cluster))
    },
    /** True when an address has rested long enough and somebody waits for one. */
    async roomAfterRest(nowMs: number): Promise<boolean> {
      const [ended, waiting] = await Promise.all([
        redis.zcount(keys.resting, '-inf', nowMs),
        redis.zcard(keys.waiting),
      ])
      return ended > 0 && waiting > 0
    },
    /** Ids of all Services that wait for an address, longest first, in handfuls. */
    async *waiting(): AsyncGenerator<string[]> {
      const ids = await redis.zrange(keys.waiting, '0', '-1')
      for (let start = 0; start < ids.length; start += 500) yield ids.slice(start, start + 500)
    },
    endpoints: async (cluster: string, name: string) =>
      seen<Endpoints>(await redis.hget(keys.endpoints(cluster), name)).record,
    nodes: async (cluster: string) => present<Node>(await redis.hgetall(keys.nodes(cluster))),
    namespaceLabels: async (cluster: string, name: string): Promise<Labels | null> =>
      seen<Labels>(await redis.hget(keys.namespaces(cluster), name)).record,
    objects: async (cluster: string) =>
      present<ConfigurationObject>(await redis.hgetall(keys.objects(cluster))),
    objectKeys: (cluster: string) => redis.hkeys(keys.objects(cluster)),
    objectsRevision: async (cluster: string) =>
      Number((await redis.get(keys.objectsRevision(cluster))) ?? 0),
    /** What is in force; null while nobody has judged any configuration yet. */
    async configuration(cluster: string) {
      const text = await redis.get(keys.configuration(cluster))
      if (!text) return null
      const known = inForce.get(cluster)
      const { version, record } = known?.text === text ? known.seen : seen<Configuration>(text)
      if (known?.text !== text) inForce.set(cluster, { text, seen: { version, record } })
      return record && { revision: Number(version), configuration: record }
    },
    /** As a watcher signed it; null: none has. */
    windows: (cluster: string) => redis.get(keys.windows(cluster)),
    async keepWindows(cluster: string, line: string): Promise<void> {
      await redis.set(keys.windows(cluster), line)
    },
    async allocation(cluster: string, service: string): Promise<Allocation | null> {
      return allocationOf(await redis.hget(keys.allocations(cluster), service))
    },
    async addressRecord(address: string): Promise<AddressRecord | null> {
      const text = await redis.hget(keys.addresses, address)
      return text ? readAddressRecord(text) : null
    },
    /** Whether these are quarantined: one, or null, for each. */
    async quarantines(addresses: readonly string[]): Promise<(Quarantine | null)[]> {
      const texts = await fieldsIn(redis, keys.reservations, addresses)
      return texts.map(text => quarantineOf(text?.split(' ')[0] ?? ''))
    },
    /** What is known of these on the LAN: a record, or null, for each. */
    async lan(addresses: readonly string[]): Promise<(LanRecord | null)[]> {
      const texts = await fieldsIn(redis, keys.lan, addresses)
      return texts.map(text => (text === null ? null : readLanRecord(text)))
    },
    /** Records of all addresses that are not free, of every cluster. */
    addressRecords: () => wholeOf(redis, keys.addresses, readAddressRecord),
    waitingCount: () => redis.zcard(keys.waiting),
    /** Which node handed a group over in a planned stop and is to have it back; null: none. */
    handedBy: (cluster: string, group: string) => redis.hget(keys.handed(cluster), group),
    /** Groups that a node is to have back. */
    async handed(cluster: string, node: string): Promise<string[]> {
      const all = await redis.hgetall(keys.handed(cluster))
      return Object.keys(all).filter(group => all[group] === node)
    },
    /** Whoever handed a group over first is to have it back, however often it moves meanwhile. */
    async handOver(cluster: string, node: string, groups: readonly string[]): Promise<void> {
      await Promise.all(groups.map(group => redis.hsetnx(keys.handed(cluster), group, node)))
    },
    /** Nodes that are to announce nothing that another can. */
    drained: (cluster: string) => redis.hkeys(keys.drained(cluster)),
    /** Book of the groups that were placed anew, until that is told (dirtyKeys, answered). */
    announcedOf: (cluster: string) => `announced-${cluster}`,
    /** How many bells of a queue are unanswered. */
    dirtyCount: (queue: string) => redis.zcard(keys.dirty(queue)),
    /** Since when the oldest of them has waited, ms since the epoch by Redis' clock; null: none waits. */
    async dirtySinceMs(queue: string): Promise<number | null> {
      const answer = (await redis.zrange(keys.dirty(queue), '0', '0', 'WITHSCORES')) as unknown[]
      const [oldest] = pairs(answer.flat())
      return oldest ? Math.floor(Number(oldest[1]) / 1000) : null
    },
    /** What the book of addresses knows of ranges, together. Costs a lookup for each, however large it is. */
    async tally(ranges: readonly AddressRange[]): Promise<Tally> {
      const ends = ranges.map(({ family, first, last }) => ({
        first: markOf(family, first),
        last: markOf(family, last),
      }))
      const [reserved, ...counts] = await Promise.all([
        redis.hgetall(keys.reserved),
        ...ends.map(({ first, last }) => redis.zlexcount(keys.held, `[${first}`, `[${last}`)),
      ])
      const inside = (mark: string) => ends.some(({ first, last }) => mark >= first && mark <= last)
      const endsMs = Object.entries(reserved).filter(([mark]) => inside(mark))
      const nowMs = Date.now()
      return {
        held: counts.reduce((sum, one) => sum + one, 0),
        reserved: endsMs.filter(([, end]) => end === '-1' || Number(end) > nowMs).length,
      }
    },
    placement: async (cluster: string, group: string): Promise<Placement | null> =>
      placementOf(await redis.hget(keys.placements(cluster), group)),
    /** A placement, or null where there is none, for each group asked for. */
    async placements(
      cluster: string,
      groups: readonly string[],
    ): Promise<Map<string, Placement | null>> {
      const texts = await fieldsIn(redis, keys.placements(cluster), groups)
      return new Map(groups.map((group, index) => [group, placementOf(texts[index] ?? null)]))
    },
    /** True for a group without a placement when it is known that no node may serve it. */
    isWanting: async (cluster: string, group: string) =>
      (await redis.sismember(keys.wanting(cluster), group)) === 1,
    groupsOf: (cluster: string, node: string) => redis.smembers(keys.groupsOf(cluster, node)),
    standbyOf: (cluster: string, node: string) => redis.smembers(keys.standbyOf(cluster, node)),
    /** The secret of beats: the one that is there, or else this one from now on. */
    async beatKey(otherwise: string): Promise<string> {
      const taken = await redis.set(keys.beatKey, otherwise, 'NX')
      return taken ? otherwise : ((await redis.get(keys.beatKey)) ?? otherwise)
    },
    async announcer(cluster: string, node: string): Promise<Announcer | null> {
      const text = await redis.hget(keys.announcers(cluster), node)
      return text === null ? null : (JSON.parse(text) as Announcer)
    },
    announcers: async (cluster: string) =>
      Object.values(await redis.hgetall(keys.announcers(cluster))).map(
        text => JSON.parse(text) as Announcer,
      ),
    /** Leases by node: ms since the epoch, by Redis' clock, at which each ends. */
    async leases(cluster: string): Promise<Map<string, number>> {
      // RESP2 answers a flat list, RESP3 a list of pairs.
      const answer = (await redis.zrange(
        keys.leases(cluster),
        '0',
        '-1',
        'WITHSCORES',
      )) as unknown[]
      return new Map(pairs(answer.flat()).map(([node, endMs]) => [node, Number(endMs)]))
    },

    /** True for the one allocator that sweeps now; it stays so while it asks again within the time. */
    async mayServeAsSweeper(self: string, forMs: number): Promise<boolean> {
      const taken = await redis.set(keys.sweeper, self, 'PX', forMs, 'NX')
      if (taken) return true
      if ((await redis.get(keys.sweeper)) !== self) return false
      await redis.pexpire(keys.sweeper, forMs)
      return true
    },

    /** Version of an unanswered bell, or null. Read before the facts; handed back to `answered`. */
    async dirty(queue: string, key: string): Promise<string | null> {
      const score: unknown = await redis.zscore(keys.dirty(queue), key)
      return score === null ? null : String(score)
    },
    /** Every unanswered bell of a queue with its version. */
    async dirtyKeys(queue: string): Promise<[string, string][]> {
      const answer = (await redis.zrange(keys.dirty(queue), '0', '-1', 'WITHSCORES')) as unknown[]
      return pairs(answer.flat())
    },
    /** Strikes the bell out unless it was made dirty again since. */
    async answered(queue: string, key: string, version: string | null): Promise<void> {
      if (version !== null) await strike([keys.dirty(queue)], [key, version])
    },
    /** Keys that have waited for an answer longer than `ageMs`, oldest first. */
    async overdue(queue: string, ageMs: number, most: number): Promise<string[]> {
      const answer = await overdue([keys.dirty(queue)], [ageMs, most])
      return Array.isArray(answer) ? answer.map(String) : []
    },
  }
}

/** Nothing is asked where there is nothing to ask for. */
const fieldsIn = async (redis: Redis | Cluster, key: string, fields: readonly string[]) =>
  fields.length > 0 ? redis.hmget(key, ...fields) : []

async function* fieldsOf(redis: Redis | Cluster, key: string): AsyncGenerator<string[]> {
  for await (const some of entriesOf(redis, key)) yield some.map(([field]) => field)
}

/** A scan may show an entry twice; the later one counts. */
async function wholeOf<T>(
  redis: Redis | Cluster,
  key: string,
  read: (text: string) => T,
): Promise<Map<string, T>> {
  const all = new Map<string, T>()
  for await (const some of entriesOf(redis, key)) {
    for (const [field, text] of some) all.set(field, read(text))
  }
  return all
}

/** A whole hash in handfuls, so that nobody else has to wait for it. */
async function* entriesOf(redis: Redis | Cluster, key: string): AsyncGenerator<[string, string][]> {
  let cursor = '0'
  do {
    const [next, flat] = await redis.hscan(key, cursor, 'COUNT', 500)
    cursor = next
    yield pairs(flat)
  } while (cursor !== '0')
}

const PLACEMENT_SCHEMA = 1

function placementOf(text: string | null): Placement | null {
  if (!text) return null
  const placement = JSON.parse(text) as Placement
  refuseLater(`The placement of ${placement.group}`, placement.v, PLACEMENT_SCHEMA)
  return {
    ...placement,
    addresses: array(placement.addresses),
    standbys: array(placement.standbys),
  }
}

function pairs(flat: readonly unknown[]): [string, string][] {
  return flat.flatMap((one, i) => (i % 2 === 0 ? [[String(one), String(flat[i + 1])]] : []))
}

export const allocationOf = (text: string | null): Allocation | null =>
  text ? readAllocation(text) : null

export function seen<T>(text: string | null): Seen<T> {
  const space = text?.indexOf(' ') ?? -1
  if (!text || space < 0) return { version: '', record: null }
  return { version: text.slice(0, space), record: JSON.parse(text.slice(space + 1)) as T | null }
}

function present<T>(hash: Record<string, string>): T[] {
  return Object.values(hash)
    .map(text => seen<T>(text).record)
    .filter(record => record !== null)
}

/** cjson writes an empty list as {}. */
const array = <T>(value: readonly T[]): readonly T[] => (Array.isArray(value) ? value : [])
