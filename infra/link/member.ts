/**
 * This node among the announcers of its LANs: runs the protocol of functions/liveness in the thread, on the clock of
 * performance.now(), over a beat socket on every interface that announces. What it answers for is in
 * answers.ts at once; the main thread writes it down.
 */
import { homedOf, sendsIPv6 } from '../../functions/announce/interfaces.ts'
import { BeatLoss } from '../../functions/liveness/loss.ts'
import type { Beat, Command, Event } from '../../functions/liveness/messages.ts'
import { Protocol } from '../../functions/liveness/protocol.ts'
import { parseAddress } from '../../functions/model/address.ts'
import { decodeMessage, encodeBeat, encodeSet } from '../../functions/wire/beat.ts'
import { parseMAC } from '../../functions/wire/bytes.ts'
import type { Source } from '../../functions/wire/datagram.ts'
import { isLinkLocal } from '../../functions/wire/ipv6.ts'
import { Answers } from './answers.ts'
import { BeatSocket } from './beat-socket.ts'
import type { Loop, Timed } from './loop.ts'
import type {
  BeatCounters,
  LinkInterface,
  MemberCommand,
  MemberSettings,
  Order,
  Report,
} from './messages.ts'
import { Outbox } from './outbox.ts'
import type { Ports } from './ports.ts'
import { SystemError } from './syscalls.ts'

/** What the main thread has read of Redis; null: it is away. */
type Reading = Extract<Order, { do: 'read' }>['redis']

interface Way {
  readonly index: number
  readonly socket: BeatSocket
  /** What the protocol was told of it: carrier and prefixes. */
  told: string
}

export class Member implements Timed {
  readonly #settings: MemberSettings
  readonly #loop: Loop
  readonly #say: (report: Report) => void
  readonly #ports: Ports
  readonly #protocol: Protocol
  /** By name of the interface. */
  readonly #ways = new Map<string, Way>()
  readonly answers: Answers
  readonly #outbox: Outbox
  readonly #counters = { sent: 0, received: 0, drops: {} as Record<string, number> }
  /** By node and interface. */
  readonly #losses = new Map<string, BeatLoss>()
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
    this.answers = new Answers(given)
    this.#outbox = new Outbox(
      part => encodeSet(part, given.settings),
      (on, octets) => this.#send(on, octets),
    )
    given.loop.time(this)
    given.loop.time(this.#outbox)
  }

  nextMs(): number {
    return this.#protocol.nextMs()
  }

  /** A starved thread may find time and beats at once: whoever was heard meanwhile was not silent. */
  run(): void {
    for (const [name, { socket }] of this.#ways) this.#read(name, socket)
    const nowMs = performance.now()
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
    this.answers.see(interfaces, macs)
    for (const [name, way] of this.#ways) {
      if (!interfaces.some(one => one.name === name && one.index === way.index)) this.#close(name)
    }
    for (const one of interfaces) this.#keep(one)
  }

  read(redis: Reading): void {
    if (!redis) {
      this.step({ is: 'redisLost' })
      return
    }
    const { unprobed, ...reading } = redis
    this.answers.withhold(unprobed)
    this.step({ is: 'redis', ...reading })
  }

  /** What is to be answered for comes before all else. */
  step(event: Event, nowMs = performance.now()): void {
    const commands = this.#protocol.step(event, nowMs)
    // Whoever takes over was not asked what waits here; after a pause others were.
    const does = (what: Command['do']) => commands.some(command => command.do === what)
    if (does('cease') && !does('discard')) this.#ports.answer()
    this.answers.obey(commands)
    for (const command of commands) this.#perform(command)
    const forMain = commands.filter(isForMain)
    if (forMain.length > 0) this.#say({ is: 'member', commands: forMain })
  }

  beats(): BeatCounters {
    const lost = [...this.#losses.values()].reduce((sum, one) => sum + one.lost, 0)
    return { ...this.#counters, lost, drops: { ...this.#counters.drops } }
  }

  close(): void {
    this.answers.close()
    for (const { socket } of this.#ways.values()) socket.close()
  }

  #keep(at: LinkInterface): void {
    const { name, running } = at
    let way = this.#ways.get(name)
    if (!way) {
      const socket = this.#open(at)
      if (!socket) return
      way = { index: at.index, socket, told: '' }
      this.#ways.set(name, way)
    }
    way.socket.source = sourceOf(at)
    if (sendsIPv6(at)) way.socket.report()
    const told = `${running} ${at.prefixes}`
    if (way.told === told) return
    way.told = told
    const { networks } = homedOf(at)
    this.step({ is: 'interface', interface: name, state: { carrier: running, networks } })
  }

  /** Null when the kernel refuses it: the interface is gone or down, and looked at again. */
  #open(at: LinkInterface): BeatSocket | null {
    try {
      const socket = new BeatSocket(at.index, sourceOf(at))
      for (const fd of socket.fds) this.#loop.watch(fd, () => this.#read(at.name, socket))
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
    this.step({ is: 'interface', interface: name, state: null })
  }

  #read(on: string, socket: BeatSocket): void {
    socket.read((payload, mac) => this.#hear(payload, mac, on))
  }

  #hear(payload: Uint8Array | string, mac: number, on: string): void {
    if (typeof payload === 'string') {
      this.#drop(payload)
      return
    }
    this.#counters.received++
    const message = decodeMessage(payload, this.#settings)
    if (message.is === 'beat') this.#hearBeat(message.beat, mac, on)
    else if (message.is === 'set') this.step({ is: 'set', interface: on, part: message.part })
    else {
      this.#drop(message.reason)
      const { reason, node } = message
      if (reason === 'unauthenticated' || reason === 'version') {
        this.step({ is: 'unknown', interface: on, node })
      }
    }
  }

  /** Whoever replays a beat is not taken for who sent it. */
  #hearBeat(beat: Beat, mac: number, on: string): void {
    const nowMs = performance.now()
    this.step({ is: 'beat', interface: on, beat }, nowMs)
    if (this.#protocol.heardMs(beat.node, on) !== nowMs) return
    this.answers.know(beat.node, on, mac)
    const way = `${beat.node} ${on}`
    const loss = this.#losses.get(way) ?? new BeatLoss()
    this.#losses.set(way, loss)
    loss.hear(nowMs)
  }

  #perform(command: Command): void {
    switch (command.do) {
      case 'beat':
        this.#send(command.beat.interface, encodeBeat(command.beat, this.#settings))
        break
      case 'set':
        this.#outbox.put(command.part)
        break
      case 'discard':
        this.#outbox.discard()
        for (const { socket } of this.#ways.values()) socket.discard()
    }
  }

  #send(name: string, payload: Uint8Array): void {
    const error = this.#ways.get(name)?.socket.send(payload)
    if (error) this.#drop(error)
    else this.#counters.sent++
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
  const mac = parseMAC(text)
  const sources = prefixes.map(prefix => parseAddress(prefix.split('/')[0] ?? ''))
  const ipv4 = sources.find(one => one?.family === 'IPv4')
  if (ipv4) return { family: 'IPv4', mac, address: Number(ipv4.value) }
  const own = sources.find(one => one?.family === 'IPv6' && isLinkLocal(one.value))
  return { family: 'IPv6', mac, address: own?.value ?? 0n }
}
