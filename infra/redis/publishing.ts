/**
 * What the writer to Kubernetes reads and writes in Redis, for many Services in one round trip. An intent is written
 * before a status is patched and says which events belong to it; once the status shows it they are among the unsaid,
 * which anybody may say. So whoever is killed between the two leaves behind what is still to be said.
 */
import type { Cluster, Redis } from 'ioredis'
import type { Allocation } from '../../functions/model/allocation.ts'
import type { Service } from '../../functions/model/service.ts'
import type { EventToWrite } from '../kubernetes/event.ts'
import { gathered } from './gather.ts'
import { keysOf } from './keys.ts'
import { refuseLater } from './schema.ts'
import { script } from './script.ts'
import type { Learned, Scripts } from './scripts.ts'
import { allocationOf, type Seen, seen } from './state.ts'

/** What a status will show, and what is to be said once it does. */
export interface Intent {
  readonly v: 1
  readonly shows: string
  readonly events: readonly EventToWrite[]
}

/** All that is needed to decide what to write about a Service. */
export interface Known {
  /** Version of the unanswered bell, read before all else; null: there is none. */
  readonly dirty: string | null
  readonly service: Seen<Service>
  readonly allocation: Allocation | null
  readonly intent: Intent | null
}

/** One bell that was answered. */
export interface Settled {
  readonly key: string
  readonly dirty: string | null
  readonly name: string
  /** The Service as the API server answered it; null: it was not written to. */
  readonly learned: Learned | null
  readonly hadIntent: boolean
  readonly events: readonly EventToWrite[]
}

export type Publishing = ReturnType<typeof publishingOf>

export function publishingOf(
  redis: Redis | Cluster,
  prefix: string,
  cluster: string,
  scripts: Scripts,
) {
  const keys = keysOf(prefix)
  const dirty = keys.dirty(`publish-${cluster}`)
  const published = script(redis, 'published')

  const loadAll = async (names: readonly string[]): Promise<Known[]> => {
    const [scores, services, allocations, intents] = await Promise.all([
      redis.zmscore(dirty, ...names.map(name => `service/${name}`)) as Promise<unknown[]>,
      redis.hmget(keys.services(cluster), ...names),
      redis.hmget(keys.allocations(cluster), ...names),
      redis.hmget(keys.intents(cluster), ...names),
    ])
    return names.map((_, at) => ({
      dirty: scores[at] === null ? null : String(scores[at]),
      service: seen<Service>(services[at] ?? null),
      allocation: allocationOf(allocations[at] ?? null),
      intent: intents[at] ? intentOf(intents[at]) : null,
    }))
  }

  const intendAll = async (intents: readonly { name: string; intent: Intent }[]) => {
    const flat = intents.flatMap(({ name, intent }) => [name, JSON.stringify(intent)])
    await redis.hset(keys.intents(cluster), ...flat)
    return intents
  }

  const settleAll = async (items: readonly Settled[]): Promise<boolean[]> => {
    await scripts.learnAll(items.flatMap(({ learned }) => learned ?? []))
    const some = await published(
      [dirty, keys.intents(cluster), keys.unsaid(cluster)],
      [JSON.stringify(items.map(settlement)), EVENTS_KEY],
    )
    return items.map((_, at) => some === 1 && at === 0)
  }

  return {
    load: gathered(loadAll, BATCH_MOST),
    intend: gathered(intendAll, BATCH_MOST),
    /** True for one of those settled together when there is something to say: then `events` is to be rung. */
    settle: gathered(settleAll, BATCH_MOST),
    /** An event that goes with no status: it is to be said, and `events` to be rung. */
    owe: (event: EventToWrite) =>
      published(
        [dirty, keys.intents(cluster), keys.unsaid(cluster)],
        [JSON.stringify([{ name: '', events: [entryOf(event)] }]), EVENTS_KEY],
      ),
    /** Some of what is to be said, by the field it is forgotten by; empty when all is said. */
    async unsaid(): Promise<[string, EventToWrite][]> {
      let cursor = '0'
      do {
        const [next, flat] = await redis.hscan(keys.unsaid(cluster), cursor, 'COUNT', BATCH_MOST)
        if (flat.length > 0) return entries(flat)
        cursor = next // a hash that has shrunk may answer nothing for a while
      } while (cursor !== '0')
      return []
    },
    async said(fields: readonly string[]): Promise<void> {
      if (fields.length > 0) await redis.hdel(keys.unsaid(cluster), ...fields)
    },
  }
}

/** Key of the bell that is rung when there is something to say. */
export const EVENTS_KEY = 'events'

/** Key of the bell that is rung when groups were placed anew. */
export const ANNOUNCED_KEY = 'announced'

/** As many as status patches are under way at once. */
const BATCH_MOST = 64

const INTENT_SCHEMA = 1

function intentOf(text: string): Intent {
  const intent = JSON.parse(text) as Intent
  refuseLater('What is to be said of a Service', intent.v, INTENT_SCHEMA)
  return intent
}

const entries = (flat: readonly string[]): [string, EventToWrite][] =>
  flat.flatMap((text, at): [string, EventToWrite][] =>
    at % 2 === 1 ? [[flat[at - 1] ?? '', JSON.parse(text)]] : [],
  )

function settlement({ key, dirty, name, hadIntent, events }: Settled): object {
  return {
    key,
    ...(dirty === null ? {} : { version: dirty }),
    name,
    cleared: hadIntent,
    events: events.map(entryOf),
  }
}

const entryOf = (event: EventToWrite): readonly [string, string] => [
  `${event.regarding.namespace ?? ''}/${event.name}`,
  JSON.stringify(event),
]
