/** Reads what lies in Redis as rows, for `herald get`, `herald top` and the console; functions/inventory makes the rows. */
import { usagesOf } from '../functions/allocate/usage.ts'
import {
  addressRows,
  type Kind,
  nodeRow,
  ownersOf,
  poolRows,
  serviceRows,
} from '../functions/inventory/inventory.ts'
import type { Row } from '../functions/inventory/row.ts'
import type { Node } from '../functions/model/node.ts'
import type { Depths } from '../infra/queue/depth.ts'
import type { Asked } from './ask.ts'

/** What listings are made of. */
export interface Source extends Omit<Asked, 'redis'> {
  readonly depths: Depths
  readonly cluster: string
}

export async function rowsOf(kind: Kind, source: Source): Promise<Row[]> {
  const rows = await READERS[kind](source)
  return rows.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
}

const READERS: Readonly<Record<Kind, (source: Source) => Promise<Row[]>>> = {
  async services({ state, cluster }) {
    const [services, allocations, placements] = await Promise.all([
      state.services(cluster),
      state.allocations(cluster),
      state.allPlacements(cluster),
    ])
    return serviceRows(services, allocations, ownersOf(placements.values()))
  },

  async addresses({ state, cluster }) {
    const [records, placements] = await Promise.all([
      state.addressRecords(),
      state.allPlacements(cluster),
    ])
    return addressRows(cluster, records, placements.values())
  },

  async pools({ state, cluster }) {
    const [configured, nodes, records] = await Promise.all([
      state.configuration(cluster),
      state.nodes(cluster),
      state.addressRecords(),
    ])
    const pools = configured?.configuration.pools ?? []
    const nodeAddresses = nodes.flatMap(node => node.addresses)
    return poolRows(pools, usagesOf(cluster, pools, records, nodeAddresses))
  },

  async nodes({ state, scripts, cluster }) {
    const [nodes, announcers, leases, drained, { nowMs }] = await Promise.all([
      state.nodes(cluster),
      state.announcers(cluster),
      state.leases(cluster),
      state.drained(cluster),
      scripts.clock(),
    ])
    return Promise.all(
      namesOf(nodes, leases, nowMs).map(async name => {
        const [groups, behindSinceMs] = await Promise.all([
          state.groupsOf(cluster, name),
          state.dirtySinceMs(`announce-${cluster}-${name}`),
        ])
        const facts = {
          node: name,
          announcer: announcers.find(one => one.node === name) ?? null,
          leaseEndMs: leases.get(name) ?? null,
          groups: groups.length,
          drained: drained.includes(name),
          behindSinceMs,
        }
        return nodeRow(facts, nowMs)
      }),
    )
  },

  async queues({ state, scripts, depths, cluster }) {
    return Promise.all(
      (await queueNames({ state, scripts, cluster })).map(async name => {
        const [found, unanswered] = await Promise.all([depths.depth(name), state.dirtyCount(name)])
        return { name, ...found, unanswered }
      }),
    )
  },
}

/** Queues that are answered for one cluster. */
export async function queueNames(source: Omit<Source, 'depths'>): Promise<string[]> {
  const announcing = (await nodeNames(source)).map(node => `announce-${source.cluster}-${node}`)
  return ['allocate', 'place', `publish-${source.cluster}`, ...announcing]
}

/** Nodes that Kubernetes has, and others whose announcer runs. One that was removed keeps its lease, which has ended. */
export async function nodeNames({
  state,
  scripts,
  cluster,
}: Omit<Source, 'depths'>): Promise<string[]> {
  const [nodes, leases, { nowMs }] = await Promise.all([
    state.nodes(cluster),
    state.leases(cluster),
    scripts.clock(),
  ])
  return namesOf(nodes, leases, nowMs)
}

function namesOf(
  nodes: readonly Node[],
  leases: ReadonlyMap<string, number>,
  nowMs: number,
): string[] {
  const running = [...leases].filter(([, endMs]) => endMs > nowMs).map(([name]) => name)
  return [...new Set([...nodes.map(node => node.name), ...running])]
}
