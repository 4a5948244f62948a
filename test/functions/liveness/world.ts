/** Nodes, LANs, Redis and the clock of one simulated cluster; faults come from a schedule. */
import type { Attached, Command, Event } from '../../../functions/liveness/messages.ts'
import { parseCIDR } from '../../../functions/model/address.ts'
import { Chance } from '../../support/chance.ts'
import { Agenda } from './agenda.ts'
import { Invariants } from './invariants.ts'
import { Lan } from './lan.ts'
import { type MakeProtocol, makeProtocol, SimulatedNode } from './simulated-node.ts'
import { SimulatedRedis } from './simulated-redis.ts'

const POLL_MS = 1000
const NETWORKS = [parseCIDR('10.0.0.0/31')].filter(one => one !== null)
const HOMED = new Set(['10.0.0.0', '10.0.0.1'])

export class World {
  readonly agenda = new Agenda()
  readonly chance: Chance
  /** Decides alone who is not there from the beginning, so that other seeds stay what they were. */
  readonly absence: Chance
  /** The same for who is short of processor time. */
  readonly scarcity: Chance
  readonly nodes: readonly SimulatedNode[]
  readonly lans: readonly Lan[]
  readonly redis = new SimulatedRedis()
  readonly invariants: Invariants
  readonly groups: readonly string[]
  /** What happened, for whoever replays a seed. */
  readonly log: string[] = []
  readonly verbose: boolean
  /** No fault happens or ends any more. */
  healed = false
  readonly #make: MakeProtocol

  constructor(seed: number, verbose = false, make: MakeProtocol = makeProtocol) {
    this.chance = new Chance(seed)
    this.absence = new Chance(seed + 2 ** 31)
    this.scarcity = new Chance(seed + 2 ** 30)
    this.verbose = verbose
    this.#make = make
    const count = 2 + this.chance.below(3)
    this.nodes = Array.from({ length: count }, (_, index) => new SimulatedNode(index))
    const lans = this.chance.is(0.25) ? 2 : 1
    this.lans = Array.from({ length: lans }, () => new Lan(count, this.chance))
    this.groups = Array.from({ length: 1 + this.chance.below(4) }, (_, index) => `10.0.0.${index}`)
    for (const node of this.nodes) node.offsetMs = this.chance.between(0, 1e6)
    this.invariants = new Invariants(this)
  }

  get nowMs(): number {
    return this.agenda.nowMs
  }

  run(untilMs: number): void {
    this.agenda.runUntil(untilMs, () => this.invariants.check())
  }

  note(what: string): void {
    if (this.verbose) this.log.push(`${this.nowMs.toFixed(1).padStart(8)}  ${what}`)
  }

  /** LANs that a group lives on: of two, the first has a network, which half of the groups are in. */
  lansOf(group: string): readonly Lan[] {
    return HOMED.has(group) ? this.lans.slice(0, 1) : this.lans
  }

  lanAt(interfaceName: string): Lan | undefined {
    return this.lans[this.lans.length === 1 ? 0 : Number(interfaceName.at(-1))]
  }

