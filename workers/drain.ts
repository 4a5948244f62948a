/** Moves what nodes announce, by hand: `herald drain`, `herald undrain` and `herald rebalance`. */
import { setTimeout as after } from 'node:timers/promises'
import { Fault } from '../functions/model/fault.ts'
import type { PlaceState } from '../functions/place/place.ts'
import { type Placed, rebalance } from '../functions/place/rebalance.ts'
import type { UpConfig } from '../infra/config.ts'
import type { World } from '../infra/process.ts'
import { type Bells, openBells } from '../infra/queue/queues.ts'
import { type Deciding, decidingOf } from '../infra/redis/decisions.ts'
import { ANNOUNCED_KEY } from '../infra/redis/publishing.ts'
import { type Asked, progress, type Told, tell, withRedis } from './ask.ts'
import { groupOf, judge, ringAnnouncers, surroundings } from './on-place.ts'

/** So long an allocator may take to place all anew. */
const PATIENCE_MS = 30_000
const LOOK_EVERY_MS = 200
/** Groups that share their round trips to Redis. */
const JUDGED_AT_ONCE = 200

interface Mover extends Asked {
  readonly cluster: string
  readonly bells: Bells
  readonly deciding: Deciding
}

/** Returns when the node announces nothing any more that another could. */
export function runDrain(world: World<UpConfig>, node: string): Promise<number> {
  return move(world, async mover => {
    await assertKnown(node, mover)
    const before = (await mover.state.groupsOf(mover.cluster, node)).length
    await mark(node, true, mover)
    const left = await leave(node, before, mover)
    const stays = left.filter(one => one.candidates.length === 0).map(one => one.group)
    if (left.length > stays.length) {
      throw new Fault('NotDrained', {
        what: `${node} still announces ${left.length - stays.length} of ${before} groups after ${PATIENCE_MS / 1000} s`,
        why: 'no allocator has placed them elsewhere yet',
        remedy:
          'The node stays marked, so they move once an allocator runs; "herald get queues" shows what waits',
        retry: true,
      })
    }
    return {
      value: { node, drained: true, moved: before - stays.length, stays },
      lines: [
        ['drained', `${node}; "herald undrain ${node}" ends that`],
        ['moved', `${before - stays.length} of ${before} groups of addresses`],
        ...stays.map(group => ['stays', `${group}, which no other node may serve`] as const),
      ],
    }
  })
}

/** What has moved away stays where it is: nothing moves that need not. */
export function runUndrain(world: World<UpConfig>, node: string): Promise<number> {
  return move(world, async mover => {
    await assertKnown(node, mover)
    const changed = await mark(node, false, mover)
    return {
      value: { node, drained: false, changed },
      lines: [
        changed
          ? [
              'undrained',
              `${node} may announce again; "herald rebalance" moves addresses there now`,
            ]
          : ['undrained', `${node} was not drained`],
      ],
    }
  })
}

export function runRebalance(world: World<UpConfig>): Promise<number> {
  const { dryRun } = world.config
  return move(world, async mover => {
    const { cluster, state, scripts, bells } = mover
    const around = await surroundings(cluster, state)
    if (!around) throw unconfigured()
    const placed = await placedOf(mover, await groups(mover), around)
    const moves = rebalance(placed)
    for (const [index, { group, from, to }] of dryRun ? [] : moves.entries()) {
      progress(`${index} of ${moves.length} groups have moved`)
      const { addresses, services } = await groupOf(cluster, group, state)
      if (addresses[0] !== group) continue // changed meanwhile: the allocator sees to it
      const { candidates } = await judge(cluster, services, around, state)
      const moving = { candidates, reason: `rebalanced, from ${from}`, prefer: to }
      const request = { ...moving, group, addresses, lapsed: [], settleMs: 0 }
      await ringAnnouncers(cluster, await scripts.place(cluster, request), bells.ring)
    }
    if (!dryRun && moves.length > 0) await bells.ring(`publish-${cluster}`, [ANNOUNCED_KEY])
    const verb = dryRun ? 'would move' : 'moved'
    return {
      value: { dryRun, moves },
      lines: [
        ...moves.map(({ group, from, to }) => [verb, `${group} from ${from} to ${to}`] as const),
        [
          'balanced',
          `${moves.length} of ${placed.length} groups ${dryRun ? 'would move' : 'moved'}`,
        ],
      ],
    }
  })
}

