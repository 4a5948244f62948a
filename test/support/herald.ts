/** Herald's processes inside a test: real Redis, the sandbox's API server, the workers as they are. */
import { hasRedis, type ProcessName, readConfig } from '../../infra/config.ts'
import type { Running, World } from '../../infra/process.ts'
import { runAllocator } from '../../workers/allocator.ts'
import { runWatcher } from '../../workers/watcher.ts'
import { type KeptLog, keptLog } from './log.ts'
import type { Scope } from './undo.ts'

export interface Herald {
  readonly log: KeptLog
  start(process: 'watcher' | 'allocator'): Promise<Running>
}

const RUN = { watcher: runWatcher, allocator: runAllocator }

/** Stops, when the test ends, whatever was started here and not stopped yet. */
export function herald(
  t: Scope,
  settings: { readonly redisUrl: string; readonly kubeconfig: string; readonly cluster?: string },
): Herald {
  const log = keptLog()
  const stopping = new AbortController()
  const started: Running[] = []
  t.after(async () => {
    stopping.abort()
    await Promise.all(started.map(one => one.stop()))
  })
  return {
    log,
    async start(process) {
      const world = worldOf(process, settings, log, stopping.signal)
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
  flags: { readonly redisUrl: string; readonly kubeconfig: string; readonly cluster?: string },
  log: KeptLog,
  signal: AbortSignal,
): World {
  const { kubeconfig, ...others } = flags
  const config = readConfig(process, {
    flags: process === 'watcher' ? flags : others,
    environment: {},
  })
  if (!hasRedis(config)) throw new Error('a Redis is given to every process')
  return { config, log, signal, waitingFor: () => {} }
}
