import type { Alarm } from '../functions/model/node.ts'

/** They are raised again every 10 s while they last. */
const ALARM_LASTS_MS = 60_000

/** What was wrong on the LAN in the last minute, and what is wrong on this node; the watcher says it on the nodes. */
export class Alarms {
  /** By reason and node: the alarm, and when it was last raised. */
  readonly #raised = new Map<string, { readonly alarm: Alarm; readonly atMs: number }>()
  #kernelAnswers: readonly string[] = []
  #new = false

  raise(alarm: Alarm): void {
    const key = `${alarm.reason} ${alarm.node}`
    this.#new ||= !this.#raised.has(key)
    this.#raised.set(key, { alarm, atMs: performance.now() })
  }

  recent(): Alarm[] {
    const sinceMs = performance.now() - ALARM_LASTS_MS
    for (const [key, { atMs }] of this.#raised) if (atMs < sinceMs) this.#raised.delete(key)
    return [...this.#raised.values()].map(({ alarm }) => alarm)
  }

  /** Addresses of Services that the kernel of this node answers for too. */
  get kernelAnswers(): readonly string[] {
    return this.#kernelAnswers
  }

  set kernelAnswers(addresses: readonly string[]) {
    this.#new ||= addresses.length > 0
    this.#kernelAnswers = addresses
  }

  /** True once after some were raised that had not been. */
  areNew(): boolean {
    const were = this.#new
    this.#new = false
    return were
  }
}
