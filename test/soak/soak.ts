/**
 * `npm run soak -- --minutes 60 [--seed 7]`: the whole of Herald in a sandbox with its LAN, Services that churn, processes
 * killed at random, Redis and the API server away now and then, Redis emptied. Prints figures every 10 s. In the end
 * everything must have come to rest: every Service has its address and one node answers for it, no queue holds anything,
 * the book of addresses is whole, memory is flat. Exit code 0 only if all of it holds.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Child } from '../../infra/child.ts'
import { openSandbox } from '../../infra/sandbox/sandbox.ts'
import { Chance } from '../support/chance.ts'
import { assertReady, crew } from '../support/crew.ts'
import { eventually } from '../support/eventually.ts'
import { keptLog } from '../support/log.ts'
import { privateRedis } from '../support/redis.ts'
import { type Scope, undoing } from '../support/undo.ts'
import { violations } from '../support/violations.ts'
import { churn } from './churn.ts'

const STEP_EVERY_MS = 150
const KILL_EVERY_MS = 4000
const TROUBLE_EVERY_MS = 20_000
const REPORT_EVERY_MS = 10_000
const REST_LIMIT_MS = 90_000
/** What a process may have grown by from the first third of the time to the last. */
const GROWTH_MOST = 1.25
const SERVICES_MOST = 40
const QUEUES = ['allocate', 'place', 'publish-default']

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, seed: { type: 'string' } },
})
const minutes = Number(values.minutes ?? 3)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
if (!(minutes > 0) || !Number.isInteger(seed)) {
  console.error('Usage: npm run soak -- [--minutes <number, default 3>] [--seed <whole number>]')
  process.exit(2)
}

const steps: (() => unknown)[] = []
try {
  process.exitCode = await soak({ after: step => void steps.push(step) })
} finally {
  for (const step of steps.reverse()) await step()
}
process.exit()

async function soak(scope: Scope): Promise<number> {
  console.log(`soaking for ${minutes} min, seed ${seed}`)
  const world = await open(scope)
  const { children, services, redis, memory } = world
  const startMs = performance.now()
  const endMs = startMs + minutes * 60_000
  const chance = new Chance(seed)
  const due = {
    kill: startMs + KILL_EVERY_MS,
    trouble: startMs + TROUBLE_EVERY_MS,
    report: startMs,
  }
  let [kills, troubles] = [0, 0]
  let trouble = Promise.resolve()
  for (let nowMs = startMs; nowMs < endMs; nowMs = performance.now()) {
    services.step()
    if (nowMs > due.kill) {
      due.kill = nowMs + KILL_EVERY_MS
      kills++
      killOne(children, chance)
    }
    if (nowMs > due.trouble) {
      due.trouble = nowMs + TROUBLE_EVERY_MS
      const cause = world.troubles[troubles++ % world.troubles.length]
      if (cause) trouble = trouble.then(cause)
    }
    if (nowMs > due.report) {
      due.report = nowMs + REPORT_EVERY_MS
      memory.sample((nowMs - startMs) / (endMs - startMs))
      console.log(
        `${((nowMs - startMs) / 1000).toFixed(0).padStart(5)} s: ${services.changes()} changes, ${kills} kills, ` +
          `${troubles} outages, ${services.present().size} Services, ${memory.now()}`,
      )
    }
    await after(STEP_EVERY_MS)
  }
  await trouble
  const found = [...services.violations, ...(await atRest(world)), ...memory.growths()]
  redis.disconnect()
  for (const one of found) console.log(`WRONG: ${one}`)
  console.log(found.length === 0 ? 'everything held' : `${found.length} things did not hold`)
  return found.length === 0 ? 0 : 1
}

type World = Awaited<ReturnType<typeof open>>

