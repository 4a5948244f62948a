/**
 * `npm run rolling -- [--from <git ref>] [--passes 5] [--seed 7]`: each process of a cluster is replaced by that of another
 * version while Services churn and a client pings: one after another from an earlier version to this one, back in the same
 * order, and here again in the opposite one, so that each kind of process meets each other kind in both versions; then back
 * and here with all kinds at once, as Kubernetes does it. All the while no address may move, no ping be lost and no process
 * say an error; in the end all that the soak demands must hold. Exit code 0 only if it does. Which version is the earlier
 * one: test/support/previous.ts.
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Chance } from '../support/chance.ts'
import { eventually } from '../support/eventually.ts'
import { lab } from '../support/lab.ts'
import { previousRef, versionOf } from '../support/previous.ts'
import { type Scope, undoing } from '../support/undo.ts'
import { type Churn, CLUSTER, churn, MEMBERS, STEP_EVERY_MS } from './churn.ts'
import { client } from './client.ts'
import { command } from './command.ts'
import { atRest, emptied } from './rest.ts'

const OURS = fileURLToPath(new URL('../../workers/herald.mjs', import.meta.url))
const SERVED_LIMIT_MS = 30_000
/** As many as there are nodes: each answers for one at first. */
const PINGED = 3
const PASSES = 5

const { values } = parseArgs({
  options: { from: { type: 'string' }, passes: { type: 'string' }, seed: { type: 'string' } },
})
const from = values.from ?? previousRef()
const passes = Number(values.passes ?? PASSES)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
if (!from || !(passes >= 1 && passes <= PASSES) || !Number.isInteger(seed)) {
  if (!from) console.error('The history here does not reach back to an earlier version.')
  console.error(
    'Usage: npm run rolling -- [--from <git ref>] [--passes <1 to 5, default 5>] [--seed <whole number>]',
  )
  process.exit(2)
}
await command(scope => rolling(scope, from))

async function rolling(scope: Scope, ref: string): Promise<readonly string[]> {
  console.log(`rolling from ${ref} to this version, ${passes} passes, seed ${seed}`)
  const undo = undoing(scope)
  const theirs = versionOf(undo, ref)
  const said: string[] = []
  const cluster = await lab(undo, {
    ...{ manifests: [CLUSTER], members: MEMBERS, program: theirs },
    onLine: line => void (/"level":"error"/.test(line) && said.push(line)),
  })
  const services = churn({ api: cluster.api, chance: new Chance(seed) })
  const kept = Array.from({ length: PINGED }, () => services.keep())
  for (const name of kept) await served(services, name)
  const addresses = kept.map(name => services.present().get(name) ?? '')
  await eventually(async () => {
    for (const address of addresses) {
      const answerers = await cluster.answerers(address)
      if (answerers.length !== 1) throw new Error(`${address} is answered by [${answerers}]`)
    }
  })
  const user = await client(cluster.lan, addresses)
  const startMs = performance.now()
  const churning = setInterval(() => services.step(), STEP_EVERY_MS)
  undo.after(() => clearInterval(churning))

  const named = (kind: string) =>
    cluster.children.map(({ name }) => name).filter(name => name.startsWith(kind))
  const kinds = ['watcher', 'allocator', 'node'].map(named)
  const order = kinds.flat()
  const turns = [
    { program: OURS, tracks: [order] },
    { program: theirs, tracks: [order] },
    { program: OURS, tracks: [order.toReversed()] },
    { program: theirs, tracks: kinds },
    { program: OURS, tracks: kinds },
  ]
  const replace = async (names: readonly string[], program: string) => {
    for (const name of names) {
      const atMs = performance.now() - startMs
      await cluster.replace(name, program)
      await served(services, services.add())
      const version = program === OURS ? 'this version' : ref
      const tookMs = performance.now() - startMs - atMs
      console.log(`${seconds(atMs)}: ${name} is of ${version} after ${seconds(tookMs)}`)
    }
  }
  for (const { program, tracks } of turns.slice(0, passes)) {
    await Promise.all(tracks.map(names => replace(names, program)))
  }

  clearInterval(churning)
  const world = { lab: cluster, services, redis: cluster.redis.connect() }
  const unrest = await atRest(world)
  const { sent, lost } = await user.stop()
  console.log(`${services.changes()} changes, ${sent} pings and questions`)
  return [...unrest, ...lost, ...(await emptied(world)), ...said]
}

/** Waits until it has its address, unless it is deleted meanwhile. */
function served(services: Churn, name: string): Promise<void> {
  return eventually(() => {
    if (services.present().get(name) === '') throw new Error(`${name} has no address`)
  }, SERVED_LIMIT_MS)
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}
