/** A random course of faults, all of it decided by one seed; then everything heals, and nothing may move any more. */

import { HANDOVER_MS } from '../../../functions/liveness/messages.ts'
import { Violation } from './invariants.ts'
import { SOUND } from './lan.ts'
import type { MakeProtocol, SimulatedNode } from './simulated-node.ts'
import { World } from './world.ts'

const SETTLED_MS = 1400
const FAULTS_MS = 2600
const HEALED_MS = 1900
const QUIET_MS = 800
const STEP_MS = 50

interface Options {
  /** Keep the story. */
  readonly verbose?: boolean
  /** Return the story also when everything held. */
  readonly tell?: boolean
  readonly make?: MakeProtocol
}

/** Null when everything held; else what did not, with the story if it was asked for. */
export function simulate(
  seed: number,
  { verbose = false, tell = false, make }: Options = {},
): { readonly violation: string; readonly story: readonly string[] } | null {
  const world = new World(seed, verbose, make)
  try {
    begin(world)
    world.run(SETTLED_MS)
    plan(world)
    world.run(SETTLED_MS + FAULTS_MS)
    heal(world)
    world.run(world.nowMs + HEALED_MS)
    if (endStops(world)) world.run(world.nowMs + HEALED_MS)
    const before = world.invariants.changes
    world.run(world.nowMs + QUIET_MS)
    if (world.invariants.changes !== before)
      throw new Violation('an address moves after all healed')
    return tell ? { violation: '', story: world.log } : null
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    return { violation: error.message, story: world.log }
  }
}

/** A planned stop is a move that is wanted, so quiet begins when it is done. True when something stopped. */
function endStops(world: World): boolean {
  const isStopping = () => world.nodes.some(node => node.stopping && node.runs)
  if (!isStopping()) return false
  const limitMs = world.nowMs + HANDOVER_MS
  while (isStopping() && world.nowMs < limitMs) world.run(world.nowMs + STEP_MS)
  if (isStopping()) throw new Violation('a planned stop does not end')
  return true
}

function begin(world: World): void {
  const { nodes, groups, chance, redis, agenda } = world
  const names = nodes.map(node => node.name)
  for (const [index, group] of groups.entries()) {
    redis.place(
      group,
      [...names.slice(index % names.length), ...names.slice(0, index % names.length)],
      0,
    )
  }
  redis.remember()
  const missing = world.absence.is(0.1) ? world.absence.pick(nodes) : null
  for (const node of nodes) {
    const startMs = chance.between(0, 100)
    if (node !== missing) agenda.at(startMs, () => world.start(node))
    else agenda.at(world.absence.between(500, SETTLED_MS), () => revive(world, node))
  }
  const allocate = () => {
    redis.allocate(world.nowMs)
    agenda.at(world.nowMs + 500, allocate)
  }
  allocate()
}

function plan(world: World): void {
  const { chance, agenda, nowMs } = world
  const faults = 1 + chance.below(5)
  for (let i = 0; i < faults; i++) {
    agenda.at(nowMs + chance.between(0, FAULTS_MS - 400), () => strike(world))
  }
  const { scarcity } = world
  if (scarcity.is(0.3)) agenda.at(nowMs + scarcity.between(0, FAULTS_MS / 2), () => starve(world))
}

/** For a while every node gets the processor now and then only, some less than others. */
function starve(world: World): void {
  const { scarcity, agenda, nodes } = world
  const untilMs = world.nowMs + scarcity.between(300, FAULTS_MS / 2)
  for (const node of nodes) {
    const longestMs = scarcity.pick([30, 60, 290])
    const waits = () => {
      if (world.healed || world.nowMs > untilMs) return
      world.pause(node)
      agenda.at(world.nowMs + scarcity.between(1, longestMs), runs)
    }
    const runs = () => {
      world.resume(node)
      agenda.at(world.nowMs + scarcity.between(0, 20), waits)
    }
    waits()
  }
}

