/**
 * The layer-2 neighbourhood: answers for the addresses it is given and announces them, on every interface that qualifies
 * (metallb-behaviour 5.3): IPv4 by ARP in a thread of its own, IPv6 by NDP on the main thread (neighbors.ts). Needs the
 * capability NET_RAW and Linux.
 */
import { closeSync, writeSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { kernelAnswers } from '../../functions/announce/kernel.ts'
import type { AddressRange } from '../../functions/model/address.ts'
import { Fault } from '../../functions/model/fault.ts'
import type { Finding } from '../../functions/model/finding.ts'
import type { AnnouncerInterface } from '../../functions/model/node.ts'
import type { Placement } from '../../functions/model/placement.ts'
import { parseIPv4 } from '../../functions/wire/bytes.ts'
import { parseIPv6 } from '../../functions/wire/ipv6.ts'
import { besides } from '../programs.ts'
import { arpIgnore, readInterfaces } from './kernel-interfaces.ts'
import type {
  LinkCounters,
  LinkInterface,
  MemberCommand,
  MemberSettings,
  Order,
  Report,
  ThreadSettings,
  Withheld,
} from './messages.ts'
import { Neighbors } from './neighbors.ts'

export type { AddressCounters, LinkCounters, Withheld } from './messages.ts'

export interface AnnouncedAddress {
  readonly address: string
  /** Names of the interfaces that it is announced on; null = all that qualify. */
  readonly interfaces: readonly string[] | null
}

export interface Link {
  /** Replaces the whole table: what is new is announced by schedule, what is missing is not answered any more. */
  set(addresses: readonly AnnouncedAddress[]): void
  /** Announces these again from the start of the schedule, if they are in the table. */
  announce(addresses: readonly string[]): void
  /** Those that announce now, by name. */
  interfaces(): readonly AnnouncerInterface[]
  /** Addresses that the kernel answers for by itself on one of them. Throws SystemError. */
  kernelAnswers(): readonly string[]
  counters(): Promise<LinkCounters>
  /** For the member: what Redis has of the groups that concern this node, and who renews there; null when it is away. */
  read(redis: RedisReading | null): void
  /** For the member: answers for these whoever was found to have them. */
  begin(addresses: readonly string[]): void
  /** For the member: it answers for nothing else from now on. */
  bind(bound: readonly AddressRange[]): void
  /** For the member: a planned stop. Returns when others answer for all of this node's groups, or nobody will. */
  leave(): Promise<void>
  /** Nothing goes on: garbage may be collected, which stops the thread for some 20 ms. */
  collect(): void
  /** Nothing is answered any more once it returns. May be called twice. */
  stop(): Promise<void>
}

export interface RedisReading {
  readonly placements: readonly Placement[]
  readonly alive: readonly string[]
  /** Addresses of this node that nobody has announced yet: they are probed first. */
  readonly unprobed: readonly Withheld[]
}

/** With it the link decides with others on the LAN what this node answers for (functions/liveness), instead of `set`. */
export interface LinkMember extends MemberSettings {
  onCommand(command: Exclude<MemberCommand, { do: 'stopped' }>): void
  /** Nodes heard within the silence limit, and the number of the greatest epoch known. */
  onHears(nodes: readonly string[], greatestEpoch: number): void
  /** What was found out about an address: it was probed, or somebody else claims it, which is said every 10 s at most. */
  onFound(finding: Finding): void
  /** `begun` are claimed and not answered for until it is known that nobody else has them; `ended` are no longer. */
  onWithheld(begun: readonly Withheld[], ended: readonly string[]): void
}

export interface LinkOptions {
  readonly member?: LinkMember
  /** Names that never announce: a pattern matches anywhere in the name unless it is anchored. */
  readonly excludeInterfaces: readonly RegExp[]
  /** To one asker, in the long run; default: functions/announce/askers.ts. */
  readonly answersPerSecond?: number
  readonly log: Readonly<
    Record<'debug' | 'info' | 'warn' | 'error', (fields: object, message: string) => void>
  >
  /** An interface came, went, or changed its MAC or its prefixes. */
  onInterfaces(interfaces: readonly AnnouncerInterface[]): void
  /** The thread died of a bug: nothing is answered any more. Without this, the process ends for it. */
  onFault?(error: unknown): void
}

/** Returns once every qualifying interface is answered on. Throws Fault `NetRawMissing` or `LinkRefused`. */
export async function openLink(options: LinkOptions): Promise<Link> {
  if (process.platform !== 'linux') throw refusal('socket', `this is ${process.platform}`)
  const settings: ThreadSettings = {
    excludeInterfaces: options.excludeInterfaces,
    answersPerSecond: options.answersPerSecond,
    member: settingsOf(options.member),
  }
  const thread = new Worker(besides('thread', import.meta.url, '.mjs'), {
    execArgv: [],
    workerData: settings,
    resourceLimits: { maxYoungGenerationSizeMb: 2 }, // it makes little garbage; 48 MB would be put aside for it
  })
  const link = new ThreadLink(thread, options)
  await link.ready
  return link
}

class ThreadLink implements Link {
  readonly ready: Promise<void>
  readonly #thread: Worker
  readonly #options: LinkOptions
  readonly #neighbors: Neighbors
  /** Null before the thread listens, and after it has ended. */
  #wakeFd: number | null = null
  #interfaces: readonly AnnouncerInterface[] = []
  readonly #counts = new Map<number, (counters: LinkCounters) => void>()
  #countId = 0
  #left = () => {}
  readonly #ended: Promise<void>
  readonly #stopAtExit = () => this.#order({ do: 'stop' })

  constructor(thread: Worker, options: LinkOptions) {
    this.#thread = thread
    this.#options = options
    this.#neighbors = new Neighbors(options)
    this.ready = new Promise((resolve, reject) => {
      thread.on('message', (report: Report) => {
        if (report.is === 'refused') reject(refusal(report.call, report.code))
        else if (report.is === 'ready') resolve(this.#begin(report))
        else this.#hear(report)
      })
      thread.once('error', error => {
        if (this.#wakeFd === null) reject(error)
        else this.#died(error)
      })
    })
    this.#ended = new Promise(resolve => thread.once('exit', () => resolve(this.#end())))
  }

  set(addresses: readonly AnnouncedAddress[]): void {
    const table: [number, readonly string[] | null][] = []
    for (const { address, interfaces } of addresses) {
      const ipv4 = parseIPv4(address)
      if (ipv4 !== null) table.push([ipv4, interfaces])
    }
    this.#order({ do: 'set', addresses: table })
    const ipv6 = addresses.flatMap(one => neighbor(one.address, one.interfaces))
    this.#setNeighbors(new Map(ipv6))
  }

  announce(addresses: readonly string[]): void {
    const known = addresses.map(parseIPv4).filter(address => address !== null)
    this.#order({ do: 'announce', addresses: known })
    this.#neighbors.announce(addresses.map(parseIPv6).filter(address => address !== null))
  }

  interfaces(): readonly AnnouncerInterface[] {
    return this.#interfaces
  }

  kernelAnswers(): readonly string[] {
    const names = this.#interfaces.map(one => one.name)
    return kernelAnswers(readInterfaces(), new Map(names.map(name => [name, arpIgnore(name)])))
  }

  async counters(): Promise<LinkCounters> {
    if (this.#wakeFd === null) throw new Error('the link has stopped')
    const id = ++this.#countId
    const counted = new Promise<LinkCounters>(resolve => this.#counts.set(id, resolve))
    this.#order({ do: 'count', id })
    const arp = await Promise.race([
      counted,
      this.#ended.then(() => Promise.reject(new Error('the link has stopped'))),
    ])
    const ndp = this.#neighbors.counters()
    return ndp ? summed(arp, ndp) : arp
  }

  read(redis: RedisReading | null): void {
    this.#order({ do: 'read', redis })
  }

  begin(addresses: readonly string[]): void {
    this.#order({ do: 'begin', addresses })
  }

  bind(bound: readonly AddressRange[]): void {
    this.#order({ do: 'bound', bound })
  }

  async leave(): Promise<void> {
    const left = new Promise<void>(resolve => {
      this.#left = resolve
    })
    this.#order({ do: 'leave' })
    await Promise.race([left, this.#ended])
  }

  collect(): void {
    this.#order({ do: 'collect' })
  }

  async stop(): Promise<void> {
    this.#neighbors.close()
    this.#order({ do: 'stop' })
    await this.#ended
  }

  #obey(command: MemberCommand): void {
    if (command.do === 'stopped') this.#left()
    else this.#options.member?.onCommand(command)
  }

  #find(finding: Finding): void {
    const ipv6 = finding.probing ? null : parseIPv6(finding.address)
    if (ipv6 !== null) this.#neighbors.defend(ipv6)
    this.#options.member?.onFound(finding)
  }

  #setNeighbors(table: ReadonlyMap<bigint, ReadonlySet<string> | null>): void {
    this.#neighbors.set(table)
    this.#order({ do: 'hear', solicitations: table.size > 0 })
  }

  #begin({ wakeFd, interfaces }: Extract<Report, { is: 'ready' }>): void {
    this.#wakeFd = wakeFd
    this.#see(interfaces)
    // process.exit() waits for the thread, and V8 cannot end one that waits in poll(2).
    process.once('exit', this.#stopAtExit)
  }

  #hear(report: Exclude<Report, { is: 'ready' | 'refused' }>): void {
    if (report.is === 'log') this.#options.log[report.level](report.fields, report.message)
    if (report.is === 'solicitation') this.#neighbors.hear(report.index, report.frame)
    if (report.is === 'member') for (const one of report.commands) this.#obey(one)
    if (report.is === 'hears') this.#options.member?.onHears(report.nodes, report.greatestEpoch)
    if (report.is === 'found') for (const one of report.findings) this.#find(one)
    if (report.is === 'withheld') this.#options.member?.onWithheld(report.begun, report.ended)
    if (report.is === 'answers') {
      this.#setNeighbors(new Map(report.ipv6.flatMap(([text, names]) => neighbor(text, names))))
    }
    if (report.is === 'counters') {
      this.#counts.get(report.id)?.(report.counters)
      this.#counts.delete(report.id)
    }
    if (report.is === 'interfaces' && this.#wakeFd !== null) {
      if (this.#see(report.interfaces)) this.#options.onInterfaces(this.#interfaces)
    }
  }

  /** False when nothing changed that others are told of. */
  #see(interfaces: readonly LinkInterface[]): boolean {
    const before = JSON.stringify(this.#interfaces)
    this.#interfaces = interfaces.map(({ name, mac, prefixes }) => ({ name, mac, prefixes }))
    this.#neighbors.see(interfaces)
    return JSON.stringify(this.#interfaces) !== before
  }

  #order(order: Order): void {
    if (this.#wakeFd === null) return
    this.#thread.postMessage(order)
    writeSync(this.#wakeFd, WAKE)
  }

  #end(): void {
    if (this.#wakeFd === null) return
    closeSync(this.#wakeFd)
    this.#wakeFd = null
    process.off('exit', this.#stopAtExit)
  }

  #died(error: unknown): void {
    if (!this.#options.onFault) throw error
    this.#options.onFault(error)
  }
}

/** Without what cannot be sent to a thread. */
function settingsOf(member: LinkMember | undefined): MemberSettings | null {
  if (!member) return null
  const { node, session, remembered, withheld, cluster, keys, probe, bound } = member
  return { node, session, remembered, withheld, cluster, keys, probe, bound }
}

function neighbor(
  text: string,
  interfaces: readonly string[] | null,
): [bigint, ReadonlySet<string> | null][] {
  const address = parseIPv6(text)
  return address === null ? [] : [[address, interfaces && new Set(interfaces)]]
}

function summed(arp: LinkCounters, ndp: LinkCounters): LinkCounters {
  return {
    addresses: { ...arp.addresses, ...ndp.addresses },
    drops: added(arp.drops, ndp.drops),
    sendErrors: added(arp.sendErrors, ndp.sendErrors),
    lost: arp.lost,
    beats: arp.beats,
    conflicts: arp.conflicts,
  }
}

function added(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>) {
  const sum: Record<string, number> = { ...a }
  for (const [key, count] of Object.entries(b)) sum[key] = (sum[key] ?? 0) + count
  return sum
}

/** A count of one, as eventfd(2) wants it: in the byte order of the machine. */
const WAKE = new Uint8Array(new BigUint64Array([1n]).buffer)

function refusal(call: string, code: string): Fault {
  if (code === 'EPERM' || code === 'EACCES') {
    return new Fault('NetRawMissing', {
      what: `Opening a packet socket failed (${call}: ${code})`,
      why: 'this process lacks the capability NET_RAW, without which no ARP frame can be sent or received',
      remedy:
        'Run as root, or add the capability: `capabilities: { add: [NET_RAW] }` in the securityContext of the container, or `setcap cap_net_raw+ep` on the node binary',
    })
  }
  return new Fault('LinkRefused', {
    what: `The link could not be opened (${call}: ${code})`,
    why: 'packet sockets and rtnetlink of the Linux kernel are needed, and it refused one',
    remedy:
      'Run it on Linux with AF_PACKET and AF_NETLINK allowed (seccomp, systemd RestrictAddressFamilies)',
  })
}
