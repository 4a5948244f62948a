/**
 * What this node answers for, of what it claims: all but what is out of bounds, and what is withheld until it is known that
 * nobody else on the LAN has it. IPv4 is told to the ports, IPv6 to the main thread.
 */
import type { Interfaces } from '../../functions/announce/answer.ts'
import { type Homed, homedOf, homeOf } from '../../functions/announce/interfaces.ts'
import { isWithin } from '../../functions/announce/windows.ts'
import type { Claim, Command } from '../../functions/liveness/messages.ts'
import { type Address, type AddressRange, parseAddress } from '../../functions/model/address.ts'
import type { Asking, Finding } from '../../functions/model/finding.ts'
import type { ArpFrame } from '../../functions/wire/arp.ts'
import { Conflicts, type WireAddress } from './conflicts.ts'
import type { Loop } from './loop.ts'
import type {
  ConflictCounters,
  LinkInterface,
  MemberSettings,
  Report,
  Withheld,
} from './messages.ts'
import type { Ports } from './ports.ts'

export class Answers {
  readonly #ports: Ports
  readonly #say: (report: Report) => void
  /** By group. */
  readonly #claims = new Map<string, Claim>()
  #bound: readonly AddressRange[] | null
  /** Where addresses may live. */
  #homes: readonly Homed[] = []
  #networks = '[]'
  /** Addresses that are claimed and not answered for: they are probed, or somebody else was found to have them. */
  readonly #withheld: Map<string, Asking>
  readonly #conflicts: Conflicts

  constructor({
    settings,
    loop,
    ports,
    say,
  }: {
    settings: MemberSettings
    loop: Loop
    ports: Ports
    say: (report: Report) => void
  }) {
    this.#ports = ports
    this.#say = say
    this.#bound = settings.bound
    this.#withheld = new Map(settings.withheld)
    const found = (findings: readonly Finding[]) => this.#found(findings)
    this.#conflicts = new Conflicts({ plan: settings.probe, loop, ports, found })
  }

