/** How long Redis takes, as this process feels it. */
import type { Redis } from 'ioredis'
import type { RedisConnection } from '../redis/connect.ts'
import type { ClaimRequest, PlaceRequest, Scripts } from '../redis/scripts.ts'
import type { Metrics, Timing } from './metrics.ts'

/** One request of so many is measured: all of them would cost more than what they do here. */
const ONE_IN = 16

/** Measures requests on the connection from now on; only for connections that do not block. */
export function timed<C extends RedisConnection>(redis: C, metrics: Metrics): C {
  const send = redis.sendCommand.bind(redis) as Redis['sendCommand']
  const timing = metrics.timing('herald_redis_request_duration_seconds', {})
  let sent = 0
  const measure = (answer: Promise<unknown>) => {
    const startMs = performance.now()
    const done = () => timing.observe((performance.now() - startMs) / 1000)
    answer.then(done, done)
  }
  redis.sendCommand = (...given: Parameters<Redis['sendCommand']>) => {
    if (sent++ % ONE_IN === 0) measure(given[0].promise)
    return send(...given)
  }
  return redis
}

/** Counts and measures what claims and placements come to. */
export function counted(scripts: Scripts, metrics: Metrics): Scripts {
  const timings = new Map<string, Timing>()
  const timingOf = (outcome: string): Timing => {
    const known = timings.get(outcome)
    if (known) return known
    const made = metrics.timing('herald_claim_duration_seconds', { outcome })
    timings.set(outcome, made)
    return made
  }
  return {
    ...scripts,
    async claim(request: ClaimRequest) {
      const startMs = performance.now()
      const answer = await scripts.claim(request)
      timingOf(answer.outcome).observe((performance.now() - startMs) / 1000)
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
