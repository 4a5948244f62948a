/** The queues, by bull-board: to read for everybody, to act upon for whoever shows the admin token. */
import { createBullBoard } from '@bull-board/api'
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import { HonoAdapter } from '@bull-board/hono'
import { serveStatic } from '@hono/node-server/serve-static'
import type { Queue } from 'bullmq'
import type { Hono } from 'hono'
import { readingQueue } from '../queue/depth.ts'
import type { RedisConnection } from '../redis/connect.ts'

export interface Board {
  readonly routes: Hono
  /** These are shown from now on. */
  show(names: readonly string[]): void
  close(): Promise<void>
}

export function openBoard(
  path: string,
  options: {
    readonly connection: RedisConnection
    readonly prefix: string
    readonly readOnly: boolean
  },
): Board {
  const { connection, prefix, readOnly } = options
  const queues = new Map<string, Queue>()
  const serverAdapter = new HonoAdapter(serveStatic)
  serverAdapter.setBasePath(path)
  const board = createBullBoard({
    queues: [],
    serverAdapter,
    options: { uiConfig: { boardTitle: readOnly ? 'Herald (read only)' : 'Herald' } },
  })
  return {
    routes: serverAdapter.registerPlugin(),
    show(names) {
      for (const [name, queue] of queues) {
        if (names.includes(name)) continue
        board.removeQueue(name)
        queues.delete(name)
        queue.close().catch(() => {})
      }
      for (const name of names) {
        if (queues.has(name)) continue
        const queue = readingQueue(name, connection, prefix)
        queues.set(name, queue)
        board.addQueue(new BullMQAdapter(queue, { readOnlyMode: readOnly }))
      }
    },
    async close() {
      await Promise.all([...queues.values()].map(queue => queue.close()))
    },
  }
}
