/**
 * When to announce which address on one interface: a burst at 0, 0.2, 1.2, 2.4 and 5 s after an address is
 * new, and then one refresh in 90 s, for switches that forget a silent MAC after 300 s. The first pair is
 * quick; the others keep the distance below which Linux before 4.11 ignores a change (locktime, 1 s).
 *
 * Neither clock nor chance is in here: both are arguments. Times are of any one clock, in milliseconds.
 * An address is whatever is a key of a Map.
 */

/** From one announcement of a burst to the next. */
const GAPS_MS = [0, 200, 1000, 1200, 2600]
const REFRESH_MS = 90_000
/** Gaps between refreshes are 0.8 to 1.2 of the even share. */
const JITTER = 0.4
/** No more addresses than this at a time, with a pause in between, so that questions are answered meanwhile. */
export const BATCH_MAX = 128
const PAUSE_MS = 4

/**
 * In a burst all wait equally long for the same step, so each step is a queue whose head is due first (a Map
 * keeps the order of insertion). Those whose burst is over take turns: one refresh each 90 s divided by
 * their number, which is why a thousand that began together do not come due together.
 */
export class Schedule<A> {
  /** By step: addresses, and when they are due. */
  readonly #bursts = GAPS_MS.map(() => new Map<A, number>())
  /** Whose turn is next stands first. */
  readonly #turns = new Set<A>()
  #refreshMs = Number.POSITIVE_INFINITY
  #pausedUntilMs = Number.NEGATIVE_INFINITY

  /** Begins the burst of this address, again if need be. */
  start(address: A, nowMs: number): void {
    this.stop(address)
    this.#bursts[0]?.set(address, nowMs)
  }

  stop(address: A): void {
    for (const step of this.#bursts) step.delete(address)
    this.#turns.delete(address)
  }

  /** When `due` has something; infinity when never. */
  nextMs(): number {
    const heads = this.#bursts.map(step => step.values().next().value ?? Number.POSITIVE_INFINITY)
    const refreshMs = this.#turns.size > 0 ? this.#refreshMs : Number.POSITIVE_INFINITY
    return Math.max(this.#pausedUntilMs, Math.min(...heads, refreshMs))
  }

  /** The addresses to announce now, BATCH_MAX at most: ask `nextMs` again. `random` is in [0, 1). */
  due(nowMs: number, random: number): A[] {
    if (nowMs < this.#pausedUntilMs) return []
    const batch: A[] = []
    for (const [step, waiting] of this.#bursts.entries()) {
      for (const [address, dueMs] of waiting) {
        if (dueMs > nowMs || batch.length === BATCH_MAX) break
        batch.push(address)
        waiting.delete(address)
        this.#advance(address, step + 1, nowMs, random)
      }
    }
    const [turn] = this.#turns
    if (turn !== undefined && this.#refreshMs <= nowMs && batch.length < BATCH_MAX) {
      batch.push(turn)
      this.#turns.delete(turn)
      this.#turns.add(turn)
      this.#refreshMs = nowMs + this.#shareMs(random)
    }
    if (batch.length > 0) this.#pausedUntilMs = nowMs + PAUSE_MS
    return batch
  }

  #advance(address: A, step: number, nowMs: number, random: number): void {
    const waiting = this.#bursts[step]
    if (waiting) {
      waiting.set(address, nowMs + (GAPS_MS[step] ?? 0))
      return
    }
    const alone = this.#turns.size === 0
    this.#turns.add(address)
    const shareMs = nowMs + this.#shareMs(random)
    this.#refreshMs = alone ? shareMs : Math.min(this.#refreshMs, shareMs)
  }

  #shareMs(random: number): number {
    return (REFRESH_MS / this.#turns.size) * (1 - JITTER / 2 + JITTER * random)
  }
}