  /** These announce now, and this node has these MACs. */
  see(interfaces: readonly LinkInterface[], macs: readonly number[]): void {
    this.#conflicts.see(interfaces, macs)
    const networks = JSON.stringify(interfaces.map(({ name, prefixes }) => [name, prefixes]))
    if (networks === this.#networks) return
    this.#networks = networks
    this.#homes = interfaces.map(homedOf)
    this.#answer([...this.#claims.values()])
  }

  /** Nobody has announced these: they are probed when they are to be answered for. */
  withhold(unprobed: readonly Withheld[]): void {
    const begun = unprobed.filter(([address]) => {
      const parsed = parseAddress(address)
      return parsed && !this.#conflicts.announces(wireOf(parsed))
    })
    if (begun.length === 0) return
    for (const [address, asking] of begun) this.#withheld.set(address, asking)
    this.#say({ is: 'withheld', begun, ended: [] })
  }

  /** What was taken over is never probed. */
  obey(commands: readonly Command[]): void {
    for (const command of commands) {
      if (command.do === 'record') this.#release(command.claim.addresses)
    }
    for (const command of commands) {
      if (command.do === 'answer') this.#answer(command.claims)
      if (command.do === 'cease') this.#cease(command.groups)
      if (command.do === 'remember') {
        this.#release(command.dropped.flatMap(claim => claim.addresses))
      }
    }
  }

  /** Answers for these whatever was found out about them. */
  begin(addresses: readonly string[]): void {
    this.#release(addresses)
    const claims = [...this.#claims.values()]
    this.#answer(claims.filter(claim => claim.addresses.some(one => addresses.includes(one))))
  }

  /** What is claimed stays claimed, so that nobody else answers for what is out of bounds either. */
  bind(bound: readonly AddressRange[]): void {
    this.#bound = bound
    this.#answer([...this.#claims.values()])
  }

  hear(frame: ArpFrame, on: string): void {
    this.#conflicts.hear(frame, on)
  }

  /** The MAC of another node of ours, by which it was heard here. */
  know(node: string, on: string, mac: number): void {
    this.#conflicts.know(node, on, mac)
  }

  conflicts(): ConflictCounters {
    return this.#conflicts.counters()
  }

  close(): void {
    this.#conflicts.close()
  }

  #answer(claims: readonly Claim[]): void {
    const begun: [number, Interfaces][] = []
    const gone: string[] = []
    let isIPv6 = false
    for (const claim of claims) {
      const { addresses, owner } = claim
      const before = this.#claims.get(claim.group)?.addresses ?? []
      const given = before.filter(address => !addresses.includes(address))
      this.#release(given)
      gone.push(...given)
      for (const address of addresses) {
        const parsed = parseAddress(address)
        if (parsed === null) continue
        const wire = wireOf(parsed)
        if (!this.#mayAnswer(address)) {
          gone.push(address)
          this.#say(outOfBounds(address))
          continue
        }
        const home = homeOf(parsed, owner.interfaces, this.#homes)
        const interfaces = home && new Set(home)
        if (this.#withheld.has(address)) {
          this.#conflicts.probe(wire, interfaces)
          continue
        }
        this.#conflicts.announce(wire, interfaces)
        if (typeof wire === 'number') begun.push([wire, interfaces])
        else isIPv6 = true
      }
      this.#claims.set(claim.group, claim)
    }
    this.#ports.change(begun, this.#end(gone))
    if (isIPv6 || gone.some(isTextIPv6)) this.#tellIPv6()
  }

  #cease(groups: readonly string[]): void {
    const addresses = groups.flatMap(group => this.#claims.get(group)?.addresses ?? [])
    for (const group of groups) this.#claims.delete(group)
    this.#ports.change([], this.#end(addresses))
    if (addresses.some(isTextIPv6)) this.#tellIPv6()
  }

  /** Those of IPv4 among them. */
  #end(addresses: readonly string[]): number[] {
    const wires = addresses
      .map(parseAddress)
      .filter(one => one !== null)
      .map(wireOf)
    for (const wire of wires) this.#conflicts.end(wire)
    return wires.filter(wire => typeof wire === 'number')
  }

  /** These are withheld no more: they may be answered for, or are not claimed. */
  #release(addresses: readonly string[]): void {
    const ended = addresses.filter(address => this.#withheld.delete(address))
    if (ended.length > 0) this.#say({ is: 'withheld', begun: [], ended })
  }

  #found(findings: readonly Finding[]): void {
    this.#say({ is: 'found', findings })
    const settled = findings.filter(({ address, probing, foreign }) => {
      return probing && (!foreign || this.#withheld.get(address) === 'named')
    })
    if (settled.length > 0) this.begin(settled.map(one => one.address))
  }

  #mayAnswer(address: string): boolean {
    return this.#bound === null || isWithin(address, this.#bound)
  }

  #tellIPv6(): void {
    const ipv6: [string, readonly string[] | null][] = []
    for (const { addresses, owner } of this.#claims.values()) {
      for (const address of addresses) {
        if (!isTextIPv6(address) || this.#withheld.has(address)) continue
        const parsed = parseAddress(address)
        if (parsed && this.#mayAnswer(address))
          ipv6.push([address, homeOf(parsed, owner.interfaces, this.#homes)])
      }
    }
    this.#say({ is: 'answers', ipv6 })
  }
}

const wireOf = ({ family, value }: Address): WireAddress =>
  family === 'IPv4' ? Number(value) : value

const isTextIPv6 = (text: string): boolean => text.includes(':')

const outOfBounds = (address: string): Report => ({
  is: 'log',
  level: 'warn',
  fields: { address },
  message:
    'this node is to announce what is in no pool window that a watcher has signed: it is not answered for. If it should be, see that watchers run and sign (HERALD_WINDOWS_KEY_FILE); otherwise somebody writes to Redis who should not',
})
