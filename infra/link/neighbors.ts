/**
 * NDP on every interface that announces: what thread.ts and ports.ts are for ARP, on the main thread, because
 * `raw-socket` works on no other. Nothing is loaded or opened before there is an IPv6 address to announce.
 */
import type { Interfaces } from '../../functions/announce/answer.ts'
import { NEIGHBOR_DROP_REASONS } from '../../functions/announce/neighbor.ts'
import { formatIPv6 } from '../../functions/wire/ipv6.ts'
import { Ledger } from './ledger.ts'
import type { LinkCounters, LinkInterface } from './messages.ts'
import { type NdpLedger, NdpPort } from './ndp-port.ts'
import { loadRawSocket, type RawSocket } from './raw-socket.ts'

type Log = (fields: object, message: string) => void

export interface NeighborsOptions {
  readonly answersPerSecond?: number
  readonly log: Readonly<Record<'debug' | 'info' | 'warn', Log>>
}

/** An interface whose socket failed is tried again so often. */
const RETRY_MS = 1000

const REMEDY =
  'IPv6 is not announced, IPv4 is. Install a C++ compiler, make and python3 (`apt-get install g++ make python3`), then `npm rebuild raw-socket`, and start again'

export class Neighbors {
  readonly #options: NeighborsOptions
  readonly #ledger: NdpLedger = new Ledger(formatIPv6, NEIGHBOR_DROP_REASONS)
  readonly #ports = new Map<number, NdpPort>()
  #interfaces: readonly LinkInterface[] = []
  /** Null before it is needed; false when it cannot be had, which is said once. */
  #open: (() => RawSocket) | null | false = null
  #retry: NodeJS.Timeout | null = null
  #closed = false

  constructor(options: NeighborsOptions) {
    this.#options = options
  }

  set(table: ReadonlyMap<bigint, Interfaces>): void {
    if (table.size === 0 && this.#ledger.table.size === 0) return
    this.#ledger.set(table)
    this.#settle()
  }

  announce(addresses: readonly bigint[]): void {
    for (const port of this.#ports.values()) port.announce(addresses)
  }

  /** Says once that it is here. */
  defend(address: bigint): void {
    for (const port of this.#ports.values()) port.defend(address)
  }

  /** These announce now. */
  see(interfaces: readonly LinkInterface[]): void {
    this.#interfaces = interfaces
    this.#settle()
  }

  /** A frame with a solicitation that only a packet socket hears. */
  hear(index: number, frame: Uint8Array): void {
    this.#ports.get(index)?.hear(frame)
  }

  /** Null before there was anything to announce. */
  counters(): LinkCounters | null {
    return this.#open ? this.#ledger.counters() : null
  }

  close(): void {
    this.#closed = true
    if (this.#retry) clearTimeout(this.#retry)
    for (const port of this.#ports.values()) port.close()
    this.#ports.clear()
  }

  /** Makes the ports what the interfaces and the table say. */
  #settle(): void {
    const open = this.#closed || this.#ledger.table.size === 0 ? this.#open : this.#load()
    if (!open || this.#closed) return
    const wanted = this.#ledger.table.size === 0 ? [] : this.#interfaces
    for (const port of this.#ports.values()) {
      if (!wanted.some(at => at.index === port.index && at.name === port.name)) this.#close(port)
    }
    for (const at of wanted) this.#keep(at, open)
  }

  #keep(at: LinkInterface, open: () => RawSocket): void {
    try {
      const port = this.#ports.get(at.index) ?? this.#begin(at, open)
      port.change(at)
      port.set(this.#ledger.table)
    } catch (error) {
      this.#failed(at, error)
    }
  }

  #begin(at: LinkInterface, open: () => RawSocket): NdpPort {
    const port = new NdpPort(at, {
      open,
      ledger: this.#ledger,
      answersPerSecond: this.#options.answersPerSecond,
      onError: error => {
        if (this.#ports.get(at.index) === port) this.#failed(at, error)
      },
    })
    this.#ports.set(at.index, port)
    this.#options.log.info({ interface: at.name, mac: at.mac }, 'interface announces IPv6')
    return port
  }

  #failed(at: LinkInterface, error: unknown): void {
    const port = this.#ports.get(at.index)
    if (port) this.#close(port)
    const why = error instanceof Error ? error.message : String(error)
    this.#options.log.warn(
      { interface: at.name, error: why },
      'cannot announce IPv6 here; trying again',
    )
    this.#retry ??= setTimeout(() => {
      this.#retry = null
      this.#settle()
    }, RETRY_MS)
  }

  #close(port: NdpPort): void {
    this.#ports.delete(port.index)
    port.close()
    this.#options.log.info({ interface: port.name }, 'stopped announcing IPv6')
  }

  #load(): (() => RawSocket) | false {
    if (this.#open !== null) return this.#open
    const loaded = loadRawSocket()
    this.#open = typeof loaded === 'string' ? false : loaded
    if (typeof loaded === 'string') {
      this.#options.log.warn({ error: loaded, remedy: REMEDY }, 'raw-socket cannot be loaded')
    }
    return this.#open
  }
}
