/** `herald get` lists what lies in Redis, `herald top` shows it live: rows made by functions/inventory. */
import { setTimeout as after } from 'node:timers/promises'
import { emptyUsage, type Usage, withAddress } from '../functions/allocate/usage.ts'
import {
  addressRow,
  COLUMNS,
  KINDS,
  type Kind,
  kindOf,
  nodeRow,
  poolRow,
  serviceRow,
} from '../functions/inventory/inventory.ts'
import { type Row, table } from '../functions/inventory/row.ts'
import { Fault } from '../functions/model/fault.ts'
import type { Placement } from '../functions/model/placement.ts'
import type { UpConfig } from '../infra/config.ts'
import type { World } from '../infra/process.ts'
import { type Bells, openBells } from '../infra/queue/queues.ts'
import type { State } from '../infra/redis/state.ts'
import { type Asked, asText, withRedis } from './ask.ts'

/** What listings are made of. */
export interface Source extends Omit<Asked, 'redis'> {
  readonly depth: Bells['depth']
  readonly cluster: string
}

const WATCH_EVERY_MS = 1000
const TOP_KINDS = ['queues', 'nodes', 'pools'] as const

export function runGet(world: World<UpConfig>, word: string, name?: string): Promise<number> {
  const kind = kindOf(word)
  if (!kind) throw unknownKind(word)
  const { output, watch } = world.config
  return listing(world, async source => {
    const nowMs = () => Date.now()
    const shown = new Map<string, string>()
    /** Rows that are not as they were last shown; all of them at first. */
    const fresh = async () => {
      const rows = (await rowsOf(kind, source)).filter(row => !name || row.name === name)
      const changed = rows.filter(row => shown.get(row.name) !== JSON.stringify(row))
      for (const row of changed) shown.set(row.name, JSON.stringify(row))
      return changed
    }
    const print = (rows: readonly Row[], head: boolean) => {
      if (output === 'json' || output === 'yaml') {
        return process.stdout.write(asText(name ? (rows[0] ?? null) : rows, output))
      }
      const lines = table(COLUMNS[kind], rows, { wide: output === 'wide', nowMs: nowMs() })
      process.stdout.write(`${(head ? lines : lines.slice(1)).join('\n')}\n`)
    }
    const first = await fresh()
    if (name && first.length === 0 && !watch) throw notThere(kind, name)
    print(first, true)
    while (watch && (await rested(world.signal))) {
      const rows = await fresh()
      if (rows.length > 0) print(rows, false)
    }
    return 0
  })
}

export function runTop(world: World<UpConfig>): Promise<number> {
  return listing(world, async source => {
    do {
      const blocks = []
      for (const kind of TOP_KINDS) {
        const rows = await rowsOf(kind, source)
        blocks.push(table(COLUMNS[kind], rows, { wide: true, nowMs: Date.now() }).join('\n'))
      }
      const clear = process.stdout.isTTY ? '\x1b[H\x1b[2J' : ''
      process.stdout.write(`${clear}${blocks.join('\n\n')}\n`)
    } while (process.stdout.isTTY && (await rested(world.signal)))
    return 0
  })
}

function listing(world: World<UpConfig>, list: (source: Source) => Promise<number>) {
  return withRedis(world, async asked => {
    const { prefix, cluster } = world.config
    const bells = openBells(asked.redis, prefix, world.log)
    try {
      return await list({ ...asked, cluster, depth: bells.depth })
    } finally {
      await bells.close()
    }
  })
}

/** False when the command was asked to stop meanwhile. */
async function rested(signal: AbortSignal): Promise<boolean> {
  await after(WATCH_EVERY_MS, undefined, { signal }).catch(() => {})
  return !signal.aborted
}

export async function rowsOf(kind: Kind, source: Source): Promise<Row[]> {
  const rows = await READERS[kind](source)
  return rows.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
}

const READERS: Readonly<Record<Kind, (source: Source) => Promise<Row[]>>> = {
  async services({ state, cluster }) {
    const owners = new Map<string, string>()
    for (const { addresses, owner } of await placementsOf(state, cluster)) {
      for (const address of addresses) if (owner) owners.set(address, owner.node)
    }
    const allocations = await gathered(state.allocations(cluster))
    const services = await gathered(state.services(cluster))
    return [...services].flatMap(([name, service]) => {
      return serviceRow(name, service, allocations.get(name) ?? null, owners) ?? []
    })
  },

  async addresses({ state, cluster }) {
    const placements = await placementsOf(state, cluster)
    const byAddress = new Map(
      placements.flatMap(one => one.addresses.map(address => [address, one])),
    )
    return [...(await gathered(state.addressRecords()))].map(([address, record]) =>
      addressRow(address, record, byAddress.get(address) ?? null),
    )
  },

  async pools({ state, cluster }) {
    const configured = await state.configuration(cluster)
    const nodes = (await state.nodes(cluster)).flatMap(node => node.addresses)
    const usages = new Map<string, Usage>()
    const pools = configured?.configuration.pools ?? []
    for (const pool of pools) usages.set(pool.name, emptyUsage(pool, nodes))
    for (const [address, record] of await gathered(state.addressRecords())) {
      const usage = usages.get(record.pool)
      if (usage && (record.cluster ?? cluster) === cluster) {
        usages.set(record.pool, withAddress(usage, address, record))
      }
    }
    return pools.map(pool => poolRow(pool, usages.get(pool.name) ?? emptyUsage(pool, nodes)))
  },

  async nodes({ state, scripts, cluster }) {
    const [nodes, announcers, leases, { nowMs }] = await Promise.all([
      state.nodes(cluster),
      state.announcers(cluster),
      state.leases(cluster),
      scripts.clock(),
    ])
    const names = new Set([...nodes.map(node => node.name), ...announcers.map(one => one.node)])
    return Promise.all(
      [...names].map(async name => {
        const groups = await state.groupsOf(cluster, name)
        const announcer = announcers.find(one => one.node === name) ?? null
        return nodeRow(name, announcer, leases.get(name) ?? null, groups.length, nowMs)
      }),
    )
  },

  async queues({ state, depth, cluster }) {
    const nodes = [...(await state.leases(cluster)).keys()]
    const announcing = nodes.map(node => `announce-${cluster}-${node}`)
    const names = ['allocate', 'place', `publish-${cluster}`, ...announcing]
    return Promise.all(
      names.map(async name => {
        const [found, unanswered] = await Promise.all([depth(name), state.dirtyCount(name)])
        return { name, ...found, unanswered }
      }),
    )
  },
}

async function placementsOf(state: State, cluster: string): Promise<Placement[]> {
  const all = await gathered(state.allPlacements(cluster))
  return [...all].flatMap(([, placement]) => placement ?? [])
}

/** A scan may show an entry twice; the later one counts. */
export async function gathered<T>(
  handfuls: AsyncIterable<readonly (readonly [string, T])[]>,
): Promise<Map<string, T>> {
  const all = new Map<string, T>()
  for await (const some of handfuls) for (const [key, value] of some) all.set(key, value)
  return all
}

function unknownKind(word: string): Fault {
  return new Fault('ConfigInvalid', {
    what: `"${word}" cannot be listed`,
    why: `it must be one of ${KINDS.join(', ')}`,
    remedy: 'Example: herald get services',
  })
}

function notThere(kind: Kind, name: string): Fault {
  return new Fault('NotKnown', {
    what: `There is no "${name}" among the ${kind}`,
    why: 'nothing in Redis has that name',
    remedy: `"herald get ${kind}" lists all of them; look at --cluster and --prefix too`,
  })
}
