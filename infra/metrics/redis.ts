/** How long Redis takes, as this process feels it. */
import type { Redis } from 'ioredis'
import type { RedisConnection } from '../redis/connect.ts'
import type { ClaimRequest, PlaceRequest, Scripts } from '../redis/scripts.ts'
import type { Metrics } from './metrics.ts'

/** Measures every request on the connection from now on; only for connections that do not block. */
export function timed<C extends RedisConnection>(redis: C, metrics: Metrics): C {
  const send = redis.sendCommand.bind(redis) as Redis['sendCommand']
  redis.sendCommand = (...given: Parameters<Redis['sendCommand']>) => {
    const startMs = performance.now()
    const done = () => {
      metrics.observe(
        'herald_redis_request_duration_seconds',
        {},
        (performance.now() - startMs) / 1000,
      )
    }
    given[0].promise.then(done, done)
    return send(...given)
  }
  return redis
}

/** Counts what claims and placements come to. */
export function counted(scripts: Scripts, metrics: Metrics): Scripts {
  return {
    ...scripts,
    async claim(request: ClaimRequest) {
      const startMs = performance.now()
      const answer = await scripts.claim(request)
      metrics.observe('herald_claim_duration_seconds', {}, (performance.now() - startMs) / 1000)
      metrics.count('herald_claims_total', { outcome: answer.outcome })
      return answer
    },
    async place(cluster: string, request: PlaceRequest) {
      const answer = await scripts.place(cluster, request)
      if (answer.outcome === 'placed') {
        // Two are told when one takes over from another.
        const change = !answer.owner ? 'withdrawn' : answer.tell.length > 1 ? 'moved' : 'placed'
        metrics.count('herald_placements_total', { change })
      }
      return answer
    },
  }
}
