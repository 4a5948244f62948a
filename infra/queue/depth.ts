/** What lies in queues, for who looks. Writes nothing: it may be asked by who may only read. */
import { type ConnectionOptions, Queue } from 'bullmq'
import type { RedisConnection } from '../redis/connect.ts'

export interface Depth {
  readonly waiting: number
  readonly active: number
  /** Tried again a little later. */
  readonly delayed: number
  /** Given up; kept for autopsy. */
  readonly failed: number
  /** When the one that waits longest was rung, ms since the epoch; null: none waits. */
  readonly oldestMs: number | null
}

/** A job that has failed: given up, or to be tried again. */
export interface Failure {
  readonly key: string
  readonly attempts: number
  readonly why: string
  readonly givenUp: boolean
  /** When it was rung, ms since the epoch. */
  readonly rungMs: number
}

export interface Depths {
  depth(queue: string): Promise<Depth>
  /** The newest of those given up, and of those to be tried again. */
  failures(queue: string): Promise<Failure[]>
  close(): Promise<void>
}

export function openDepths(connection: RedisConnection, prefix: string): Depths {
  const queues = new Map<string, Queue>()
  const open = (name: string) => {
    const queue = queues.get(name) ?? readingQueue(name, connection, prefix)
    queues.set(name, queue)
    return queue
  }
  return {
    async depth(name) {
      const queue = open(name)
      const [counts, [oldest]] = await Promise.all([
        queue.getJobCounts('waiting', 'active', 'delayed', 'failed'),
        queue.getJobs(['waiting'], 0, 0, true),
      ])
      const { waiting = 0, active = 0, delayed = 0, failed = 0 } = counts
      return { waiting, active, delayed, failed, oldestMs: oldest?.timestamp ?? null }
    },
    async failures(name) {
      const jobs = await open(name).getJobs(['delayed', 'failed'], 0, FAILURES_MOST - 1)
      return jobs
        .filter(job => job.failedReason)
        .map(job => ({
          key: String((job.data as { key?: unknown }).key),
          attempts: job.attemptsMade,
          why: job.failedReason,
          givenUp: job.finishedOn !== undefined,
          rungMs: job.timestamp,
        }))
    },
    async close() {
      await Promise.all([...queues.values()].map(queue => queue.close()))
    },
  }
}

/** Of each state. */
const FAILURES_MOST = 10

/** One that does not write down that it is there, as those of BullMQ do otherwise. */
export function readingQueue(name: string, connection: RedisConnection, prefix: string): Queue {
  const queue = new Queue(name, {
    connection: connection as ConnectionOptions,
    prefix,
    skipMetasUpdate: true,
  })
  queue.on('error', () => {}) // said of the connection already
  return queue
}
