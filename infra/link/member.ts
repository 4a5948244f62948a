/**
 * This node among the announcers of its LANs: runs the protocol of functions/liveness in the thread, on the clock of
 * performance.now(), over a beat socket on every interface that announces. What it answers for it tells the ports at once, and
 * the main thread, which writes it down.
 */
import type { Interfaces } from '../../functions/announce/answer.ts'
import { type Homed, homedOf, homeOf } from '../../functions/announce/interfaces.ts'
import { isWithin } from '../../functions/announce/windows.ts'
import type { Claim, Command, Event } from '../../functions/liveness/messages.ts'
import { Protocol } from '../../functions/liveness/protocol.ts'
import { type AddressRange, parseAddress } from '../../functions/model/address.ts'
import type { Asking, Finding } from '../../functions/model/finding.ts'
import { decodeMessage, encodeBeat, encodeSet } from '../../functions/wire/beat.ts'
import { parseMAC } from '../../functions/wire/bytes.ts'
import type { Source } from '../../functions/wire/datagram.ts'
import { isLinkLocal } from '../../functions/wire/ipv6.ts'
import { BeatSocket } from './beat-socket.ts'
import { Conflicts, type WireAddress } from './conflicts.ts'
import type { Loop, Timed } from './loop.ts'
import type {
  BeatCounters,
  LinkInterface,
  MemberCommand,
  MemberSettings,
  Order,
  Report,
} from './messages.ts'
import type { Ports } from './ports.ts'
import { SystemError } from './syscalls.ts'

/** What the main thread has read of Redis; null: it is away. */
type Reading = Extract<Order, { do: 'read' }>['redis']

interface Way {
  readonly index: number
  readonly socket: BeatSocket
  running: boolean
}

export class Member implements Timed {
  readonly #settings: MemberSettings
  readonly #loop: Loop
  readonly #ports: Ports
  readonly #say: (report: Report) => void
  readonly #protocol: Protocol
  /** By name of the interface. */
  readonly #ways = new Map<string, Way>()
  readonly #answers = new Map<string, Claim>()
  #bound: readonly AddressRange[] | null
  /** Where addresses may live. */
  #homes: readonly Homed[] = []
  #networks = '[]'
  /** Addresses that are claimed and not answered for: they are probed, or somebody else was found to have them. */
  readonly #withheld = new Map<string, Asking>()
  readonly conflicts: Conflicts
  readonly #counters = { sent: 0, received: 0, drops: {} as Record<string, number> }
  /** What the main thread was last told of whom it hears. */
  #told = ''

  constructor(given: {
    settings: MemberSettings
    loop: Loop
    ports: Ports
    say: (report: Report) => void
  }) {
    this.#settings = given.settings
    this.#bound = given.settings.bound
    this.#loop = given.loop
    this.#ports = given.ports
    this.#say = given.say
    this.#protocol = new Protocol(given.settings, performance.now())
    this.conflicts = new Conflicts({
      plan: given.settings.probe,
      loop: given.loop,
      ports: given.ports,
      found: finding => this.#found(finding),
    })
    given.loop.time(this)
  }

  nextMs(): number {
    return this.#protocol.nextMs()
  }

