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
  return (await redis.xrange(keysOf(prefix).history, '-', '+')).map(entryOf)
}

/** What came after an entry, oldest first and 500 at most, and the id to ask with next; after null: the last ones. */
export async function historyAfter(
  redis: Redis | Cluster,
  prefix: string,
  after: string | null,
): Promise<{ readonly last: string; readonly entries: readonly HistoryEntry[] }> {
  const key = keysOf(prefix).history
  if (after === null) {
    const newest = await redis.xrevrange(key, '+', '-', 'COUNT', NEWEST_MOST)
    return { last: newest[0]?.[0] ?? '0-0', entries: newest.map(entryOf).reverse() }
  }
  const found = await redis.xrange(key, `(${after}`, '+', 'COUNT', AFTER_MOST)
  return { last: found.at(-1)?.[0] ?? after, entries: found.map(entryOf) }
}

const AFTER_MOST = 500
const NEWEST_MOST = 100

function entryOf([id, flat]: [id: string, fields: string[]]): HistoryEntry {
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
}
