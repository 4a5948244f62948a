import { BEAT_EVERY_MS } from './messages.ts'

/** A node that is not heard for so long does not lose beats, it is away. */
const AWAY_AFTER_MS = 1000

/**
 * Beats of one node on one LAN that did not come in, going by the gaps between those that did: an estimate, since only the
 * sender knows when it sent. What came in late, several at once because the reader was busy, is not lost.
 */
export class BeatLoss {
  lost = 0
  /** Missed in the last gap; it may still turn out that they were late. */
  #missed = 0
  #lastMs: number | null = null

  hear(nowMs: number): void {
    const gapMs = nowMs - (this.#lastMs ?? nowMs)
    this.#lastMs = nowMs
    if (gapMs < BEAT_EVERY_MS / 2) {
      this.#missed = Math.max(0, this.#missed - 1)
      return
    }
    this.lost += this.#missed
    this.#missed = gapMs > AWAY_AFTER_MS ? 0 : Math.max(0, Math.round(gapMs / BEAT_EVERY_MS) - 1)
  }
}
