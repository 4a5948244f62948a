/**
 * `npm run bench:scale -- [10000]`: what so many Services cost. Watcher, allocators and the sandbox's API server are
 * processes of their own, Redis and TLS are real; all of them share the cores of this machine. Seconds until all
 * are assigned from a cold start, until they are adopted again after FLUSHALL, until everything is ready again
 * after a restart and what that writes to Kubernetes (nothing), the memory of each process, and what 1, 2 and 4
 * allocators decide in a second.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Redis } from 'ioredis'
import type { Child } from '../../infra/child.ts'
import { openBells } from '../../infra/queue/queues.ts'
import { type State, stateOf } from '../../infra/redis/state.ts'
import { crew } from '../support/crew.ts'
import { keptLog } from '../support/log.ts'
import { processorMs, residentMiB } from '../support/proc.ts'
import { privateRedis } from '../support/redis.ts'
import { undoing } from '../support/undo.ts'
import type { Order, Told } from './scale-api.ts'

const PREFIX = '{herald}'
const LIMIT_MS = 15 * 60_000
/** What comes late is waited for so long, before "nothing was written" is believed. */
const TRAIL_MS = 5000
const count = Number(process.argv[2] ?? 10_000)

const steps: (() => unknown)[] = []
const scope = undoing({ after: step => void steps.push(step as () => unknown) })
try {
  await measure()
} finally {
  for (const step of steps.reverse()) await step()
}
process.exit()

async function measure(): Promise<void> {
  print(`${count} Services, ${availableParallelism()} cores for everything`)
  const folder = mkdtempSync(join(tmpdir(), 'herald-scale-'))
  scope.after(() => rmSync(folder, { recursive: true, force: true }))
  const server = await privateRedis(scope)
  const redis = server.connect()
  const state = stateOf(redis, PREFIX)
  const api = fork(fileURLToPath(new URL('./scale-api.ts', import.meta.url)), [folder], {
    execArgv: ['--import', 'tsx'],
  })
  scope.after(() => api.kill())
  const [kubeconfig] = (await once(api, 'message')) as [string]
  await ask(api, { create: count })
  const start = (...members: ('watcher' | 'allocator')[]) =>
    crew(
      scope,
      members.map((command, index) => ({ command, name: `${command}-${index}` })),
      { folder, redisUrl: server.path, kubeconfig },
    )

  let children: Child[] = []
  await timed('cold start until all show their address', async () => {
    await timed('  of which until both are ready', async () => {
      children = await start('watcher', 'allocator')
    })
    await until(async () => (await ask(api, { tell: true })).assigned === count)
  })
  await atRest(state)
  const memory = [
    ...children.map(({ name, pid }) => `${name} ${residentMiB(pid()).toFixed(0)} MiB`),
  ]
  print(`memory: ${memory.join(', ')}, Redis ${await redisMemory(redis)}`)

  const { writes } = await ask(api, { tell: true })
  const written = async () => (await ask(api, { tell: true })).writes - writes
  await timed('FLUSHALL until all are adopted and decided again', async () => {
    await redis.flushall()
    await until(async () => (await redis.hlen(state.keys.allocations('default'))) === count)
    await atRest(state)
  })
  print(`  writes to Kubernetes: ${await written()}`)

  await Promise.all(children.map(child => child.stop()))
  await timed('restart of every process until all are ready', async () => {
    children = await start('watcher', 'allocator')
  })
  await atRest(state)
  await after(TRAIL_MS)
  print(`  writes to Kubernetes: ${await written()}`)

  await Promise.all(children.map(child => child.stop()))
  for (const allocators of [1, 2, 4]) {
    children = await start(...Array.from({ length: allocators }, () => 'allocator' as const))
    await decideAll(redis, state, children)
    await Promise.all(children.map(child => child.stop()))
  }
}

/** Every Service claims anew from an empty book of addresses. */
async function decideAll(redis: Redis, state: State, allocators: readonly Child[]): Promise<void> {
  const { keys } = state
  const book = [`${keys.page}*`, `${keys.used}*`, `${PREFIX}:dirty:*`]
  const found = (await Promise.all(book.map(pattern => redis.keys(pattern)))).flat()
  await redis.del(
    keys.addresses,
    keys.allocations('default'),
    keys.returning,
    keys.resting,
    ...found,
  )
  const bells = openBells(redis, PREFIX, keptLog())
  const names = Object.keys(await redis.hgetall(keys.services('default')))
  const cpu = () => allocators.reduce((sum, { pid }) => sum + processorMs(pid()), 0)
  const [beganMs, cpuBefore] = [performance.now(), cpu()]
  await bells.ring(
    'allocate',
    names.map(name => `default/${name}`),
  )
  await until(async () => (await redis.hlen(keys.allocations('default'))) === count)
  const perSecond = (count / (performance.now() - beganMs)) * 1000
  const cost = ((cpu() - cpuBefore) / count).toFixed(2)
  print(
    `${allocators.length} allocators: ${perSecond.toFixed(0)} claims a second, ${cost} ms of CPU each`,
  )
  await bells.close()
}

/** No bell of the allocators or the watcher is unanswered. (`place` waits for announcers that are not there.) */
async function atRest(state: State): Promise<void> {
  await until(async () => {
    const open = await Promise.all(['allocate', 'publish-default'].map(state.dirtyCount))
    return open.every(bells => bells === 0)
  })
}

async function timed(what: string, step: () => Promise<void>): Promise<void> {
  const beganMs = performance.now()
  await step()
  print(`${what}: ${((performance.now() - beganMs) / 1000).toFixed(1)} s`)
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + LIMIT_MS
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error('it took too long')
    await after(50)
  }
}

async function ask(api: ChildProcess, order: Order): Promise<Told> {
  const answer = once(api, 'message')
  api.send(order)
  return (await answer)[0] as Told
}

async function redisMemory(redis: Redis): Promise<string> {
  const bytes = /used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]
  return `${(Number(bytes) / 2 ** 20).toFixed(0)} MiB`
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
