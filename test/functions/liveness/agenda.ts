/** What is to happen when: a binary heap by time, first come first served at the same time. */
interface Entry {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

/** More than that at one moment is somebody who wants to run again without letting time pass. */
const AT_ONCE_MAX = 10_000

export class Agenda {
  nowMs = 0
  readonly #heap: Entry[] = []
  #order = 0

  at(atMs: number, run: () => void): void {
    const entry = { atMs: Math.max(atMs, this.nowMs), order: this.#order++, run }
    const heap = this.#heap
    let at = heap.push(entry) - 1
    while (at > 0) {
      const up = (at - 1) >> 1
      const above = heap[up]
      if (!above || !before(entry, above)) break
      heap[at] = above
      at = up
    }
    heap[at] = entry
  }

  runUntil(endMs: number, after: () => void): void {
    let atOnce = 0
    for (let first = this.#heap[0]; first && first.atMs <= endMs; first = this.#heap[0]) {
      this.#shift()
      atOnce = first.atMs === this.nowMs ? atOnce + 1 : 0
      if (atOnce > AT_ONCE_MAX) throw new Error(`time stands still at ${this.nowMs} ms`)
      this.nowMs = first.atMs
      first.run()
      after()
    }
    this.nowMs = endMs
  }

  #shift(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (!last || heap.length === 0) return
    let at = 0
    for (;;) {
      let down = 2 * at + 1
      const [left, right] = [heap[down], heap[down + 1]]
      if (!left) break
      if (right && before(right, left)) down++
      const below = heap[down]
      if (!below || !before(below, last)) break
      heap[at] = below
      at = down
    }
    heap[at] = last
  }
}

const before = (a: Entry, b: Entry): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
