/**
 * The interfaces that announce, kept true to what the kernel has: looked at when the kernel says that something changed, and
 * every second all the same. One that fails does not disturb the others; it is tried again the next second.
 */
import { type Interfaces, livesOn } from '../../functions/announce/answer.ts'
import { isRunning, unfit } from '../../functions/announce/interfaces.ts'
import type { ArpFrame } from '../../functions/wire/arp.ts'
import { formatMAC } from '../../functions/wire/bytes.ts'
import type { NetworkLink } from '../../functions/wire/rtnetlink.ts'
import { drainChanges, openChanges, readInterfaces } from './kernel-interfaces.ts'
import type { Loop, Timed } from './loop.ts'
import type { LinkInterface, Report, ThreadSettings } from './messages.ts'
import { type ArpLedger, Port } from './port.ts'
import { Solicitations } from './solicitations.ts'
import { close, SystemError } from './syscalls.ts'

const LOOK_EVERY_MS = 1000
/** A storm of changes (a thousand addresses bound on another interface) costs ten looks a second. */
const LOOK_GAP_MS = 100

/** After each look at the interfaces: those that announce now, and the MACs of all that this node has. */
type Look = (interfaces: readonly LinkInterface[], macs: readonly number[]) => void

export class Ports implements Timed {
  readonly #loop: Loop
  readonly #ledger: ArpLedger
  readonly #settings: ThreadSettings
  readonly #say: (report: Report) => void
  readonly #changesFd = openChanges()
  readonly #ports = new Map<number, Port>()
  /** By interface, while they are wanted. */
  readonly #solicitations = new Map<number, Solicitations>()
  #hearing = false
  /** Why each of the others does not announce, by name: said once. */
  #idle = new Map<string, string>()
  #interfaces: readonly LinkInterface[] = []
  readonly #onLook: Look
  readonly #onFrame: (frame: ArpFrame, on: string) => void
  #changed = false
  /** Of the last look for a change. */
  #changeMs = Number.NEGATIVE_INFINITY
  #nextMs = 0

  /** Throws SystemError. */
  constructor(given: {
    loop: Loop
    ledger: ArpLedger
    settings: ThreadSettings
    say: (report: Report) => void
    onLook: Look
    /** Each ARP frame that came in at an interface. */
    onFrame(frame: ArpFrame, on: string): void
  }) {
    this.#loop = given.loop
    this.#ledger = given.ledger
    this.#settings = given.settings
    this.#say = given.say
    this.#onLook = given.onLook
    this.#onFrame = given.onFrame
    given.loop.watch(this.#changesFd, () => {
      drainChanges(this.#changesFd)
      this.#nextMs = Math.min(this.#nextMs, this.#changeMs + LOOK_GAP_MS)
      this.#changed = true
    })
    given.loop.time(this)
  }

  /** Those that announce, by name. */
  get interfaces(): readonly LinkInterface[] {
    return this.#interfaces
  }