  run(nowMs: number): void {
    this.step({ is: 'tick' }, nowMs)
    const hears = this.#protocol.hears(nowMs)
    const { greatestEpoch } = this.#protocol
    const told = `${greatestEpoch} ${hears}`
    if (told === this.#told) return
    this.#told = told
    this.#say({ is: 'hears', nodes: hears, greatestEpoch })
  }

  /** These announce now, and this node has these MACs. */
  see(interfaces: readonly LinkInterface[], macs: readonly number[]): void {
    this.conflicts.see(interfaces, macs)
    for (const [name, way] of this.#ways) {
      if (!interfaces.some(one => one.name === name && one.index === way.index)) this.#close(name)
    }
    for (const one of interfaces) this.#keep(one)
    const networks = JSON.stringify(interfaces.map(({ name, prefixes }) => [name, prefixes]))
    if (networks === this.#networks) return
    this.#networks = networks
    this.#homes = interfaces.map(homedOf)
    this.#answer([...this.#answers.values()])
  }

  read(redis: Reading): void {
    if (!redis) {
      this.step({ is: 'redisLost' })
      return
    }
    const { unprobed, ...reading } = redis
    for (const [address, asking] of unprobed) {
      const wire = wireOf(address)
      if (wire !== null && !this.conflicts.announces(wire)) this.#withheld.set(address, asking)
    }
    this.step({ is: 'redis', ...reading })
  }

  /** Answers for these whatever was found out about them. */
  begin(addresses: readonly string[]): void {
    for (const address of addresses) this.#withheld.delete(address)
    const claims = [...this.#answers.values()]
    this.#answer(claims.filter(claim => claim.addresses.some(one => addresses.includes(one))))
  }

  /** What is claimed stays claimed, so that nobody else answers for what is out of bounds either. */
  bind(bound: readonly AddressRange[]): void {
    this.#bound = bound
    this.#answer([...this.#answers.values()])
  }

  /** What is to be answered for comes before all else: a thousand groups are many messages. */
  step(event: Event, nowMs = performance.now()): void {
    const commands = this.#protocol.step(event, nowMs)
    for (const command of commands) if (command.do === 'record') this.#trust(command.claim)
    for (const command of commands) {
      if (command.do === 'answer') this.#answer(command.claims)
      if (command.do === 'cease') this.#cease(command.groups)
      if (command.do === 'remember') {
        for (const group of command.dropped) this.#trust(this.#answers.get(group))
      }
    }
    for (const command of commands) this.#perform(command)
    const forMain = commands.filter(isForMain)
    if (forMain.length > 0) this.#say({ is: 'member', commands: forMain })
  }

  beats(): BeatCounters {
    return { ...this.#counters, drops: { ...this.#counters.drops } }
  }

  close(): void {
    this.conflicts.close()
    for (const { socket } of this.#ways.values()) socket.close()
  }

  #keep(at: LinkInterface): void {
    const { name, running } = at
    let way = this.#ways.get(name)
    if (!way) {
      const socket = this.#open(at)
      if (!socket) return
      way = { index: at.index, socket, running: !running }
      this.#ways.set(name, way)
    }
    way.socket.source = sourceOf(at)
    if (way.running === running) return
    way.running = running
    this.step({ is: 'interface', interface: name, carrier: running })
  }

  /** Null when the kernel refuses it: the interface is gone or down, and looked at again. */
  #open(at: LinkInterface): BeatSocket | null {
    try {
      const socket = new BeatSocket(at.index, sourceOf(at))
      const read = () => socket.read((payload, mac) => this.#hear(payload, mac, at.name))
      for (const fd of socket.fds) this.#loop.watch(fd, read)
      return socket
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      return null
    }
  }

  #close(name: string): void {
    const way = this.#ways.get(name)
    if (!way) return
    this.#ways.delete(name)
    for (const fd of way.socket.fds) this.#loop.unwatch(fd)
    way.socket.close()
    this.step({ is: 'interface', interface: name, carrier: null })
  }

  #hear(payload: Uint8Array | string, mac: number, on: string): void {
    if (typeof payload === 'string') {
      this.#drop(payload)
      return
    }
    this.#counters.received++
    const message = decodeMessage(payload, this.#settings)
    if (message.is === 'beat' || message.is === 'set') this.conflicts.know(mac)
    if (message.is === 'beat') this.step({ is: 'beat', interface: on, beat: message.beat })
    else if (message.is === 'set') this.step({ is: 'set', interface: on, part: message.part })
    else {
      this.#drop(message.reason)
      const { reason, node } = message
      if (reason === 'unauthenticated' || reason === 'version') {
        this.step({ is: 'unknown', interface: on, node })
      }
    }
  }

  #perform(command: Command): void {
    switch (command.do) {
      case 'beat':
        this.#send(command.beat.interface, [encodeBeat(command.beat, this.#settings)])
        break
      case 'set':
        this.#send(command.part.interface, encodeSet(command.part, this.#settings))
        break
      case 'discard':
        for (const { socket } of this.#ways.values()) socket.discard()
    }
  }

  /** IPv4 is answered for here, IPv6 by the main thread; what is withheld or out of bounds by nobody. */
  #answer(claims: readonly Claim[]): void {
    const begun: [number, Interfaces][] = []
    const gone: string[] = []
    let isIPv6 = false
    for (const claim of claims) {
      const { addresses, owner } = claim
      const before = this.#answers.get(claim.group)?.addresses ?? []
      gone.push(...before.filter(address => !addresses.includes(address)))
      for (const address of addresses) {
        const wire = wireOf(address)
        if (wire === null) continue
        if (!this.#mayAnswer(address)) {
          gone.push(address)
          this.#say(outOfBounds(address))
          continue
        }
        const home = this.#homeOf(address, owner.interfaces)
        const interfaces = home && new Set(home)
        if (this.#withheld.has(address)) {
          this.conflicts.probe(wire, interfaces)
          continue
        }
        this.conflicts.announce(wire, interfaces)
        if (typeof wire === 'number') begun.push([wire, interfaces])
        else isIPv6 = true
      }
      this.#answers.set(claim.group, claim)
    }
    this.#ports.change(begun, this.#end(gone))
    if (isIPv6 || gone.some(isTextIPv6)) this.#tellIPv6()
  }

  #cease(groups: readonly string[]): void {
    const addresses = groups.flatMap(group => this.#answers.get(group)?.addresses ?? [])
    for (const group of groups) this.#answers.delete(group)
    this.#ports.change([], this.#end(addresses))
    if (addresses.some(isTextIPv6)) this.#tellIPv6()
  }

  /** Those of IPv4 among them. */
  #end(addresses: readonly string[]): number[] {
    const wires = addresses.map(wireOf).filter(wire => wire !== null)
    for (const wire of wires) this.conflicts.end(wire)
    return wires.filter(wire => typeof wire === 'number')
  }

  /** Nothing of it is probed any more: it was taken over, for which nobody waits, or is not claimed. */
  #trust(claim: Claim | undefined): void {
    for (const address of claim?.addresses ?? []) this.#withheld.delete(address)
  }

