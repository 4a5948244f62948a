/** What is announced by one protocol, and what came of it so far. */
import type { Interfaces } from '../../functions/announce/answer.ts'
import type { AddressCounters } from './messages.ts'

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** `A` is an address as the protocol has it in its packets, `Reason` why a packet of it is dropped. */
export class Ledger<A, Reason extends string> {
  readonly #table = new Map<A, Interfaces>()
  readonly #format: (address: A) => string
  readonly #addresses = new Map<A, Writable<AddressCounters>>()
  readonly #drops: Record<Reason, number>
  readonly #sendErrors: Record<string, number> = {}
  readonly #lost: Record<string, number> = {}

  constructor(format: (address: A) => string, reasons: readonly Reason[]) {
    this.#format = format
    this.#drops = Object.fromEntries(reasons.map(reason => [reason, 0])) as Record<Reason, number>
  }

  get table(): ReadonlyMap<A, Interfaces> {
    return this.#table
  }

  put(address: A, interfaces: Interfaces): void {
    this.#table.set(address, interfaces)
    if (this.#addresses.has(address)) return
    this.#addresses.set(address, { requestsReceived: 0, responsesSent: 0, announcementsSent: 0 })
  }

  /** Its counters are forgotten with it. */
  remove(address: A): void {
    this.#table.delete(address)
    this.#addresses.delete(address)
  }

  /** What is missing is removed. */
  set(table: ReadonlyMap<A, Interfaces>): void {
    for (const address of this.#table.keys()) if (!table.has(address)) this.remove(address)
    for (const [address, interfaces] of table) this.put(address, interfaces)
  }

  asked(address: A): void {
    const counters = this.#addresses.get(address)
    if (counters) counters.requestsReceived++
  }

  answered(address: A): void {
    const counters = this.#addresses.get(address)
    if (counters) counters.responsesSent++
  }

  announced(address: A): void {
    const counters = this.#addresses.get(address)
    if (counters) counters.announcementsSent++
  }

  drop(reason: Reason): void {
    this.#drops[reason]++
  }

  sendFailed(code: string): void {
    this.#sendErrors[code] = (this.#sendErrors[code] ?? 0) + 1
  }

  lost(interfaceName: string, frames: number): void {
    this.#lost[interfaceName] = (this.#lost[interfaceName] ?? 0) + frames
  }

  counters() {
    return {
      addresses: Object.fromEntries(
        [...this.#addresses].map(([address, counters]) => [this.#format(address), counters]),
      ),
      drops: this.#drops,
      sendErrors: this.#sendErrors,
      lost: this.#lost,
      beats: null,
      conflicts: null,
    }
  }
}
