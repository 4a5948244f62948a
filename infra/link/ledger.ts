/** What is announced, and what came of it so far. */
import {
  type AnnouncedTable,
  DROP_REASONS,
  type DropReason,
  type Interfaces,
} from '../../functions/announce/answer.ts'
import { formatIPv4 } from '../../functions/wire/bytes.ts'
import type { AddressCounters, LinkCounters } from './messages.ts'

type Writable<T> = { -readonly [K in keyof T]: T[K] }

export class Ledger {
  table: AnnouncedTable = new Map()
  readonly #addresses = new Map<number, Writable<AddressCounters>>()
  readonly #drops = Object.fromEntries(DROP_REASONS.map(reason => [reason, 0])) as Record<
    DropReason,
    number
  >
  readonly #sendErrors: Record<string, number> = {}
  readonly #lost: Record<string, number> = {}

  /** Counters of addresses that are no longer announced are forgotten. */
  set(table: ReadonlyMap<number, Interfaces>): void {
    this.table = table
    for (const address of this.#addresses.keys()) {
      if (!table.has(address)) this.#addresses.delete(address)
    }
    for (const address of table.keys()) {
      if (this.#addresses.has(address)) continue
      this.#addresses.set(address, { requestsReceived: 0, responsesSent: 0, announcementsSent: 0 })
    }
  }

  answered(address: number, sent: boolean): void {
    const counters = this.#addresses.get(address)
    if (!counters) return
    counters.requestsReceived++
    if (sent) counters.responsesSent++
  }

  announced(address: number): void {
    const counters = this.#addresses.get(address)
    if (counters) counters.announcementsSent++
  }

  drop(reason: DropReason): void {
    this.#drops[reason]++
  }

  sendFailed(code: string): void {
    this.#sendErrors[code] = (this.#sendErrors[code] ?? 0) + 1
  }

  lost(interfaceName: string, frames: number): void {
    this.#lost[interfaceName] = (this.#lost[interfaceName] ?? 0) + frames
  }

  counters(): LinkCounters {
    return {
      addresses: Object.fromEntries(
        [...this.#addresses].map(([address, counters]) => [formatIPv4(address), counters]),
      ),
      drops: this.#drops,
      sendErrors: this.#sendErrors,
      lost: this.#lost,
    }
  }
}
