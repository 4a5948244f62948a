/**
 * Who else on the LAN has an address of this node (functions/announce/guard.ts), heard and asked by the thread of the link: ARP
 * over the ports, which pass on what they hear, NDP over sockets of its own, opened once there is an IPv6 address.
 */
import { type Interfaces, livesOn } from '../../functions/announce/answer.ts'
import { foreignInArp, foreignInNeighborFrame } from '../../functions/announce/foreign.ts'
import { type Foreign, Guard, type ProbePlan } from '../../functions/announce/guard.ts'
import { neighborProbe } from '../../functions/announce/probe.ts'
import type { Finding } from '../../functions/model/finding.ts'
import type { ArpFrame } from '../../functions/wire/arp.ts'
import { formatIPv4, formatMAC, parseMAC } from '../../functions/wire/bytes.ts'
import { formatIPv6 } from '../../functions/wire/ipv6.ts'
import { DetectionSocket } from './detection-socket.ts'
import type { Loop, Timed } from './loop.ts'
import type { ConflictCounters, LinkInterface } from './messages.ts'
import type { Ports } from './ports.ts'
import { SystemError } from './syscalls.ts'

/** IPv4 as a number, IPv6 as a bigint: both are keys of a Map. */
export type WireAddress = number | bigint

export class Conflicts implements Timed {
  readonly #guard: Guard<WireAddress>
  readonly #loop: Loop
  readonly #ports: Ports
  readonly #found: (findings: readonly Finding[]) => void
  /** What is probed or announced, and where. */
  readonly #guarded = new Map<WireAddress, Interfaces>()
  /** Those of IPv6 among them. */
  readonly #ipv6 = new Set<bigint>()
  /** By name of the interface, while there is an IPv6 address. */
  readonly #sockets = new Map<string, { index: number; mac: number; socket: DetectionSocket }>()
  #interfaces: readonly LinkInterface[] = []
  readonly #counters = { probe: 0, announcement: 0 }

  constructor(given: {
    plan: ProbePlan
    loop: Loop
    ports: Ports
    found: (findings: readonly Finding[]) => void
  }) {
    this.#guard = new Guard(given.plan)
    this.#loop = given.loop
    this.#ports = given.ports
    this.#found = given.found
    given.loop.time(this)
  }

  probe(address: WireAddress, interfaces: Interfaces): void {
    this.#guard.probe(address, performance.now())
    this.#keep(address, interfaces)
  }

  announce(address: WireAddress, interfaces: Interfaces): void {
    this.#guard.announce(address)
    this.#keep(address, interfaces)
  }

  end(address: WireAddress): void {
    this.#guard.end(address)
    this.#guarded.delete(address)
    if (typeof address !== 'bigint' || !this.#ipv6.delete(address)) return
    for (const { socket } of this.#sockets.values()) socket.leave(address)
    this.#listen()
  }

  announces(address: WireAddress): boolean {
    return this.#guard.announces(address)
  }

  /** The MAC of another node of ours, by which it was heard here. */
  know(node: string, on: string, mac: number): void {
    this.#guard.know(`${node} ${on}`, mac)
  }

  /** These announce now, and this node has these MACs. */
  see(interfaces: readonly LinkInterface[], macs: readonly number[]): void {
    for (const [at, mac] of macs.entries()) this.#guard.know(String(at), mac)
    this.#interfaces = interfaces
    this.#listen()
  }

  hear(frame: ArpFrame, on: string): void {
    const foreign = foreignInArp(frame)
    if (foreign) this.#judge(foreign, on)
  }

  nextMs(): number {
    return this.#guard.nextMs()
  }

  run(nowMs: number): void {
    const free = this.#guard.run(nowMs, address => this.#send(address))
    if (free.length === 0) return
    this.#found(free.map(one => ({ address: textOf(one), probing: true, foreign: null })))
  }

  counters(): ConflictCounters {
    return { ...this.#counters }
  }

  close(): void {
    for (const name of this.#sockets.keys()) this.#close(name)
  }

  #keep(address: WireAddress, interfaces: Interfaces): void {
    this.#guarded.set(address, interfaces)
    if (typeof address !== 'bigint' || this.#ipv6.has(address)) return
    this.#ipv6.add(address)
    for (const { socket } of this.#sockets.values()) socket.join(address)
    this.#listen()
  }

  #judge(foreign: Foreign<WireAddress>, on: string): void {
    const { address, mac } = foreign
    const interfaces = this.#guarded.get(address)
    if (interfaces === undefined || !livesOn(on, interfaces)) return
    const verdict = this.#guard.heard(foreign, performance.now())
    if (verdict === 'nothing') return
    const probing = verdict === 'taken'
    this.#counters[probing ? 'probe' : 'announcement']++
    if (verdict === 'again') return
    if (verdict === 'defend' && typeof address === 'number') this.#ports.defend(address)
    const sighting = { mac: formatMAC(mac), interface: on }
    this.#found([{ address: textOf(address), probing, foreign: sighting }])
  }

  /** True when it went out at some interface. */
  #send(address: WireAddress): boolean {
    const interfaces = this.#guarded.get(address) ?? null
    if (typeof address === 'number') return this.#ports.probe(address, interfaces)
    const running = this.#interfaces.filter(one => one.running && livesOn(one.name, interfaces))
    const sent = running.filter(({ name }) => {
      const at = this.#sockets.get(name)
      return at?.socket.send(neighborProbe(address, at.mac))
    })
    return sent.length > 0
  }

  /** Makes the sockets what the interfaces and the addresses ask for. */
  #listen(): void {
    const wanted = this.#ipv6.size > 0 ? this.#interfaces : []
    for (const [name, { index }] of this.#sockets) {
      if (!wanted.some(one => one.name === name && one.index === index)) this.#close(name)
    }
    for (const one of wanted) {
      const mac = parseMAC(one.mac)
      const at = this.#sockets.get(one.name)
      if (at) at.mac = mac
      else this.#open(one, mac)
    }
  }

  /** One that the kernel refuses is gone or down: at the next look. */
  #open({ name, index }: LinkInterface, mac: number): void {
    try {
      const socket = new DetectionSocket(index)
      for (const address of this.#ipv6) socket.join(address)
      this.#sockets.set(name, { index, mac, socket })
      this.#loop.watch(socket.fd, () => socket.read(frame => this.#hearNeighbor(frame, name)))
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
    }
  }

  #hearNeighbor(frame: Uint8Array, on: string): void {
    const foreign = foreignInNeighborFrame(frame)
    if (foreign) this.#judge(foreign, on)
  }

  #close(name: string): void {
    const at = this.#sockets.get(name)
    if (!at) return
    this.#sockets.delete(name)
    this.#loop.unwatch(at.socket.fd)
    at.socket.close()
  }
}

const textOf = (address: WireAddress): string =>
  typeof address === 'number' ? formatIPv4(address) : formatIPv6(address)
