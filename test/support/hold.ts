/** Answers a queue and never comes to an end: to be killed in the middle. Arguments: socket, queue. */
import { Redis } from 'ioredis'
import { openMetrics } from '../../infra/metrics/metrics.ts'
import { answer } from '../../infra/queue/queues.ts'
import { keptLog } from './log.ts'

const log = keptLog()
const [path = '', queue = ''] = process.argv.slice(2)
answer(
  queue,
  async key => {
    process.stdout.write(`took ${key}\n`)
    await new Promise(() => {})
  },
  {
    connection: new Redis({ path, maxRetriesPerRequest: null }),
    prefix: '{herald}',
    concurrency: 1,
    log,
    metrics: openMetrics(log),
  },
)
