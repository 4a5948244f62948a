/** The simulated Redis with the allocator that places in it: leases, the epoch counter, and older copies of itself. */

import type { Claim } from '../../../functions/liveness/messages.ts'
import { placementOf } from '../../../functions/liveness/reading.ts'
import { compareEpochs, type Placement } from '../../../functions/model/placement.ts'
import { LEASE_MS } from '../../../functions/place/lapsed.ts'

const SETTLE_MS = 2500

interface Copy {
  readonly placements: Map<string, Placement>
  readonly counter: number
}

export class SimulatedRedis {
  up = true
  incarnation = 0
  #placements = new Map<string, Placement>()
  #counter = 0
  #upSinceMs = 0
  readonly #leases = new Map<string, number>()
  /** Node -> whom it hears, as it said at its last renewal. */
  readonly #hears = new Map<string, readonly string[]>()
  #copy: Copy = { placements: new Map(), counter: 0 }

  placements(): Placement[] {
    return [...this.#placements.values()]
  }

  placement(group: string): Placement | undefined {
    return this.#placements.get(group)
  }

  alive(nowMs: number): string[] {
    return [...this.#leases].filter(([, endMs]) => endMs > nowMs).map(([node]) => node)
  }

  renew(node: string, hears: readonly string[], epoch: number, nowMs: number): void {
    this.#leases.set(node, nowMs + LEASE_MS)
    this.#hears.set(node, hears)
    this.#counter = Math.max(this.#counter, epoch)
  }

  leave(node: string): void {
    this.#leases.delete(node)
  }

  record(claim: Claim, nowMs: number): void {
    this.#counter = Math.max(this.#counter, claim.epoch.number)
    const known = this.#placements.get(claim.group)
    if (known && compareEpochs(known.epoch, claim.epoch) >= 0) return
    this.#placements.set(claim.group, placementOf(claim, 'takeover', nowMs))
  }

  place(group: string, nodes: readonly string[], nowMs: number): void {
    const [owner, ...standbys] = nodes.map(node => ({ node, interfaces: null }))
    const epoch = { number: ++this.#counter, node: owner?.node ?? '' }
    this.#placements.set(group, {
      v: 1,
      group,
      addresses: [group],
      epoch,
      owner: owner ?? null,
      standbys: standbys.slice(0, 2),
      reason: '',
      sinceMs: nowMs,
    })
  }

  remember(): void {
    this.#copy = { placements: new Map(this.#placements), counter: this.#counter }
  }

  /** A failover that lost what was written since `remember`. */
  fallBack(nowMs: number): void {
    this.#placements = new Map(this.#copy.placements)
    this.#counter = this.#copy.counter
    this.incarnation++
    this.#leases.clear()
    this.#upSinceMs = nowMs
  }

  switch(up: boolean, nowMs: number): void {
    if (up && !this.up) this.#upSinceMs = nowMs
    this.up = up
  }

  /** What design.md "Leases in Redis" lets the allocator move. */
  allocate(nowMs: number): void {
    if (!this.up || nowMs - this.#upSinceMs < Math.max(SETTLE_MS, 2 * LEASE_MS)) return
    const alive = this.alive(nowMs)
    for (const placement of this.placements()) {
      const owner = placement.owner?.node
      const endMs = owner === undefined ? undefined : this.#leases.get(owner)
      if (owner === undefined || endMs === undefined || endMs > nowMs) continue
      const newer = [...this.#leases.values()].some(other => other - LEASE_MS > endMs)
      const isHeard = alive.some(node => this.#hears.get(node)?.includes(owner))
      if (alive.length === 0 || !newer || isHeard) continue
      this.place(placement.group, [...alive, owner], nowMs)
    }
  }
}
