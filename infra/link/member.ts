/**
 * This node among the announcers of its LANs: runs the protocol of functions/liveness in the thread, on the clock of
 * performance.now(), over a beat socket on every interface that announces. What it answers for it tells the ports at once, and
 * the main thread, which writes it down.
 */
import type { Claim, Command, Event } from '../../functions/liveness/messages.ts'
import { Protocol } from '../../functions/liveness/protocol.ts'
import { parseAddress } from '../../functions/model/address.ts'
import { decodeMessage, encodeBeat, encodeSet } from '../../functions/wire/beat.ts'
import { parseIPv4 } from '../../functions/wire/bytes.ts'
import type { Source } from '../../functions/wire/datagram.ts'
import { isLinkLocal } from '../../functions/wire/ipv6.ts'
import { BeatSocket } from './beat-socket.ts'
import type { Loop, Timed } from './loop.ts'
import type {
  BeatCounters,
  LinkInterface,
  MemberCommand,
  MemberSettings,
  Report,
} from './messages.ts'
import type { Ports } from './ports.ts'
import { SystemError } from './syscalls.ts'

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
    this.#loop = given.loop
    this.#ports = given.ports
    this.#say = given.say
    this.#protocol = new Protocol(given.settings, performance.now())
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

  /** These announce now. */
  see(interfaces: readonly LinkInterface[]): void {
    for (const [name, way] of this.#ways) {
      if (!interfaces.some(one => one.name === name && one.index === way.index)) this.#close(name)
    }
    for (const one of interfaces) this.#keep(one)
  }

  /** What is to be answered for comes before all else: a thousand groups are many messages. */
  step(event: Event, nowMs = performance.now()): void {
    const commands = this.#protocol.step(event, nowMs)
    for (const command of commands) {
      if (command.do === 'answer') this.#answer(command.claims)
      if (command.do === 'cease') this.#cease(command.groups)
    }
    for (const command of commands) this.#perform(command)
    const forMain = commands.filter(isForMain)
    if (forMain.length > 0) this.#say({ is: 'member', commands: forMain })
  }

  beats(): BeatCounters {
    return { ...this.#counters, drops: { ...this.#counters.drops } }
  }

  close(): void {
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
      const read = () => socket.read(payload => this.#hear(payload, at.name))
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

  #hear(payload: Uint8Array | string, on: string): void {
    if (typeof payload === 'string') {
      this.#drop(payload)
      return
    }
    this.#counters.received++
    const message = decodeMessage(payload, this.#settings)
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

  /** IPv4 is answered for here, IPv6 by the main thread. */
  #answer(claims: readonly Claim[]): void {
    const begun: [number, ReadonlySet<string> | null][] = []
    const gone: number[] = []
    let isIPv6 = false
    for (const claim of claims) {
      const { addresses, owner } = claim
      const interfaces = owner.interfaces && new Set(owner.interfaces)
      for (const address of this.#answers.get(claim.group)?.addresses ?? []) {
        const ipv4 = parseIPv4(address)
        if (addresses.includes(address)) continue
        if (ipv4 === null) isIPv6 = true
        else gone.push(ipv4)
      }
      for (const address of addresses) {
        const ipv4 = parseIPv4(address)
        if (ipv4 === null) isIPv6 = true
        else begun.push([ipv4, interfaces])
      }
      this.#answers.set(claim.group, claim)
    }
    this.#ports.change(begun, gone)
    if (isIPv6) this.#tellIPv6()
  }

  #cease(groups: readonly string[]): void {
    const addresses = groups.flatMap(group => this.#answers.get(group)?.addresses ?? [])
    for (const group of groups) this.#answers.delete(group)
    const ipv4 = addresses.map(parseIPv4).filter(address => address !== null)
    this.#ports.change([], ipv4)
    if (ipv4.length < addresses.length) this.#tellIPv6()
  }

  #tellIPv6(): void {
    const ipv6: [string, readonly string[] | null][] = []
    for (const { addresses, owner } of this.#answers.values()) {
      for (const address of addresses) {
        if (parseIPv4(address) === null) ipv6.push([address, owner.interfaces])
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

function isForMain(command: Command): command is MemberCommand {
  return ['remember', 'record', 'alarm', 'stopped'].includes(command.do)
}

/** As it is announced by others: in IPv4 where there is such an address; without any, from the unspecified one. */
function sourceOf({ mac: text, prefixes }: LinkInterface): Source {
  const mac = Number.parseInt(text.replaceAll(':', ''), 16)
  const sources = prefixes.map(prefix => parseAddress(prefix.split('/')[0] ?? ''))
  const ipv4 = sources.find(one => one?.family === 'IPv4')
  if (ipv4) return { family: 'IPv4', mac, address: Number(ipv4.value) }
  const own = sources.find(one => one?.family === 'IPv6' && isLinkLocal(one.value))
  return { family: 'IPv6', mac, address: own?.value ?? 0n }
}