function move(
  world: World<UpConfig>,
  command: (mover: Mover) => Promise<{ readonly value: unknown; readonly lines: Told }>,
): Promise<number> {
  const { cluster, prefix, output } = world.config
  return withRedis(world, async asked => {
    const bells = openBells(asked.redis, prefix, world.log)
    try {
      const deciding = decidingOf(asked.redis, prefix)
      const told = await command({ ...asked, cluster, bells, deciding }).finally(() => progress(''))
      tell(told, output)
    } finally {
      await bells.close()
    }
    return 0
  })
}

async function mark(node: string, drained: boolean, mover: Mover): Promise<boolean> {
  const { cluster, deciding, bells } = mover
  const changed = await deciding.drain(cluster, node, drained)
  await bells.ring('place', [`${cluster}/*`])
  return changed
}

/** What the node announces once all that can move has moved, or the time is up. */
async function leave(node: string, before: number, mover: Mover): Promise<Placed[]> {
  for (const endMs = Date.now() + PATIENCE_MS; ; await after(LOOK_EVERY_MS)) {
    const { cluster, state } = mover
    const around = await surroundings(cluster, state)
    if (!around) return [] // nothing is placed either
    const left = await placedOf(mover, await state.groupsOf(cluster, node), around)
    progress(`${Math.max(0, before - left.length)} of ${before} groups have moved`)
    const others = left.map(one => ({
      ...one,
      candidates: one.candidates.filter(candidate => candidate.node !== node),
    }))
    if (others.every(one => one.candidates.length === 0) || Date.now() > endMs) return others
  }
}

async function groups({ cluster, state }: Mover): Promise<string[]> {
  const all: string[] = []
  for await (const some of state.groups(cluster)) all.push(...some)
  return all
}

/** Those with an owner, and whose lease runs of those who may serve them. */
async function placedOf(
  { cluster, state }: Mover,
  names: readonly string[],
  around: PlaceState,
): Promise<Placed[]> {
  const [placements, leases] = await Promise.all([
    state.placements(cluster, names),
    state.leases(cluster),
  ])
  const nowMs = Date.now()
  const alive = (node: string) => (leases.get(node) ?? 0) > nowMs
  const owned = [...placements].flatMap(([group, placement]) =>
    placement?.owner ? [{ group, owner: placement.owner.node }] : [],
  )
  const placed: Placed[] = []
  for (let start = 0; start < owned.length; start += JUDGED_AT_ONCE) {
    const judged = owned.slice(start, start + JUDGED_AT_ONCE).map(async one => {
      const { services } = await groupOf(cluster, one.group, state)
      const { candidates } = await judge(cluster, services, around, state)
      return { ...one, candidates: candidates.filter(({ node }) => alive(node)) }
    })
    placed.push(...(await Promise.all(judged)))
  }
  return placed.sort((a, b) => (a.group < b.group ? -1 : 1))
}

async function assertKnown(node: string, { cluster, state }: Mover): Promise<void> {
  const [nodes, announcers] = await Promise.all([state.nodes(cluster), state.announcers(cluster)])
  const known = [...new Set([...nodes.map(one => one.name), ...announcers.map(one => one.node)])]
  if (known.includes(node)) return
  throw new Fault('UnknownNode', {
    what: `There is no node "${node}" in cluster "${cluster}"`,
    why: `known are: ${known.sort().join(', ') || 'none'}`,
    remedy: '"herald get nodes" lists those that announce',
  })
}

const unconfigured = (): Fault =>
  new Fault('NotConfigured', {
    what: 'It is not known who may announce what',
    why: 'no watcher has put a configuration in force in this Redis',
    remedy: 'Start a watcher, and try again when its /readyz says 200',
    retry: true,
  })
