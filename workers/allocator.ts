/**
 * The allocator: answers `allocate` (on-allocate.ts) and `place` (on-place.ts). Holds nothing but Redis; run
 * as many as you like. One of them at a time also sweeps: it rings again what has stayed unanswered,
 * and the groups of nodes whose lease has ended.
 */
import { randomUUID } from 'node:crypto'
import { lapsed } from '../functions/place/lapsed.ts'
import { claimTimer, countedPlacements, timed } from '../infra/metrics/redis.ts'
import type { Running, World } from '../infra/process.ts'
import { openDepths } from '../infra/queue/depth.ts'
import { answer, openBells } from '../infra/queue/queues.ts'
import { waitForRedis } from '../infra/redis/check.ts'
import { connectRedis } from '../infra/redis/connect.ts'
import { scriptsOf } from '../infra/redis/scripts.ts'
import { stateOf } from '../infra/redis/state.ts'
import { measureState } from './measure.ts'
import { onAllocate } from './on-allocate.ts'
import { onPlace, type PlaceWorld, relieve } from './on-place.ts'

const SWEEP_EVERY_MS = 1000
const OVERDUE_MS = 5000
/** For so long a deletion is remembered: a watcher that lags more would bring the object back until it catches up. */
const TOMBSTONE_MS = 600_000
/** Bells rung again in one sweep of one queue. */
const OVERDUE_MOST = 2000

export async function runAllocator(process: World): Promise<Running> {
  const { config, log, metrics } = process
  const redis = timed(connectRedis(config.redis, 'commands', log), metrics)
  await waitForRedis(redis, process)
  const bells = openBells(redis, config.prefix, log)
  const waiting = connectRedis(config.redis, 'blocking', log)
  const state = stateOf(redis, config.prefix)
  const scripts = countedPlacements(scriptsOf(redis, config.prefix, claimTimer(metrics)), metrics)
  const timers = new Set<NodeJS.Timeout>()

  const world: PlaceWorld = {
    state,
    scripts,
    clusters: config.clusters,
    coolDownMs: config.coolDownMs,
    quarantineMs: config.quarantineMs,
    nodeAddresses: remembered(1000, async cluster =>
      (await state.nodes(cluster)).flatMap(node => node.addresses),
    ),
    ring: (queue, keys) => bells.ring(queue, keys),
    ringSoon: (queue, keys) => bells.ringSoon(queue, keys),
    async lapsed(cluster) {
      const [leases, announcers, clock] = await Promise.all([
        state.leases(cluster),
        state.announcers(cluster),
        scripts.clock(),
      ])
      const hears = new Map(announcers.map(one => [one.node, one.hears ?? []]))
      return lapsed({ leases, hears, ...clock })
    },
    later(key, delayMs) {
      const timer = setTimeout(() => {
        timers.delete(timer)
        bells.ring('place', [key]).catch(() => {}) // it is dirty: the sweep rings it
      }, delayMs)
      timers.add(timer)
    },
  }

  const common = {
    connection: waiting,
    prefix: config.prefix,
    concurrency: config.concurrency,
    log,
    metrics,
  }
  const allocating = answer('allocate', key => onAllocate(key, world), common)
  const placing = answer('place', key => onPlace(key, world), common)
  const sweeping = sweep(config.clusters, world, message => log.warn(message, 'sweep failed'))
  const depths = openDepths(redis, config.prefix)
  const { depth } = depths
  measureState({ ...world, cluster: config.cluster, depth }, metrics, sweeping.mine)
  log.info({ clusters: config.clusters, concurrency: config.concurrency }, 'allocator is answering')

  return {
    ready: () => ({ redis: redis.status === 'ready' ? null : `connection is ${redis.status}` }),
    alive: () => ({
      queues: allocating.running() && placing.running() ? null : 'a queue worker ended',
    }),
    async stop() {
      sweeping.stop()
      for (const timer of timers) clearTimeout(timer)
      await Promise.all([allocating.stop(3000), placing.stop(3000)])
      await Promise.all([bells.close(), depths.close()])
      waiting.disconnect()
      redis.disconnect()
    },
  }
}

/** What a function of a cluster last answered, no older than this; a node does not come and go in a second. */
function remembered<T>(
  forMs: number,
  ask: (cluster: string) => Promise<T>,
): (cluster: string) => Promise<T> {
  const known = new Map<string, { readonly at: number; readonly answer: Promise<T> }>()
  return cluster => {
    const last = known.get(cluster)
    if (last && performance.now() - last.at < forMs) return last.answer
    const answer = ask(cluster)
    known.set(cluster, { at: performance.now(), answer })
    answer.catch(() => known.delete(cluster))
    return answer
  }
}

function sweep(
  clusters: readonly string[],
  world: PlaceWorld,
  complain: (fields: object) => void,
): { stop(): void; mine(): boolean } {
  const self = randomUUID()
  let busy = false
  let mine = false
  const timer = setInterval(async () => {
    if (busy) return
    busy = true
    try {
      mine = await world.state.mayServeAsSweeper(self, 3 * SWEEP_EVERY_MS)
      if (mine) await sweepOnce(clusters, world)
    } catch (error) {
      complain({ error })
    } finally {
      busy = false
    }
  }, SWEEP_EVERY_MS)
  return { stop: () => clearInterval(timer), mine: () => mine }
}

async function sweepOnce(clusters: readonly string[], world: PlaceWorld): Promise<void> {
  const { state } = world
  const ringOverdue = async (queue: string, rewrite: (key: string) => string = key => key) => {
    const keys = await state.overdue(queue, OVERDUE_MS, OVERDUE_MOST)
    if (keys.length > 0) await world.ring(queue, keys.map(rewrite))
  }
  await ringOverdue('allocate')
  await ringOverdue('place')
  await world.scripts.purge(clusters, TOMBSTONE_MS)
  const { nowMs } = await world.scripts.clock()
  const [first] = clusters
  if (first && (await state.roomAfterRest(nowMs)))
    await world.ring('allocate', [`${first}/waiting`])
  for (const cluster of clusters) {
    await ringOverdue(`publish-${cluster}`)
    for (const node of (await state.leases(cluster)).keys()) {
      await ringOverdue(`announce-${cluster}-${node}`, () => 'all')
    }
    await relieve(cluster, world)
  }
}
