/** How a command runs: its log, its signals, its health, and the code that it ends with. */
import { Fault } from '../functions/model/fault.ts'
import type { Answer, Question } from '../infra/child.ts'
import type { UpConfig } from '../infra/config.ts'
import { serveHealth } from '../infra/health.ts'
import { type Logger, openLog } from '../infra/log.ts'
import { openMetrics } from '../infra/metrics/metrics.ts'
import type { Checks, Running, World } from '../infra/process.ts'
import { startTracing } from '../infra/tracing.ts'

export const EXIT = { ok: 0, fault: 1, usage: 2 } as const
const STOP_LIMIT_MS = 5000

/** Runs a command that ends by itself, and answers its exit code. */
export async function perform(
  config: UpConfig,
  command: (world: World<UpConfig>) => Promise<number>,
): Promise<number> {
  const log = openLog({ level: config.logLevel, process: config.process, to: 2 })
  const stopping = stopSignal(() => {})
  const metrics = openMetrics(log)
  return command({ config, log, metrics, signal: stopping, waitingFor: () => {} })
}

/** Runs a process until it is asked to stop. */
export async function serve<C extends UpConfig>(
  config: C,
  start: (world: World<C>) => Promise<Running>,
): Promise<number> {
  const log = openLog({ level: config.logLevel, process: config.process })
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.on(event, (error: unknown) => {
      log.error({ error }, 'a bug: please report this with the lines before it')
      process.exit(EXIT.fault)
    })
  }
  const stopping = stopSignal(signal => log.info({ signal }, 'stopping'))
  const endTracing = await startTracing(`herald-${config.process}`, log)
  const metrics = openMetrics(log)
  let running: Running | null = null
  let waiting = 'starting'
  const starting = (): Checks => ({ started: waiting })
  const health =
    config.health &&
    (await serveHealth(
      config.health,
      {
        ready: () => (running ? running.ready() : starting()),
        alive: () => (running ? running.alive() : {}),
      },
      metrics,
    ))
  if (health) log.info({ port: health.port }, 'answering /healthz, /readyz and /metrics')
  // "up" asks the processes that it has started; a process whose parent has gone, goes.
  process.on('message', async ({ id, question }: Question) => {
    const checks = () => (running ? running.ready() : starting())
    const answer: Answer = {
      id,
      answer: await (question === 'metrics?' ? metrics.scrape() : checks()),
    }
    process.send?.(answer)
  })
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))

  const waitingFor = (what: string) => {
    waiting = what
  }
  const stopped = new Promise(resolve => stopping.addEventListener('abort', resolve))
  try {
    const started = start({ config, log, metrics, signal: stopping, waitingFor })
    running = await Promise.race([started, stopped.then(() => null)])
    if (!running)
      return await inTime(
        log,
        started.then(late => late.stop()).catch(() => {}),
      )
    log.info({}, 'started')
    await stopped
    return await inTime(log, running.stop())
  } catch (error) {
    if (stopping.aborted) return EXIT.ok
    log.error({ error }, 'cannot go on')
    return exitCode(error)
  } finally {
    health?.close()
    await endTracing()
    setImmediate(() => process.exit()) // whatever still holds the event loop
  }
}

/** Aborts on the first SIGTERM or SIGINT; the second one ends the process at once. */
function stopSignal(tell: (signal: string) => void): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(EXIT.fault)
      tell(signal)
      controller.abort()
    })
  }
  return controller.signal
}

async function inTime(log: Logger, stopped: Promise<void>): Promise<number> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>(resolve => {
    timer = setTimeout(() => resolve('late'), STOP_LIMIT_MS)
  })
  const outcome = await Promise.race([stopped, late])
  clearTimeout(timer)
  if (outcome === 'late') log.warn({ limitMs: STOP_LIMIT_MS }, 'not stopped in time, ended anyway')
  else log.info({}, 'stopped')
  return EXIT.ok
}

export function exitCode(error: unknown): number {
  return error instanceof Fault && /^(Config|Health)/.test(error.code) ? EXIT.usage : EXIT.fault
}
