/**
 * `npm run soak -- --minutes 60 [--seed 7]`: the whole of Herald in a sandbox with its LAN, Services that churn, processes
 * killed at random, Redis and the API server away now and then, Redis emptied. Prints figures every 10 s. In the end
 * everything must have come to rest: every Service has its address and one node answers for it, no queue holds anything,
 * the book of addresses is whole, memory is flat. Exit code 0 only if all of it holds.
 */
import { setTimeout as after } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Child } from '../../infra/child.ts'
import { Chance } from '../support/chance.ts'
import { lab } from '../support/lab.ts'
import { residentMiB } from '../support/proc.ts'
import { type Scope, undoing } from '../support/undo.ts'
import { CLUSTER, churn, MEMBERS, STEP_EVERY_MS } from './churn.ts'
import { command } from './command.ts'
import { atRest, emptied } from './rest.ts'

const KILL_EVERY_MS = 8000
const TROUBLE_EVERY_MS = 20_000
const REPORT_EVERY_MS = 10_000
/** What a process may have grown by from the first third of the time to the last. */
const GROWTH_MOST = 1.25

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, seed: { type: 'string' } },
})
const minutes = Number(values.minutes ?? 3)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
if (!(minutes > 0) || !Number.isInteger(seed)) {
  console.error('Usage: npm run soak -- [--minutes <number, default 3>] [--seed <whole number>]')
  process.exit(2)
}
await command(soak)

async function soak(scope: Scope): Promise<readonly string[]> {
  console.log(`soaking for ${minutes} min, seed ${seed}`)
  const world = await open(scope)
  const { services, memory } = world
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
  const report = (nowMs: number) =>
    console.log(
      `${((nowMs - startMs) / 1000).toFixed(0).padStart(5)} s: ${services.changes()} changes, ${kills} kills, ` +
        `${troubles} outages, ${services.present().size} Services, ${memory.now()}`,
    )
  for (let nowMs = startMs; nowMs < endMs; nowMs = performance.now()) {
    services.step()
    if (nowMs > due.kill) {
      due.kill = nowMs + KILL_EVERY_MS
      kills++
      killOne(world.lab.children, chance)
    }
    if (nowMs > due.trouble) {
      due.trouble = nowMs + TROUBLE_EVERY_MS
      const cause = world.troubles[troubles++ % world.troubles.length]
      if (cause) trouble = trouble.then(cause)
    }
    if (nowMs > due.report) {
      due.report = nowMs + REPORT_EVERY_MS
      memory.sample((nowMs - startMs) / (endMs - startMs))
      report(nowMs)
    }
    await after(STEP_EVERY_MS)
  }
  await trouble
  report(performance.now())
  return [...(await atRest(world)), ...(await emptied(world)), ...memory.growths()]
}

async function open(scope: Scope) {
  const opened = await lab(undoing(scope), { manifests: [CLUSTER], members: MEMBERS })
  const { api, children, redis: server } = opened
  const redis = server.connect()
  return {
    lab: opened,
    redis,
    services: churn({ api, chance: new Chance(seed + 1) }),
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

/** Resident memory of the processes that are never killed. */
function memoryOf(children: readonly Child[]) {
  const lasting = children.filter(({ name }) => ['watcher', 'allocator', 'node-a'].includes(name))
  const early = new Map<string, number>()
  const rss = (child: Child) => residentMiB(child.pid())
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
