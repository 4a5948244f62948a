/**
 * An epoch orders claims to announce a group (design.md "Epoch"): compared by number, then by node
 * name, so that two are never equal. It only grows, and survives the release of the addresses.
 */
export interface Epoch {
  readonly number: number
  readonly node: string
}

/** Negative, zero, positive: as usual for comparators. */
export function compareEpochs(a: Epoch, b: Epoch): number {
  if (a.number !== b.number) return a.number - b.number
  return a.node < b.node ? -1 : a.node > b.node ? 1 : 0
}

/**
 * Where a group of addresses is announced. A group is all addresses connected by a Service with both
 * families or by Services that share; it is named by its least address (IPv4 before IPv6).
 */
export interface Placement {
  readonly v: 1
  readonly group: string
  readonly addresses: readonly string[]
  readonly epoch: Epoch
  /** Who answers; null = withdrawn (nobody may serve it, or it holds nothing any more). */
  readonly owner: PlacedNode | null
  /** At most two, in the order in which they take over. */
  readonly standbys: readonly PlacedNode[]
  /** Why it was placed so, for people. */
  readonly reason: string
  readonly sinceMs: number
}

export interface PlacedNode {
  readonly node: string
  /** Interfaces to announce on; null = all that qualify. */
  readonly interfaces: readonly string[] | null
}
