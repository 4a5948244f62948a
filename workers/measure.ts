/**
 * What the state in Redis comes to, asked when somebody scrapes. Only the allocator that sweeps shows it, so that a
 * sum over all allocators is right; who does not sweep any more forgets what it showed.
 */
import { type AddressState, type Usage, usagesOf } from '../functions/allocate/usage.ts'
import type { MetricName } from '../infra/metrics/catalog.ts'
import type { Metrics } from '../infra/metrics/metrics.ts'
import type { Depths } from '../infra/queue/depth.ts'
import type { Scripts } from '../infra/redis/scripts.ts'
import type { State } from '../infra/redis/state.ts'
import { nodeNames, queueNames } from './listing.ts'

export interface MeasureWorld {
  readonly state: State
  readonly scripts: Scripts
  readonly cluster: string
  /** All clusters that share the address space. */
  readonly clusters: readonly string[]
  nodeAddresses(cluster: string): Promise<readonly string[]>
  lapsed(cluster: string): Promise<readonly string[]>
  depth: Depths['depth']
}

/** Counting addresses reads every record of one that is not free: not more often than this. */
const COUNT_EVERY_MS = 15_000

export function measureState(world: MeasureWorld, metrics: Metrics, sweeps: () => boolean): void {
  let countedMs = Number.NEGATIVE_INFINITY
  metrics.beforeScrape(async () => {
    if (sweeps()) return measureQueues(world, metrics)
    metrics.clear([...OF_QUEUES, ...OF_POOLS])
    countedMs = Number.NEGATIVE_INFINITY
  })
  metrics.beforeScrape(async () => {
    if (!sweeps() || performance.now() - countedMs < COUNT_EVERY_MS) return
    countedMs = performance.now()
    await measurePools(world, metrics)
  })
}

const OF_QUEUES: readonly MetricName[] = [
  'herald_queue_jobs',
  'herald_queue_oldest_job_age_seconds',
  'herald_queue_unanswered',
  'herald_services_waiting',
  'herald_leases_lapsed',
]

const OF_POOLS: readonly MetricName[] = [
  'metallb_allocator_addresses_total',
  'metallb_allocator_addresses_in_use_total',
  'metallb_allocator_ipv4_addresses_total',
  'metallb_allocator_ipv4_addresses_in_use_total',
  'metallb_allocator_ipv6_addresses_total',
  'metallb_allocator_ipv6_addresses_in_use_total',
  'herald_pool_addresses',
]

async function measureQueues(world: MeasureWorld, metrics: Metrics): Promise<void> {
  const { state, scripts, clusters } = world
  const queues = new Set(
    (await Promise.all(clusters.map(cluster => queueNames({ state, scripts, cluster })))).flat(),
  )
  const found = await Promise.all(
    [...queues].map(async queue => ({
      queue,
      depth: await world.depth(queue),
      unanswered: await state.dirtyCount(queue),
    })),
  )
  const waiting = await state.waitingCount()
  const lapsed = await Promise.all(
    clusters.map(async cluster => {
      const there = new Set(await nodeNames({ state, scripts, cluster }))
      return (await world.lapsed(cluster)).filter(node => there.has(node))
    }),
  )
  metrics.clear(OF_QUEUES) // a node that is gone has no queue any more
  for (const { queue, depth, unanswered } of found) {
    const { oldestMs, ...states } = depth
    for (const [name, count] of Object.entries(states)) {
      metrics.set('herald_queue_jobs', { queue, state: name }, count)
    }
    const ageMs = oldestMs === null ? 0 : Math.max(0, Date.now() - oldestMs)
    metrics.set('herald_queue_oldest_job_age_seconds', { queue }, ageMs / 1000)
    metrics.set('herald_queue_unanswered', { queue }, unanswered)
  }
  metrics.set('herald_services_waiting', {}, waiting)
  clusters.forEach((one, at) => {
    metrics.set('herald_leases_lapsed', { cluster: one }, lapsed[at]?.length ?? 0)
  })
}

async function measurePools(world: MeasureWorld, metrics: Metrics): Promise<void> {
  const { state, clusters } = world
  const records = await state.addressRecords()
  const usages = await Promise.all(
    clusters.map(async cluster => {
      const [configured, nodes] = await Promise.all([
        state.configuration(cluster),
        world.nodeAddresses(cluster),
      ])
      const pools = configured?.configuration.pools ?? []
      return [cluster, usagesOf(cluster, pools, records, nodes)] as const
    }),
  )
  metrics.clear(OF_POOLS)
  for (const [cluster, byPool] of usages) {
    for (const [pool, usage] of byPool) {
      show(cluster, pool, usage, metrics)
      if (cluster === world.cluster) showAsMetalLB(pool, usage, metrics)
    }
  }
}

function show(cluster: string, pool: string, usage: Usage, metrics: Metrics): void {
  const { held, usable, resting, reserved } = usage
  const taken = held.IPv4 + held.IPv6 + resting + reserved
  const counts: Record<AddressState | 'free', number> = {
    held: held.IPv4 + held.IPv6,
    resting,
    reserved,
    free: Math.max(0, usable.IPv4 + usable.IPv6 - taken),
  }
  for (const [state, count] of Object.entries(counts)) {
    metrics.set('herald_pool_addresses', { cluster, pool, state }, count)
  }
}

/** MetalLB has no name for the cluster: shown for our own one. */
function showAsMetalLB(pool: string, { usable, held }: Usage, metrics: Metrics): void {
  const of = { pool }
  metrics.set('metallb_allocator_addresses_total', of, usable.IPv4 + usable.IPv6)
  metrics.set('metallb_allocator_addresses_in_use_total', of, held.IPv4 + held.IPv6)
  metrics.set('metallb_allocator_ipv4_addresses_total', of, usable.IPv4)
  metrics.set('metallb_allocator_ipv4_addresses_in_use_total', of, held.IPv4)
  metrics.set('metallb_allocator_ipv6_addresses_total', of, usable.IPv6)
  metrics.set('metallb_allocator_ipv6_addresses_in_use_total', of, held.IPv6)
}
