/** Herald's processes inside a test: real Redis, the sandbox's API server, the workers as they are. */
import { type ProcessName, SETTINGS_OF } from '../../infra/config/processes.ts'
import { hasRedis, readConfig } from '../../infra/config.ts'
import { openMetrics } from '../../infra/metrics/metrics.ts'
import type { Running, World } from '../../infra/process.ts'
import { runAllocator } from '../../workers/allocator.ts'
import { runWatcher } from '../../workers/watcher.ts'
import { type KeptLog, keptLog } from './log.ts'
import type { Scope } from './undo.ts'

export interface Herald {
  readonly log: KeptLog
  /** `more`: settings for this process alone. */
  start(process: 'watcher' | 'allocator', more?: Partial<Settings>): Promise<Running>
}

/** As flags. */
export interface Settings {
  readonly redisUrl: string
  readonly kubeconfig: string
  readonly cluster?: string
  readonly clusters?: string
  readonly loadBalancerClass?: string
  readonly coolDown?: string
  readonly windowsKeyFile?: string
}

/** A dead connection is noticed within some 4 s, so that tests need not wait long. */
const WATCH_SECONDS = 2

const RUN = {
  watcher: (world: World) => runWatcher(world, WATCH_SECONDS),
  allocator: runAllocator,
}

/** Stops, when the test ends, whatever was started here and not stopped yet. */
export function herald(t: Scope, settings: Settings): Herald {
  const log = keptLog()
  const stopping = new AbortController()
  const started: Running[] = []
  t.after(async () => {
    stopping.abort()
    await Promise.all(started.map(one => one.stop()))
  })
  return {
    log,
    async start(process, more) {
      const world = worldOf(process, { ...settings, ...more }, log, stopping.signal)
      const running = await RUN[process](world)
      let stopped: Promise<void> | null = null
      const once = { ...running, stop: () => (stopped ??= running.stop()) }
      started.push(once)
      return once
    },
  }
}

function worldOf(
  process: ProcessName,
  settings: Settings,
  log: KeptLog,
  signal: AbortSignal,
): World {
  const taken: readonly string[] = SETTINGS_OF[process]
  const flags = Object.fromEntries(
    Object.entries(settings).filter(([name]) => taken.includes(name)),
  )
  const config = readConfig(process, { flags, environment: {} })
  if (!hasRedis(config)) throw new Error('a Redis is given to every process')
  return { config, log, metrics: openMetrics(log), signal, waitingFor: () => {} }
}