  #attached(lan: number, carrier: boolean): Attached {
    return { carrier, networks: lan === 0 ? NETWORKS : [] }
  }

  /** The names of interfaces differ from node to node. */
  interfaceOf(lan: number, node: SimulatedNode): string {
    return `${node.name}-${lan}`
  }

  start(node: SimulatedNode): void {
    node.start(this.#make, this.nowMs)
    this.note(`${node.name} starts as ${node.session}`)
    this.invariants.started(node)
    for (const [index, lan] of this.lans.entries()) {
      const name = this.interfaceOf(index, node)
      this.step(node, {
        is: 'interface',
        interface: name,
        state: this.#attached(index, lan.carrier(node.index)),
      })
    }
    this.#poll(node, node.session)
  }

  kill(node: SimulatedNode): void {
    this.note(`${node.name} is killed`)
    node.kill()
    this.invariants.disturb()
  }

  pause(node: SimulatedNode): void {
    if (!node.runs) return
    this.note(`${node.name} is paused`)
    node.paused = true
    this.invariants.disturb()
  }

  resume(node: SimulatedNode): void {
    if (!node.paused) return
    this.note(`${node.name} goes on`)
    node.paused = false
    node.disturbedMs = this.nowMs
    this.invariants.disturb()
    for (let event = node.queue.shift(); event; event = node.queue.shift()) this.step(node, event)
    this.step(node, { is: 'tick' })
  }

  jump(node: SimulatedNode, ms: number): void {
    this.note(`the clock of ${node.name} jumps by ${ms.toFixed(0)}`)
    node.offsetMs += ms
    node.disturbedMs = this.nowMs
    this.invariants.disturb()
    this.#wake(node)
  }

  plug(node: SimulatedNode, lan: number, plugged: boolean): void {
    this.note(`${node.name} ${plugged ? 'gets' : 'loses'} carrier on LAN ${lan}`)
    this.lans[lan]?.unplug(node.index, !plugged, this.nowMs)
    node.disturbedMs = this.nowMs
    this.invariants.disturb()
    const name = this.interfaceOf(lan, node)
    this.#give(node, { is: 'interface', interface: name, state: this.#attached(lan, plugged) })
  }

  stop(node: SimulatedNode): void {
    this.note(`${node.name} is asked to stop`)
    node.stopping = true
    this.#give(node, { is: 'stop' })
  }

  step(node: SimulatedNode, event: Event): void {
    this.invariants.before(node, event)
    const commands = node.step(event, this.nowMs)
    for (const command of commands) this.#perform(node, command)
    this.invariants.after(node, event, commands)
    this.#wake(node)
  }

  #give(node: SimulatedNode, event: Event): void {
    if (node.paused) node.queue.push(event)
    else if (node.protocol) this.step(node, event)
  }

  #perform(node: SimulatedNode, command: Command): void {
    switch (command.do) {
      case 'beat':
        this.#send(node, command.beat.interface, on => ({
          is: 'beat',
          interface: on,
          beat: command.beat,
        }))
        break
      case 'set':
        this.#send(node, command.part.interface, on => ({
          is: 'set',
          interface: on,
          part: command.part,
        }))
        break
      case 'answer':
        this.note(
          `${node.name} answers ${command.claims.map(one => `${one.group}@${one.epoch.number}${one.epoch.node}`)}`,
        )
        break
      case 'cease':
        this.note(`${node.name} ceases ${command.groups}`)
        break
      case 'record':
        if (this.redis.up && node.reachesRedis) this.redis.record(command.claim, this.nowMs)
        break
      case 'stopped':
        this.redis.leave(node.name)
        this.kill(node)
    }
  }

  #send(from: SimulatedNode, name: string, event: (on: string) => Event): void {
    const lan = this.lanAt(name)
    const index = lan ? this.lans.indexOf(lan) : 0
    for (const to of this.nodes) {
      if (!lan || to === from || !to.protocol) continue
      const frame = event(this.interfaceOf(index, to))
      for (const way of lan.ways(from.index, to.index)) {
        const { session } = to
        this.agenda.at(this.nowMs + way, () => {
          if (to.session === session) this.#give(to, frame)
        })
      }
    }
  }

  #wake(node: SimulatedNode): void {
    if (!node.protocol) return
    const atMs = Math.max(this.nowMs, node.protocol.nextMs() - node.offsetMs)
    if (atMs >= node.tickAtMs) return
    node.tickAtMs = atMs
    const { session } = node
    this.agenda.at(atMs, () => {
      if (node.session !== session || node.tickAtMs !== atMs) return
      node.tickAtMs = Number.POSITIVE_INFINITY
      if (node.runs) this.step(node, { is: 'tick' })
    })
  }

  #poll(node: SimulatedNode, session: string): void {
    if (node.session !== session || !node.protocol) return
    this.agenda.at(this.nowMs + POLL_MS, () => this.#poll(node, session))
    if (node.paused) return
    if (!this.redis.up || !node.reachesRedis) {
      this.step(node, { is: 'redisLost' })
      return
    }
    const { protocol } = node
    if (node.incarnation !== this.redis.incarnation) {
      for (const claim of node.answers.values()) this.redis.record(claim, this.nowMs)
      node.incarnation = this.redis.incarnation
    }
    const hears = protocol.hears(this.nowMs + node.offsetMs)
    this.redis.renew(node.name, hears, protocol.greatestEpoch, this.nowMs)
    this.step(node, {
      is: 'redis',
      placements: this.redis.placements(),
      alive: this.redis.alive(this.nowMs),
    })
  }
}
