/**
 * Whether somebody else on the LAN has an address of ours: before it is announced for the first time it is probed, and while
 * it is announced whoever claims it too is noticed (RFC 5227 sections 2.1.1 and 2.4, RFC 4862 section 5.4). The first probe
 * goes out at once: the random delay of both documents is for machines that are all switched on together.
 *
 * The clock is an argument; times are of any one clock, in milliseconds. An address is whatever is a key of a Map.
 */

export interface ProbePlan {
  /** 0: nothing is probed. */
  readonly count: number
  /** From one probe to the next, and from the last until it counts as unanswered. */
  readonly intervalMs: number
}

/** Somebody says that it has an address. */
export interface Foreign<A> {
  readonly address: A
  readonly mac: number
  /** It uses the address, or is about to. False: it asks first whether anybody does. */
  readonly uses: boolean
}

export type Verdict =
  /** It is one of us, or the address is none of ours. */
  | 'nothing'
  /** It was probed, and is not any more. */
  | 'taken'
  /** It is announced: to be reported, and to be announced once to all. */
  | 'defend'
  /** As before, and too soon to be said again. */
  | 'again'

/** RFC 5227 section 1.1, DEFEND_INTERVAL. */
const DEFEND_EVERY_MS = 10_000
/** Later than it meant to be: an answer may be there and not read yet. */
const LATE_AFTER_MS = 50
/** Probes at a time, so that questions are answered meanwhile. */
const BATCH_MAX = 64

export class Guard<A> {
  readonly #plan: ProbePlan
  /** MACs of this node and of others of ours, by interface. */
  readonly #ours = new Map<string, number>()
  /** All wait equally long, and whoever has waited goes to the end: the first is due first. */
  readonly #probed = new Map<A, { sent: number; dueMs: number }>()
  /** Announced, and when it was last defended. */
  readonly #announced = new Map<A, number>()

  constructor(plan: ProbePlan) {
    this.#plan = plan
  }

  /** The MAC of an interface of this node or of another of ours. */
  know(whose: string, mac: number): void {
    this.#ours.set(whose, mac)
  }

  /** Goes on if it is being probed. */
  probe(address: A, nowMs: number): void {
    if (!this.#probed.has(address)) this.#probed.set(address, { sent: 0, dueMs: nowMs })
  }

  announce(address: A): void {
    this.#probed.delete(address)
    if (!this.#announced.has(address)) this.#announced.set(address, Number.NEGATIVE_INFINITY)
  }

  end(address: A): void {
    this.#probed.delete(address)
    this.#announced.delete(address)
  }

  announces(address: A): boolean {
    return this.#announced.has(address)
  }

  heard({ address, mac, uses }: Foreign<A>, nowMs: number): Verdict {
    for (const ours of this.#ours.values()) if (ours === mac) return 'nothing'
    if (this.#probed.delete(address)) return 'taken'
    const defendedMs = this.#announced.get(address)
    if (defendedMs === undefined || !uses) return 'nothing'
    if (nowMs - defendedMs < DEFEND_EVERY_MS) return 'again'
    this.#announced.set(address, nowMs)
    return 'defend'
  }

  /** Infinity: nothing is probed. */
  nextMs(): number {
    return this.#probed.values().next().value?.dueMs ?? Number.POSITIVE_INFINITY
  }

  /**
   * Sends the probes that are due; returns the addresses that nobody answered for. A probe that `send` could not put on any
   * wire says nothing: it is sent again.
   */
  run(nowMs: number, send: (address: A) => boolean): A[] {
    const free: A[] = []
    let left = BATCH_MAX
    for (const [address, { sent, dueMs }] of this.#probed) {
      if (dueMs > nowMs || left-- === 0) break
      this.#probed.delete(address)
      const done = sent === this.#plan.count
      if (done && nowMs - dueMs <= LATE_AFTER_MS) free.push(address)
      else {
        const count = !done && send(address) ? sent + 1 : sent
        this.#probed.set(address, { sent: count, dueMs: nowMs + this.#plan.intervalMs })
      }
    }
    return free
  }
}
