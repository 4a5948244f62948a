/**
 * Which traces an answer belongs to. A ring that finds its bell waiting leaves nothing in the queue, so that it leaves its trace
 * beside it: the answer is a step of one trace and is linked to the others. Does nothing while tracing is off.
 */
import type { Cluster, Redis } from 'ioredis'
import { keysOf } from '../redis/keys.ts'
import { isTracing, link } from '../tracing.ts'

/** Of one bell; older ones are forgotten. OpenTelemetry takes 128 links a span (OTEL_SPAN_LINK_COUNT_LIMIT). */
const RINGS_MOST = 32
/** Whoever answers so late has lost its trace. */
const KEPT_MS = 60_000

/** Before the bells are rung, so that who answers them finds it. */
export async function rememberRings(
  redis: Redis | Cluster,
  prefix: string,
  rung: { readonly queue: string; readonly keys: readonly string[]; readonly traceparent: string },
): Promise<void> {
  const { rung: nameOf } = keysOf(prefix)
  const batch = redis.pipeline()
  for (const key of rung.keys) {
    const name = nameOf(rung.queue, key)
    batch.rpush(name, rung.traceparent).ltrim(name, -RINGS_MOST, -1).pexpire(name, KEPT_MS)
  }
  await batch.exec()
}

/** Links the answer under way to everyone who rang for it. What Redis refuses a trace keeps nobody from answering. */
export async function linkRings(
  redis: Redis | Cluster,
  prefix: string,
  { queue, key }: { readonly queue: string; readonly key: string },
): Promise<void> {
  if (!isTracing()) return
  const name = keysOf(prefix).rung(queue, key)
  link((await redis.lpop(name, RINGS_MOST).catch(() => null)) ?? [])
}