async function open(scope: Scope) {
  const undo = undoing(scope)
  const folder = mkdtempSync(join(tmpdir(), 'herald-soak-'))
  undo.after(() => rmSync(folder, { recursive: true, force: true }))
  const server = await privateRedis(undo, { appendonly: true })
  const manifests = [new URL('./cluster.yaml', import.meta.url).pathname]
  const sandbox = await openSandbox({ folder, log: keptLog(), manifests })
  undo.after(() => sandbox.close())
  const { api, lan } = sandbox
  if (!lan) throw new Error(`no LAN: ${sandbox.noLan}`)
  const children = await crew(
    undo,
    [
      { command: 'watcher' },
      { command: 'watcher', name: 'watcher-2' },
      { command: 'allocator' },
      { command: 'allocator', name: 'allocator-2' },
      ...lan.nodes.map(({ name }) => {
        return { command: 'announcer', name, enter: lan.enter(name) } as const
      }),
    ],
    { folder, redisUrl: server.path, kubeconfig: sandbox.watcherKubeconfigPath },
  )
  const redis = server.connect()
  return {
    ...{ children, lan, redis, api },
    services: churn({ api, chance: new Chance(seed + 1), servicesMost: SERVICES_MOST }),
    memory: memoryOf(children),
    troubles: [
      async () => {
        await server.stop()
        await after(3000)
        await server.start()
      },
      async () => {
        await api.stop()
        await after(3000)
        await api.start()
      },
      async () => void (await redis.flushall()),
    ],
  }
}

/** Never the first of its kind, so that the memory of one can be followed. */
function killOne(children: readonly Child[], chance: Chance): void {
  const mortal = children.filter(({ name }) => !['watcher', 'allocator', 'node-a'].includes(name))
  const pid = chance.pick(mortal).pid()
  if (pid) process.kill(pid, 'SIGKILL')
}

/** Waits until all work is done, and says what is not as it must be. */
async function atRest({ children, services, redis, lan }: World): Promise<string[]> {
  const found: string[] = []
  const expect = async (what: string, holds: () => Promise<void>) => {
    await eventually(holds, REST_LIMIT_MS).catch(error => void found.push(`${what}: ${error}`))
  }
  await expect('every process can do its job', async () => {
    for (const child of children) await assertReady(child)
  })
  await expect('every Service has its address', async () => {
    const without = [...services.present()].filter(([, address]) => !address)
    if (without.length > 0) throw new Error(without.map(([name]) => name).join())
  })
  await expect('no queue holds anything', async () => {
    for (const queue of QUEUES) {
      const [waiting, active, delayed, unanswered] = await Promise.all([
        redis.llen(`{herald}:${queue}:wait`),
        redis.llen(`{herald}:${queue}:active`),
        redis.zcard(`{herald}:${queue}:delayed`),
        redis.zcard(`{herald}:dirty:${queue}`),
      ])
      const counts = { waiting, active, delayed, unanswered }
      if (waiting + active + delayed + unanswered > 0)
        throw new Error(`${queue}: ${JSON.stringify(counts)}`)
    }
  })
  for (const address of [...new Set(services.present().values())].slice(0, 8)) {
    await expect(`one node answers for ${address}`, async () => {
      const { stdout } = await lan.exec('client', [
        ...['arping', '-b', '-c2', '-w2', '-I', 'eth0', address],
      ])
      const macs = new Set([...stdout.matchAll(/\[([0-9A-Fa-f:]{17})\]/g)].map(([, mac]) => mac))
      if (macs.size !== 1) throw new Error(`${macs.size} do`)
    })
  }
  found.push(...(await violations(redis)))
  services.clear()
  await expect('what is deleted holds nothing', async () => {
    const held = await redis.hlen('{herald}:default:allocations')
    if (held > 0) throw new Error(`${held} allocations are left`)
  })
  return [...found, ...(await violations(redis))]
}

/** Resident memory of the processes that are never killed. */
function memoryOf(children: readonly Child[]) {
  const lasting = children.filter(({ name }) => ['watcher', 'allocator', 'node-a'].includes(name))
  const early = new Map<string, number>()
  const rss = (child: Child) => {
    const text = readFileSync(`/proc/${child.pid()}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? 0) / 1024
  }
  return {
    sample(share: number) {
      if (share > 1 / 3) return
      for (const child of lasting) {
        early.set(child.name, Math.max(early.get(child.name) ?? 0, rss(child)))
      }
    },
    now: () => lasting.map(child => `${child.name} ${rss(child).toFixed(0)} MB`).join(', '),
    growths: () =>
      lasting.flatMap(child => {
        const before = early.get(child.name) ?? 0
        return rss(child) > before * GROWTH_MOST
          ? [`${child.name} grew from ${before.toFixed(0)} to ${rss(child).toFixed(0)} MB`]
          : []
      }),
  }
}
