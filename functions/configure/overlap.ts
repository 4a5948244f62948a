/** Which entries of which pools share addresses. */
import { type AddressRange, parseEntry, quote } from '../model/address.ts'

/** An entry of a pool as written, and what it means. */
export interface Entry {
  readonly pool: string
  readonly text: string
  readonly range: AddressRange
}

/** The entries that parse. */
export function entriesOf(pool: string, addresses: readonly string[]): Entry[] {
  return addresses.flatMap(text => {
    const range = parseEntry(text)
    return 'reason' in range ? [] : [{ pool, text, range }]
  })
}

/** Says which entries of which pools overlap; `kept`: the rival is an older version still in force. */
export function overlap(entry: Entry, rival: Entry, kept = false): string {
  const why = kept ? ', which stays in force because its new version is refused' : ''
  return (
    `${quote(entry.text)} of pool "${entry.pool}" overlaps ${quote(rival.text)} of pool "${rival.pool}"${why}: ` +
    'take the addresses out of one of the two'
  )
}

/** Entries none of which overlap, in the order of their addresses, so that a search takes log n steps. */
export class Territory {
  readonly #taken: Entry[] = []

  /** The entry that has some of these addresses already, or null. */
  rival(entry: Entry): Entry | null {
    const next = this.#taken[this.#placeOf(entry)]
    return next && firstOf(next) <= lastOf(entry) ? next : null
  }

  /** Only after `rival` has answered null. */
  add(entry: Entry): void {
    this.#taken.splice(this.#placeOf(entry), 0, entry)
  }

  /** Index of the first entry that does not end before this one begins. */
  #placeOf(entry: Entry): number {
    let [low, high] = [0, this.#taken.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const there = this.#taken[middle]
      if (there && lastOf(there) < firstOf(entry)) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Both families on one line: IPv6 begins where IPv4 ends. */
const offsetOf = ({ range }: Entry): bigint => (range.family === 'IPv4' ? 0n : 1n << 32n)
const firstOf = (entry: Entry): bigint => offsetOf(entry) + entry.range.first
const lastOf = (entry: Entry): bigint => offsetOf(entry) + entry.range.last
