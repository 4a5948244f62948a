/** How long Redis takes, as this process feels it, and what its scripts come to. */
import type { RedisConnection } from '../redis/connect.ts'
import type { PlaceRequest, Scripts, ScriptTimer } from '../redis/scripts.ts'
import type { Metrics, Timing } from './metrics.ts'

const PING_EVERY_MS = 1000

/**
 * Asks for an answer every second: what waits before it on the connection, in Redis and in our event loop is in the
 * time that it takes, and no other request pays for being measured. Ends with the connection; not for one that blocks.
 */
export function timed<C extends RedisConnection>(redis: C, metrics: Metrics): C {
  const timing = metrics.timing('herald_redis_ping_seconds', {})
  let busy = false
  const timer = setInterval(async () => {
    if (redis.status === 'end') return clearInterval(timer)
    if (busy || redis.status !== 'ready') return
    busy = true
    const startMs = performance.now()
    await redis.ping().catch(() => {}) // however it ended, it took so long
    timing.observe((performance.now() - startMs) / 1000)
    busy = false
  }, PING_EVERY_MS)
  timer.unref()
  return redis
}

/** Measures claims. */
export function claimTimer(metrics: Metrics): ScriptTimer {
  const timings = new Map<string, Timing>()
  return (outcome, tookMs) => {
    let timing = timings.get(outcome)
    if (!timing) {
      timing = metrics.timing('herald_claim_duration_seconds', { outcome })
      timings.set(outcome, timing)
    }
    timing.observe(tookMs / 1000)
  }
}

/** Counts what placements come to. */
export function countedPlacements(scripts: Scripts, metrics: Metrics): Scripts {
  return {
    ...scripts,
    async place(cluster: string, request: PlaceRequest) {
      const answer = await scripts.place(cluster, request)
      // A placement may also change in its standbys alone.
      if (answer.outcome === 'placed' && answer.owner !== answer.former) {
        const change = !answer.owner ? 'withdrawn' : answer.former ? 'moved' : 'placed'
        metrics.count('herald_placements_total', { change })
      }
      return answer
    },
  }
}