  /** Replaces all that is announced. */
  set(table: ReadonlyMap<number, Interfaces>): void {
    const gone = [...this.#ledger.table.keys()].filter(address => !table.has(address))
    this.change(table, gone)
  }

  /** Announces these, each with its interfaces, and no more those. */
  change(begun: Iterable<readonly [number, Interfaces]>, gone: Iterable<number>): void {
    const nowMs = performance.now()
    const ports = [...this.#ports.values()]
    for (const address of gone) {
      this.#ledger.remove(address)
      for (const port of ports) port.end(address)
    }
    for (const [address, interfaces] of begun) {
      const before = this.#ledger.table.get(address)
      this.#ledger.put(address, interfaces)
      for (const port of ports) {
        const [had, has] = [isOn(port, before), isOn(port, interfaces)]
        if (has && !had) port.start(address, nowMs)
        if (had && !has) port.end(address)
      }
    }
  }

  announce(addresses: Iterable<number>): void {
    const nowMs = performance.now()
    for (const address of addresses) {
      for (const port of this.#ports.values()) {
        if (isOn(port, this.#ledger.table.get(address))) port.start(address, nowMs)
      }
    }
  }

  /** Answers what has come in until now. */
  answer(): void {
    for (const port of [...this.#ports.values()]) this.#answer(port)
  }

  /** Asks whether anybody has this address; false when no interface could. */
  probe(address: number, interfaces: Interfaces): boolean {
    const asked = [...this.#ports.values()].filter(
      port => livesOn(port.name, interfaces) && port.probe(address),
    )
    return asked.length > 0
  }

  /** Says once that it is here. */
  defend(address: number): void {
    for (const port of this.#ports.values()) {
      if (isOn(port, this.#ledger.table.get(address))) port.defend(address)
    }
  }

  /** Reports Neighbor Solicitations from now on, or no more. */
  hear(solicitations: boolean): void {
    this.#hearing = solicitations
    for (const { index } of this.#ports.values()) {
      if (solicitations) this.#listen(index)
      else this.#deafen(index)
    }
  }

  countLost(): void {
    for (const port of this.#ports.values()) this.#ledger.lost(port.name, port.lost())
  }

  nextMs(): number {
    return this.#nextMs
  }

  run(nowMs: number): void {
    if (this.#changed) this.#changeMs = nowMs
    this.#changed = false
    this.#nextMs = nowMs + LOOK_EVERY_MS
    const { links, addresses } = readInterfaces()
    const fit = this.#judge(links)
    for (const port of this.#ports.values()) {
      if (fit.get(port.index)?.name !== port.name) this.#close(port, 'stopped announcing')
    }
    for (const link of fit.values()) this.#keep(link)
    if (this.#hearing) this.hear(true)
    const prefixes = (index: number) =>
      addresses.filter(address => address.index === index).map(address => address.prefix)
    this.#tell(
      [...this.#ports.values()]
        .map(({ index, name, mac, running }) => ({
          index,
          name,
          mac: formatMAC(mac),
          running,
          prefixes: prefixes(index),
        }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    )
    const macs = links.flatMap(({ mac }) => mac ?? [])
    this.#onLook(this.#interfaces, macs)
  }

  close(): void {
    for (const port of this.#ports.values()) port.close()
    for (const one of this.#solicitations.values()) one.close()
    close(this.#changesFd)
  }

  /** Those that may announce, by index; says why others may not, once. */
  #judge(links: readonly NetworkLink[]): Map<number, NetworkLink & { readonly mac: number }> {
    const fit = new Map<number, NetworkLink & { readonly mac: number }>()
    const idle = new Map<string, string>()
    for (const link of links) {
      const reason = unfit(link, this.#settings.excludeInterfaces)
      if (reason === null && link.mac !== null) fit.set(link.index, { ...link, mac: link.mac })
      else idle.set(link.name, reason ?? '')
    }
    for (const [name, reason] of idle) {
      if (this.#idle.get(name) === reason) continue
      this.#log('debug', { interface: name, reason }, 'interface does not announce')
    }
    this.#idle = idle
    return fit
  }

  #keep(link: NetworkLink & { readonly mac: number }): void {
    const port = this.#ports.get(link.index)
    const running = isRunning(link)
    if (!port) {
      this.#open({ ...link, running })
      return
    }
    const [cameBack, moved] = [running && !port.running, link.mac !== port.mac]
    port.running = running
    port.mac = link.mac
    if (cameBack || moved) {
      this.#log('info', { interface: port.name, mac: formatMAC(port.mac) }, 'announcing all again')
      this.#announceAll(port)
    }
  }

  #open(link: { index: number; name: string; mac: number; running: boolean }): void {
    const { name } = link
    try {
      const port = new Port(link, this.#ledger, this.#settings.answersPerSecond)
      this.#ports.set(link.index, port)
      this.#loop.watch(port.fd, () => this.#answer(port))
      this.#loop.time(port)
      this.#log('info', { interface: name, mac: formatMAC(link.mac) }, 'interface announces')
      this.#announceAll(port)
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      this.#log('warn', { interface: name, error: error.message }, 'cannot announce; trying again')
    }
  }

  #answer(port: Port): void {
    const error = port.answer(frame => this.#onFrame(frame, port.name))
    if (error) this.#close(port, 'its socket failed; opening it again', { error })
  }

  #announceAll(port: Port): void {
    const nowMs = performance.now()
    for (const [address, interfaces] of this.#ledger.table) {
      if (isOn(port, interfaces)) port.start(address, nowMs)
    }
  }

  #listen(index: number): void {
    if (this.#solicitations.has(index)) return
    try {
      const heard = new Solicitations(index, this.#say)
      this.#solicitations.set(index, heard)
      this.#loop.watch(heard.fd, () => heard.read())
    } catch (error) {
      if (!(error instanceof SystemError)) throw error // else it is gone or down: at the next look
    }
  }

  #deafen(index: number): void {
    const heard = this.#solicitations.get(index)
    if (!heard) return
    this.#solicitations.delete(index)
    this.#loop.unwatch(heard.fd)
    heard.close()
  }

  #close(port: Port, message: string, fields = {}): void {
    this.#ledger.lost(port.name, port.lost())
    this.#loop.unwatch(port.fd)
    this.#loop.untime(port)
    port.close()
    this.#deafen(port.index)
    this.#ports.delete(port.index)
    this.#log('info', { interface: port.name, ...fields }, message)
  }

  #tell(interfaces: readonly LinkInterface[]): void {
    if (JSON.stringify(interfaces) === JSON.stringify(this.#interfaces)) return
    this.#interfaces = interfaces
    this.#say({ is: 'interfaces', interfaces })
  }

  #log(level: 'debug' | 'info' | 'warn', fields: object, message: string): void {
    this.#say({ is: 'log', level, fields, message })
  }
}

function isOn(port: Port, interfaces: Interfaces | undefined): boolean {
  return interfaces !== undefined && livesOn(port.name, interfaces)
}
