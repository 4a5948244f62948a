/**
 * What a thread does that never returns to Node's own event loop: it waits in poll(2) for descriptors and for deadlines. One
 * wake-up costs some 10 µs less than through libuv, and nothing but the descriptors can wake it.
 */
import { HOST_LITTLE_ENDIAN as LITTLE } from '../../functions/wire/bytes.ts'
import { POLLFD_LENGTH, POLLIN, poll } from './syscalls.ts'

/** Something to be done at a time of its own choosing, on the clock of performance.now(). */
export interface Timed {
  /** Infinity: nothing to do. Asked before every wait. */
  nextMs(): number
  run(nowMs: number): void
}

/** Half a day: whoever is due later than that is asked again. */
const WAIT_MAX_MS = 43_200_000

export class Loop {
  readonly #readable = new Map<number, () => void>()
  readonly #timed = new Set<Timed>()
  #pollfds = new DataView(new ArrayBuffer(0))
  #stopped = false

  /**
   * Calls back when the descriptor can be read or has failed; the callback must read until nothing is left or it comes
   * at once again.
   */
  watch(fd: number, readable: () => void): void {
    this.#readable.set(fd, readable)
    this.#layOut()
  }

  unwatch(fd: number): void {
    this.#readable.delete(fd)
    this.#layOut()
  }

  time(timed: Timed): void {
    this.#timed.add(timed)
  }

  untime(timed: Timed): void {
    this.#timed.delete(timed)
  }

  stop(): void {
    this.#stopped = true
  }

  /** Returns after stop(). What a callback throws ends it too. */
  run(): void {
    while (!this.#stopped) {
      const { waitMs } = this
      const pollfds = this.#pollfds
      const ready = poll(pollfds, this.#readable.size, waitMs)
      // Whoever was paused learns it before it takes what came meanwhile for news.
      this.#runTimed()
      if (ready > 0) this.#read(pollfds)
    }
  }

  get waitMs(): number {
    let nextMs = Number.POSITIVE_INFINITY
    for (const timed of this.#timed) nextMs = Math.min(nextMs, timed.nextMs())
    return Math.min(WAIT_MAX_MS, Math.max(0, Math.ceil(nextMs - performance.now())))
  }

  #read(pollfds: DataView): void {
    for (let at = 0; at < pollfds.byteLength; at += POLLFD_LENGTH) {
      if (pollfds.getInt16(at + 6, LITTLE) === 0) continue
      this.#readable.get(pollfds.getInt32(at, LITTLE))?.() // one callback may have closed another's
    }
  }

  #runTimed(): void {
    const nowMs = performance.now()
    for (const timed of [...this.#timed]) if (timed.nextMs() <= nowMs) timed.run(nowMs)
  }

  #layOut(): void {
    const pollfds = new DataView(new ArrayBuffer(this.#readable.size * POLLFD_LENGTH))
    let at = 0
    for (const fd of this.#readable.keys()) {
      pollfds.setInt32(at, fd, LITTLE)
      pollfds.setInt16(at + 4, POLLIN, LITTLE)
      at += POLLFD_LENGTH
    }
    this.#pollfds = pollfds
  }
}
