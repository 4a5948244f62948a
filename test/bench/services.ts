/**
 * Many Services at once: from their creation until all have their address in status, and what each costs the watcher. API
 * server, watcher and allocator are processes of their own, Redis and TLS are real; the API server is the sandbox's. Twice:
 * as fast as that API server goes, and with one that takes 450 status patches a second, which shows how busy the writer
 * keeps it. All of them share the cores of this machine. Argument: how many Services.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, dyingWithParent, keepRunning } from '../../infra/child.ts'
import type { Checks } from '../../infra/process.ts'
import { eventually } from '../support/eventually.ts'
import { keptLog } from '../support/log.ts'
import { processorMs } from '../support/proc.ts'
import { type PrivateRedis, privateRedis } from '../support/redis.ts'
import type { Order, Times } from './services-api.ts'

const HERALD = fileURLToPath(new URL('../../workers/herald.mjs', import.meta.url))
const API_SERVER = fileURLToPath(new URL('./services-api.ts', import.meta.url))
const PATCHES_PER_SECOND = 450
const count = Number(process.argv[2] ?? 1000)

console.log(
  `${count} Services created at once, ${availableParallelism()} cores for everything; seconds until each shows its address`,
)
console.log(await round('API server unlimited', null))
console.log(await round(`${PATCHES_PER_SECOND} patches/s at most`, PATCHES_PER_SECOND))
process.exit()

async function round(name: string, perSecond: number | null): Promise<string> {
  const undo: (() => unknown)[] = []
  try {
    const folder = mkdtempSync(join(tmpdir(), 'herald-bench-'))
    undo.push(() => rmSync(folder, { recursive: true, force: true }))
    const redis = await privateRedis({ after: one => void undo.push(one) })
    const api = fork(API_SERVER, [folder], { execArgv: ['--import', 'tsx'] })
    undo.push(() => api.kill())
    const [kubeconfig] = await once(api, 'message')
    const watcher = start('watcher', redis, { HERALD_KUBECONFIG: kubeconfig })
    const allocator = start('allocator', redis)
    undo.push(() => Promise.all([watcher.stop(), allocator.stop()]))
    await ready([watcher, allocator])
    const before = [watcher, allocator].map(child => processorMs(child.pid()))
    const times = await timesOf(api, { count, perSecond })
    const [watcherMs = 0, allocatorMs = 0] = [watcher, allocator].map(
      (child, index) => (processorMs(child.pid()) - (before[index] ?? 0)) / count,
    )
    const cpu = `CPU ms a Service: watcher ${watcherMs.toFixed(2)}, allocator ${allocatorMs.toFixed(2)}`
    const written = `${times.patches} patches, ${times.events} events`
    return `${name.padEnd(24)}${rowOf(times.shownMs, perSecond)}\n${''.padEnd(24)}${cpu}; ${written}`
  } finally {
    for (const step of undo.reverse()) await step()
  }
}

function start(
  command: string,
  redis: PrivateRedis,
  environment: Record<string, string> = {},
): Child {
  const profile = process.env.HERALD_BENCH_PROFILE
  return keepRunning({
    name: command,
    argv: [
      ...dyingWithParent('KILL'),
      process.execPath,
      ...(profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : []),
      HERALD,
      command,
    ],
    environment: {
      HERALD_REDIS_URL: redis.path,
      HERALD_HEALTH_ADDRESS: 'off',
      HERALD_LOG_LEVEL: 'warn',
      ...environment,
    },
    log: keptLog(),
    onLine: line => console.error(line),
    askable: true,
  })
}

async function ready(children: readonly Child[]): Promise<void> {
  await eventually(async () => {
    for (const child of children) {
      const checks = (await child.ask('ready?')) as Checks | null
      if (!checks || Object.values(checks).some(why => why !== null)) throw new Error(child.name)
    }
  }, 60_000)
}

async function timesOf(api: ChildProcess, order: Order): Promise<Times> {
  const answer = once(api, 'message')
  api.send(order)
  const [times] = await answer
  return times as Times
}

/** CPU time of all its threads so far (proc(5): utime and stime, in ticks of 10 ms). */
function rowOf(times: readonly number[], perSecond: number | null): string {
  const at = (share: number) =>
    ((times[Math.ceil(times.length * share) - 1] ?? 0) / 1000).toFixed(2)
  const [first = 0] = times
  const rate = ((times.length - 1) / ((times.at(-1) ?? 0) - first)) * 1000
  const busy =
    perSecond === null ? '' : ` = ${((rate / perSecond) * 100).toFixed(0)} % of the limit`
  return `p50 ${at(0.5)}  p99 ${at(0.99)}  all ${at(1)}  ${rate.toFixed(0)} patches/s${busy}`
}