  #found(finding: Finding): void {
    const { address, probing, foreign } = finding
    this.#say({ is: 'found', finding })
    if (probing && (!foreign || this.#withheld.get(address) === 'named')) this.begin([address])
  }

  #mayAnswer(address: string): boolean {
    return this.#bound === null || isWithin(address, this.#bound)
  }

  #homeOf(text: string, interfaces: readonly string[] | null): readonly string[] | null {
    const address = parseAddress(text)
    return address ? homeOf(address, interfaces, this.#homes) : interfaces
  }

  #tellIPv6(): void {
    const ipv6: [string, readonly string[] | null][] = []
    for (const { addresses, owner } of this.#answers.values()) {
      for (const address of addresses) {
        if (isTextIPv6(address) && !this.#withheld.has(address) && this.#mayAnswer(address))
          ipv6.push([address, this.#homeOf(address, owner.interfaces)])
      }
    }
    this.#say({ is: 'answers', ipv6 })
  }

  #send(name: string, payloads: readonly Uint8Array[]): void {
    const way = this.#ways.get(name)
    for (const payload of payloads) {
      const error = way?.socket.send(payload)
      if (error) this.#drop(error)
      else this.#counters.sent++
    }
  }

  #drop(reason: string): void {
    const { drops } = this.#counters
    drops[reason] = (drops[reason] ?? 0) + 1
  }
}

function wireOf(text: string): WireAddress | null {
  const address = parseAddress(text)
  return address && (address.family === 'IPv4' ? Number(address.value) : address.value)
}

const isTextIPv6 = (text: string): boolean => text.includes(':')

const outOfBounds = (address: string): Report => ({
  is: 'log',
  level: 'warn',
  fields: { address },
  message:
    'this node is to announce what is in no pool window that a watcher has signed: it is not answered for. If it should be, see that watchers run and sign (HERALD_WINDOWS_KEY_FILE); otherwise somebody writes to Redis who should not',
})

function isForMain(command: Command): command is MemberCommand {
  return ['remember', 'record', 'alarm', 'stopped'].includes(command.do)
}

/** As it is announced by others: in IPv4 where there is such an address; without any, from the unspecified one. */
function sourceOf({ mac: text, prefixes }: LinkInterface): Source {
  const mac = parseMAC(text)
  const sources = prefixes.map(prefix => parseAddress(prefix.split('/')[0] ?? ''))
  const ipv4 = sources.find(one => one?.family === 'IPv4')
  if (ipv4) return { family: 'IPv4', mac, address: Number(ipv4.value) }
  const own = sources.find(one => one?.family === 'IPv6' && isLinkLocal(one.value))
  return { family: 'IPv6', mac, address: own?.value ?? 0n }
}
