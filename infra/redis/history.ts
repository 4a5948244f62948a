import type { Cluster, Redis } from 'ioredis'
import { keysOf } from './keys.ts'

/** Who got or lost which addresses (claim.lua and adopt.lua write it). */
export interface HistoryEntry {
  /** ms since the epoch, by Redis' clock. */
  readonly atMs: number
  readonly what: string
  /** Service id. */
  readonly service: string
  readonly uid: string
  readonly addresses: readonly string[]
  readonly pool: string
  readonly why: string
}

/** Everything that the capped stream still holds (about 10,000 entries), oldest first. */
export async function historyOf(redis: Redis | Cluster, prefix: string): Promise<HistoryEntry[]> {
  const entries = await redis.xrange(keysOf(prefix).history, '-', '+')
  return entries.map(([id, flat]) => {
    const field = (name: string) => flat[flat.indexOf(name) + 1] ?? ''
    return {
      atMs: Number(id.split('-')[0]),
      what: field('what'),
      service: field('service'),
      uid: field('uid'),
      addresses: field('addresses').split(',').filter(Boolean),
      pool: field('pool'),
      why: field('why'),
    }
  })
}
