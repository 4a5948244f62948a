/**
 * Queues are doorbells: a job carries a key, never a fact. Any number of rings while one is answered become
 * exactly one more answer (`keepLastIfActive`); whoever answers reads the state afresh. At least once.
 */
import {
  type ConnectionOptions,
  type JobsOptions,
  Queue,
  UnrecoverableError,
  Worker,
  type WorkerOptions,
} from 'bullmq'
import type { Cluster, Redis } from 'ioredis'
import { Fault } from '../../functions/model/fault.ts'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { refuseLater } from '../redis/schema.ts'
import { answerStep, traceparent } from '../tracing.ts'
import { linkRings, rememberRings } from './rings.ts'

export interface Bells {
  /** Rings each key once; a key that is waiting already is not rung twice. */
  ring(queue: string, keys: readonly string[]): Promise<void>
  /**
   * Rings each key in a second, once for all rings until then: for what changes often, and is told at a bearable rate. The
   * answer comes after the last of them, also where Redis has lost the first.
   */
  ringSoon(queue: string, keys: readonly string[]): Promise<void>
  close(): Promise<void>
}

const SCHEMA = 1 as const

interface Payload {
  /** Schema version. */
  readonly v: typeof SCHEMA
  readonly key: string
}

export function openBells(connection: Redis | Cluster, prefix: string, log: Logger): Bells {
  const queues = new Map<string, Queue<Payload>>()
  const open = (name: string) => {
    const known = queues.get(name)
    if (known) return known
    const queue = new Queue<Payload>(name, {
      connection: connection as ConnectionOptions,
      prefix,
      streams: { events: { maxLen: 100 } },
    })
    queue.on('error', error => log.debug({ queue: name, error }, 'queue connection'))
    queues.set(name, queue)
    return queue
  }
  const ring = async (name: string, keys: readonly string[], delayMs: number) => {
    const unique = [...new Set(keys)]
    const queue = open(name)
    const metadata = traceparent()
    if (metadata)
      await rememberRings(connection, prefix, { queue: name, keys: unique, traceparent: metadata })
    const jobs = unique.map(key => ({
      name,
      data: { v: SCHEMA, key },
      opts: {
        ...JOB,
        ...(delayMs > 0 && { delay: delayMs }),
        ...(metadata && { telemetry: { metadata } }),
        deduplication: { id: key, keepLastIfActive: true },
      },
    }))
    const [job] = jobs
    if (job && jobs.length === 1) {
      await queue.add(name, job.data, job.opts) // most are: a bulk of one costs a transaction more
      return
    }
    for (let start = 0; start < jobs.length; start += BULK_MOST) {
      await queue.addBulk(jobs.slice(start, start + BULK_MOST))
    }
  }
  /** Rung a moment ago, each with the end of that moment; and those among them that were rung again since. */
  const lately = new Map<string, NodeJS.Timeout>()
  const again = new Set<string>()
  const ringSoon = async (name: string, keys: readonly string[]) => {
    const due: string[] = []
    for (const key of keys) {
      const bell = `${name} ${key}`
      if (lately.has(bell)) {
        again.add(bell)
        continue
      }
      due.push(key)
      const ended = () => {
        lately.delete(bell)
        if (!again.delete(bell)) return
        ringSoon(name, [key]).catch(error => log.debug({ queue: name, key, error }, 'not rung'))
      }
      lately.set(bell, setTimeout(ended, SOON_MS - SOON_MARGIN_MS).unref())
    }
    if (due.length > 0) await ring(name, due, SOON_MS)
  }
  return {
    ring: (name, keys) => ring(name, keys, 0),
    ringSoon,
    async close() {
      for (const timer of lately.values()) clearTimeout(timer)
      await Promise.all([...queues.values()].map(queue => queue.close()))
    },
  }
}

export interface Answering {
  /** Stops taking new jobs; those under way are waited for, at most `limitMs`, then left to others. */
  stop(limitMs: number): Promise<void>
  pause(): Promise<void>
  resume(): Promise<void>
  readonly running: () => boolean
}

/**
 * Answers a queue. A Fault that says `retry: false` is not tried again; all else is, within 5 s. What a
 * killed process was answering is answered by another one within 7 s.
 */
export function answer(
  name: string,
  handler: (key: string) => Promise<void>,
  options: {
    /** Of role 'blocking'. The worker opens a second one like it for itself. */
    readonly connection: Redis | Cluster
    readonly prefix: string
    readonly concurrency: number
    readonly log: Logger
    readonly metrics: Metrics
  },
): Answering {
  const log = options.log.child({ queue: name })
  const kind = /^[a-z]+/.exec(name)?.[0] ?? name // not by cluster or node: few label values
  const timing = (outcome: 'done' | 'failed') =>
    options.metrics.timing('herald_job_duration_seconds', { queue: kind, outcome })
  const timings = { done: timing('done'), failed: timing('failed') }
  const measure = (outcome: keyof typeof timings, startMs: number) =>
    timings[outcome].observe((performance.now() - startMs) / 1000)
  const worker = new Worker<Payload>(
    name,
    async job => {
      const { v, key } = job.data
      const startMs = performance.now()
      try {
        refuseLater('The job', v, SCHEMA)
        const parent = job.opts.telemetry?.metadata
        await answerStep(kind, { key, parent }, async () => {
          await linkRings(options.connection, options.prefix, { queue: name, key })
          await handler(key)
        })
        measure('done', startMs)
      } catch (error) {
        measure('failed', startMs)
        // Once at the first failure, then only for who looks: a broken world would flood the log.
        log[job.attemptsMade === 0 ? 'warn' : 'debug'](
          { key, error, attempt: job.attemptsMade },
          'not answered, tried again later',
        )
        if (error instanceof Fault && !error.retry) throw new UnrecoverableError(error.message)
        throw error
      }
    },
    {
      ...WORKER,
      connection: options.connection as ConnectionOptions,
      prefix: options.prefix,
      concurrency: options.concurrency,
    },
  )
  worker.on('error', error => log.debug({ error }, 'worker connection'))
  return {
    running: () => worker.isRunning(),
    pause: () => worker.pause(true),
    resume: () => worker.resume(),
    async stop(limitMs) {
      let timer: NodeJS.Timeout | undefined
      const limit = new Promise<'late'>(resolve => {
        timer = setTimeout(() => resolve('late'), limitMs)
      })
      const outcome = await Promise.race([worker.close(), limit])
      clearTimeout(timer)
      if (outcome === 'late') worker.disconnect().catch(() => {}) // Redis is away, or a job hangs
    },
  }
}

/** Done jobs are removed, the last failures kept for autopsy. */
const JOB: JobsOptions = {
  attempts: 100,
  backoff: { type: 'capped' },
  removeOnComplete: true,
  removeOnFail: { count: 1000 },
}

/** With the defaults a killed worker delays a Service by a minute, and a second kill fails it for good. */
const WORKER: Omit<WorkerOptions, 'connection'> = {
  lockDuration: 5000,
  stalledInterval: 2000,
  maxStalledCount: 100,
  runRetryDelay: 1000,
  settings: { backoffStrategy: attempt => Math.min(100 * 2 ** (attempt - 1), BACKOFF_MOST_MS) },
}

/** A ring during the backoff changes nothing until it ends: a corrected Service must not wait behind it. */
const BACKOFF_MOST_MS = 5000

const BULK_MOST = 500

const SOON_MS = 1000
/** A job is taken no sooner than it is due by the clock of Redis, which need not run exactly as ours does. */
const SOON_MARGIN_MS = 100