function strike(world: World): void {
  const { chance, agenda } = world
  const node = chance.pick(world.nodes)
  const later = (fromMs: number, toMs: number, run: () => void) =>
    agenda.at(world.nowMs + chance.between(fromMs, toMs), () => {
      if (!world.healed) run()
    })
  const faults: (() => void)[] = [
    () => {
      world.kill(node)
      later(50, 1500, () => revive(world, node))
    },
    () => {
      world.pause(node)
      later(20, 1500, () => world.resume(node))
    },
    () => partition(world, later),
    () => oneWay(world, node, later),
    () => {
      const lan = chance.below(world.lans.length)
      world.plug(node, lan, false)
      later(20, 1200, () => world.plug(node, lan, true))
    },
    () => {
      const lan = chance.pick(world.lans)
      world.note('a LAN loses, doubles and disorders')
      lan.disturb({ loss: chance.between(0, 0.4), duplicates: 0.1, strays: 0.05 }, world.nowMs)
      later(100, 1500, () => lan.disturb(SOUND, world.nowMs))
    },
    () => {
      world.note('Redis is away')
      world.redis.switch(false, world.nowMs)
      later(500, 2500, () => world.redis.switch(true, world.nowMs))
    },
    () => {
      world.note('Redis falls back to an older copy')
      world.redis.fallBack(world.nowMs)
    },
    () => {
      world.note(`${node.name} does not reach Redis`)
      node.reachesRedis = false
      later(500, 2500, () => {
        node.reachesRedis = true
      })
    },
    () => world.jump(node, chance.between(10, 2000)),
    () => world.stop(node),
    () => {
      const group = chance.pick(world.groups)
      world.note(`Redis moves ${group} to ${node.name}`)
      const others = world.nodes.filter(one => one !== node).map(one => one.name)
      if (world.redis.up) world.redis.place(group, [node.name, ...others], world.nowMs)
    },
  ]
  chance.pick(faults)()
}

type Later = (fromMs: number, toMs: number, run: () => void) => void

function partition(world: World, later: Later): void {
  const { chance, nodes } = world
  const lan = chance.pick(world.lans)
  const side = nodes.map(() => chance.is(0.5))
  world.note(`partition: ${nodes.filter((_, i) => side[i]).map(one => one.name)} | rest`)
  const cut = (isCut: boolean) => {
    for (const a of nodes) {
      for (const b of nodes) {
        if (side[a.index] !== side[b.index]) lan.cut(a.index, b.index, isCut, world.nowMs)
      }
    }
  }
  cut(true)
  later(50, 1500, () => {
    world.note('a partition heals')
    cut(false)
  })
}

function oneWay(world: World, from: SimulatedNode, later: Later): void {
  const lan = world.chance.pick(world.lans)
  const to = world.chance.pick(world.nodes)
  world.note(`${to.name} does not hear ${from.name}`)
  lan.cut(from.index, to.index, true, world.nowMs)
  later(50, 1500, () => {
    world.note(`${to.name} hears ${from.name}`)
    lan.cut(from.index, to.index, false, world.nowMs)
  })
}

function revive(world: World, node: SimulatedNode): void {
  if (!node.protocol) world.start(node)
}

function heal(world: World): void {
  const { nowMs, nodes, lans } = world
  world.healed = true
  const redis = world.chance.is(0.7)
  world.note(`everything heals, ${redis ? 'with' : 'but'} Redis`)
  world.redis.switch(redis, nowMs)
  for (const [index, lan] of lans.entries()) {
    lan.disturb(SOUND, nowMs)
    for (const a of nodes) {
      for (const b of nodes) lan.cut(a.index, b.index, false, nowMs)
      if (!lan.carrier(a.index)) world.plug(a, index, true)
    }
  }
  for (const node of nodes) {
    node.reachesRedis = true
    world.resume(node)
    revive(world, node)
  }
}
