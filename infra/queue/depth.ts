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

export interface Depths {
  depth(queue: string): Promise<Depth>
  close(): Promise<void>
}

export function openDepths(connection: RedisConnection, prefix: string): Depths {
  const queues = new Map<string, Queue>()
  return {
    async depth(name) {
      const queue = queues.get(name) ?? readingQueue(name, connection, prefix)
      queues.set(name, queue)
      const [counts, [oldest]] = await Promise.all([
        queue.getJobCounts('waiting', 'active', 'delayed', 'failed'),
        queue.getJobs(['waiting'], 0, 0, true),
      ])
      const { waiting = 0, active = 0, delayed = 0, failed = 0 } = counts
      return { waiting, active, delayed, failed, oldestMs: oldest?.timestamp ?? null }
    },
    async close() {
      await Promise.all([...queues.values()].map(queue => queue.close()))
    },
  }
}

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
