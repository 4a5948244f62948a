/**
 * What the console shows: a copy of what lies in Redis, and what changed of it since it was last told. What the history
 * says is read at once; the whole is read again now and then, so that it takes no more than a twentieth of the time
 * however much there is; and hardly ever while nobody looks.
 */
import { usagesOf } from '../functions/allocate/usage.ts'
import { changesOf } from '../functions/inventory/changes.ts'
import { addressRows, ownersOf, poolRows, serviceRows } from '../functions/inventory/inventory.ts'
import { type PoolMap, poolMap } from '../functions/inventory/pool-map.ts'
import type { Row } from '../functions/inventory/row.ts'
import type { AddressRecord, Allocation } from '../functions/model/allocation.ts'
import type { Pool } from '../functions/model/configuration.ts'
import type { Placement } from '../functions/model/placement.ts'
import type { Service } from '../functions/model/service.ts'
import type { Told } from '../infra/console/server.ts'
import type { HistoryEntry } from '../infra/redis/history.ts'
import { named } from './answers.ts'
import { rowsOf, type Source } from './listing.ts'

export interface PictureSource extends Source {
  /** Entries after that one, and the id of the last one; after null the newest hundred. */
  history(
    after: string | null,
  ): Promise<{ readonly last: string; readonly entries: readonly HistoryEntry[] }>
}

/** Everything, by key, as it was read. */
interface Copy {
  readonly services: Map<string, Service | null>
  readonly allocations: Map<string, Allocation | null>
  readonly records: Map<string, AddressRecord>
  readonly placements: Map<string, Placement | null>
  pools: readonly Pool[]
  nodeAddresses: readonly string[]
}

const KINDS = ['services', 'pools', 'nodes', 'queues'] as const
type Kind = (typeof KINDS)[number]

/** Of the time, what reading the whole may take. */
const SHARE = 1 / 20
const WHOLE_EVERY_MS = { seen: 2000, unseen: 60_000 }
const SAMPLES_MOST = 360
const SAMPLE_EVERY_MS = 10_000
const MOVES_MOST = 50
const RECENT_MOST = 100

export interface Picture {
  /** Looks at Redis and says what changed; `seen`: somebody is looking. */
  look(seen: boolean): Promise<readonly Told[]>
  whole(): readonly Told[]
  /** Names of all queues. */
  queues(): readonly string[]
}

export function pictureOf(source: PictureSource): Picture {
  let copy: Copy | null = null
  let readMs = 0
  let tookMs = 0
  let last: string | null = null
  let sampledMs = Number.NEGATIVE_INFINITY
  const shown = { services: new Map(), pools: new Map(), nodes: new Map(), queues: new Map() }
  const rows: Record<Kind, readonly Row[]> = { services: [], pools: [], nodes: [], queues: [] }
  const maps = new Map<string, string>()
  let mapList: readonly PoolMap[] = []
  const samples: Sample[] = []
  const recent: HistoryEntry[] = []
  const moves: Move[] = []
  let owners: ReadonlyMap<string, string> = new Map()

  /** Brings the copy up to date; what the history says is read at once, the whole when it is due. */
  const read = async (
    seen: boolean,
  ): Promise<{ copy: Copy; entries: readonly HistoryEntry[]; changed: boolean }> => {
    const startMs = performance.now()
    // Before the whole, so that nothing falls in between.
    const { last: id, entries } = await source.history(last)
    const pauseMs = Math.max(WHOLE_EVERY_MS[seen ? 'seen' : 'unseen'], tookMs / SHARE)
    const whole = !copy || startMs - readMs >= pauseMs
    if (!copy || whole) {
      copy = await readAll(source)
      readMs = performance.now()
      tookMs = readMs - startMs
    } else {
      await readSome(source, copy, entries)
    }
    last = id
    return { copy, entries, changed: whole || entries.length > 0 }
  }
  const tellRows = (kind: Kind, found: readonly Row[]): Told[] => {
    rows[kind] = found
    const changes = changesOf(found, shown[kind])
    const none = changes.changed.length + changes.gone.length === 0
    return none ? [] : [{ event: 'rows', data: { kind, ...changes } }]
  }
  const tellMaps = (of: Copy): Told[] => {
    mapList = mapsOf(source.cluster, of)
    const fresh = mapList.filter(map => maps.get(map.pool) !== JSON.stringify(map))
    for (const map of fresh) maps.set(map.pool, JSON.stringify(map))
    return fresh.length > 0 ? [{ event: 'maps', data: fresh }] : []
  }
  const tellMoves = (now: ReadonlyMap<string, string>): Told[] => {
    const told = [...now].flatMap(([address, node]) => {
      const before = owners.get(address)
      return before !== undefined && before !== node
        ? [{ atMs: Date.now(), address, from: before, to: node }]
        : []
    })
    owners = now
    keep(moves, told, MOVES_MOST)
    return told.length > 0 ? [{ event: 'moved', data: told }] : []
  }
  const tellSample = (): Told[] => {
    if (performance.now() - sampledMs < SAMPLE_EVERY_MS) return []
    sampledMs = performance.now()
    const data = [sampleOf(rows.pools)]
    keep(samples, data, SAMPLES_MOST)
    return [{ event: 'samples', data }]
  }
  const tellCopy = (of: Copy): Told[] => {
    const now = ownersOf(of.placements.values())
    const usages = usagesOf(source.cluster, of.pools, of.records, of.nodeAddresses)
    return [
      ...tellRows('services', serviceRows(of.services, of.allocations, now)),
      ...tellRows('pools', poolRows(of.pools, usages)),
      ...tellMaps(of),
      ...tellMoves(now),
    ]
  }

  return {
    async look(seen) {
      const { copy, entries, changed } = await read(seen)
      const [nodes, queues] = [await rowsOf('nodes', source), await rowsOf('queues', source)]
      // From here on nothing is waited for: a page that comes is told all of it, or what changes after it.
      const told = named(source.cluster, entries)
      keep(recent, told, RECENT_MOST)
      return [
        ...(told.length > 0 ? [{ event: 'history', data: told }] : []),
        ...(changed ? tellCopy(copy) : []),
        ...tellRows('nodes', nodes),
        ...tellRows('queues', queues),
        ...tellSample(),
      ]
    },
    queues: () => rows.queues.map(row => row.name),
    whole: () => [
      ...KINDS.map(kind => ({
        event: 'rows',
        data: { kind, changed: rows[kind], gone: [], all: true },
      })),
      { event: 'maps', data: mapList },
      { event: 'history', data: recent },
      { event: 'samples', data: samples },
      { event: 'moved', data: moves },
    ],
  }
}

