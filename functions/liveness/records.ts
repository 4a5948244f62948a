/**
 * What Redis says, as far as it concerns this node: the newest placements read, what it does not know yet,
 * and who renews a lease there.
 */
import { compareEpochs } from '../model/placement.ts'
import { BLOCKED_AFTER_MS, type Claim } from './messages.ts'
import type { Own } from './own.ts'
import type { Peers } from './peers.ts'
import type { Reading } from './reading.ts'

interface Knowing {
  readonly node: string
  readonly peers: Peers
  readonly own: Own
}

export class Records {
  readonly #knowing: Knowing
  readonly #readings = new Map<string, Reading>()
  /** Claimed without Redis knowing it. */
  readonly #unrecorded = new Set<string>()
  /** Nodes that renew in Redis and are not heard, since when. */
  readonly #unheard = new Map<string, number>()

  constructor(knowing: Knowing) {
    this.#knowing = knowing
  }

  /** By group. */
  get readings(): ReadonlyMap<string, Reading> {
    return this.#readings
  }

  /** Null for what is older than what was read before. */
  take(reading: Reading): Reading | null {
    this.#knowing.peers.learnEpoch(reading.epoch.number)
    const known = this.#readings.get(reading.group)
    if (known && compareEpochs(reading.epoch, known.epoch) < 0) return null
    this.#readings.set(reading.group, reading)
    return reading
  }

  /** What a placement newer than all that was said on the LAN means for this node: to claim it, or to yield it. */
  judge({ group, epoch, claim }: Reading): { claim: Claim } | { yield: Claim } | null {
    const { node, peers, own } = this.#knowing
    const mine = own.claims.get(group)
    if (mine && compareEpochs(epoch, mine.epoch) < 0) return null
    if (!claim) return mine ? { yield: mine } : null
    if (claim.owner.node !== node) {
      // Whoever is heard on the LAN says there that it answers, and who was heard and is cut off now answers
      // where it is: in both cases this node goes on. Of strangers only Redis tells.
      const isStranger = peers.present(claim.owner.node) === null
      return mine && isStranger && compareEpochs(epoch, mine.epoch) > 0 ? { yield: mine } : null
    }
    const last = peers.lastClaim(group)
    if (last && compareEpochs(last.epoch, epoch) > 0) return null
    return mine && isSame(mine, claim) ? null : { claim }
  }

  owe(group: string): void {
    this.#unrecorded.add(group)
  }

  forgive(group: string): void {
    this.#unrecorded.delete(group)
  }

  /** What Redis has yet to be told. */
  owed(): Claim[] {
    const owed: Claim[] = []
    for (const group of this.#unrecorded) {
      const mine = this.#knowing.own.claims.get(group)
      const written = this.#readings.get(group)
      if (!mine || (written && compareEpochs(written.epoch, mine.epoch) >= 0)) {
        this.#unrecorded.delete(group)
      } else owed.push(mine)
    }
    return owed
  }

  /** Nodes that renew in Redis and have not been heard for long, though this node has a carrier. */
  blocked(alive: readonly string[], isCut: boolean, nowMs: number): string[] {
    const { node: me, peers } = this.#knowing
    const blocked: string[] = []
    for (const node of alive) {
      if (node === me) continue
      if (peers.present(node)?.living(nowMs) || isCut) {
        this.#unheard.delete(node)
        continue
      }
      const sinceMs = this.#unheard.get(node) ?? nowMs
      this.#unheard.set(node, sinceMs)
      if (nowMs - sinceMs >= BLOCKED_AFTER_MS) blocked.push(node)
    }
    for (const node of this.#unheard.keys()) if (!alive.includes(node)) this.#unheard.delete(node)
    return blocked
  }

  lost(): void {
    this.#unheard.clear()
  }
}

function isSame(a: Claim, b: Claim): boolean {
  return compareEpochs(a.epoch, b.epoch) === 0 && a.addresses.join() === b.addresses.join()
}
