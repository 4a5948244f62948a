/**
 * How often one asker is answered. A neighbour cache asks about one address once a second; whoever asks a thousand times a
 * second, or for thousands of addresses at once after a reboot, is still served. Beyond that it is a flood: what it asks is
 * dropped, and nobody else waits for it. Each asker has a bucket of its own, so nobody uses up another's.
 *
 * Who invents a new sender for each frame is not held back by this: an asker is what the frame says it is. The memory that
 * this costs is bounded all the same.
 */

/** Answers a second, in the long run. */
export const ANSWERS_PER_SECOND = 1000
/** Answers at once, to one that was quiet: it may have 5,000 addresses to ask for. */
export const ANSWERS_AT_ONCE = 5000
/** Askers remembered. Who is forgotten counts as one that was quiet. */
const ASKERS_MAX = 4096

interface Bucket {
  left: number
  atMs: number
}

export class Askers<Asker> {
  readonly #perSecond: number
  /** Who was remembered first stands first. */
  readonly #buckets = new Map<Asker, Bucket>()

  constructor(perSecond = ANSWERS_PER_SECOND) {
    this.#perSecond = perSecond
  }

  /** May it be answered now? Counts the answer if so. */
  allow(asker: Asker, nowMs: number): boolean {
    const bucket = this.#buckets.get(asker)
    if (!bucket) {
      this.#remember(asker, { left: ANSWERS_AT_ONCE - 1, atMs: nowMs })
      return true
    }
    const gained = (Math.max(0, nowMs - bucket.atMs) * this.#perSecond) / 1000
    bucket.left = Math.min(ANSWERS_AT_ONCE, bucket.left + gained)
    bucket.atMs = nowMs
    if (bucket.left < 1) return false
    bucket.left--
    return true
  }

  #remember(asker: Asker, bucket: Bucket): void {
    if (this.#buckets.size >= ASKERS_MAX) this.#forgetOne()
    this.#buckets.set(asker, bucket)
  }

  /** The first, unless it is being held back: then it goes to the end and the next one is looked at, eight at most. */
  #forgetOne(): void {
    let looked = 0
    for (const [asker, bucket] of this.#buckets) {
      this.#buckets.delete(asker)
      if (bucket.left >= 1 || ++looked === 8) return
      this.#buckets.set(asker, bucket)
    }
  }
}