/** The newest of them, so many. */
function keep<T>(list: T[], more: readonly T[], most: number): void {
  list.push(...more)
  list.splice(0, list.length - most)
}

/** An address that is announced by another node than a moment ago. */
interface Move {
  readonly atMs: number
  readonly address: string
  readonly from: string
  readonly to: string
}

/** How much of each pool was in use at a time, of 1. */
interface Sample {
  readonly atMs: number
  readonly used: Readonly<Record<string, number>>
}

function sampleOf(pools: readonly Row[]): Sample {
  const used = pools.map(({ name, held, free, resting, reserved }) => {
    const all = Number(held) + Number(free) + Number(resting) + Number(reserved)
    return [name, all > 0 ? Number(held) / all : 0] as const
  })
  return { atMs: Date.now(), used: Object.fromEntries(used) }
}

async function readAll({ state, cluster }: Source): Promise<Copy> {
  const [configured, nodes] = await Promise.all([
    state.configuration(cluster),
    state.nodes(cluster),
  ])
  return {
    services: await state.services(cluster),
    allocations: await state.allocations(cluster),
    records: await state.addressRecords(),
    placements: await state.allPlacements(cluster),
    pools: configured?.configuration.pools ?? [],
    nodeAddresses: nodes.flatMap(node => node.addresses),
  }
}

/** What these entries are about, and no more. */
async function readSome(
  { state, cluster }: Source,
  copy: Copy,
  entries: readonly HistoryEntry[],
): Promise<void> {
  const ours = entries.filter(entry => entry.service.startsWith(`${cluster}/`))
  const names = new Set(ours.map(entry => entry.service.slice(cluster.length + 1)))
  await Promise.all(
    [...names].map(async name => {
      const [seen, allocation] = await Promise.all([
        state.service(cluster, name),
        state.allocation(cluster, name),
      ])
      copy.services.set(name, seen.record)
      copy.allocations.set(name, allocation)
    }),
  )
  const addresses = [...new Set(entries.flatMap(entry => entry.addresses))]
  await Promise.all(
    addresses.map(async address => {
      const record = await state.addressRecord(address)
      if (record) copy.records.set(address, record)
      else copy.records.delete(address)
    }),
  )
  for (const [group, one] of await state.placements(cluster, addresses)) {
    copy.placements.set(group, one)
  }
}

function mapsOf(cluster: string, copy: Copy): PoolMap[] {
  const rows = addressRows(cluster, copy.records, copy.placements.values())
  const byAddress = new Map(rows.map(row => [row.name, row]))
  return copy.pools.map(pool => poolMap(pool, byAddress))
}
