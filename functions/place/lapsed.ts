/**
 * Which nodes have lost their lease (design.md "Leases in Redis"): only if Redis has been up and the
 * same for two lease times, and somebody else renewed after the lost one ended. A missing lease is
 * not a lost one.
 */
export function lapsed(state: {
  /** Node -> ms at which its lease ends, by Redis' clock. */
  readonly leases: ReadonlyMap<string, number>
  readonly nowMs: number
  readonly leaseMs: number
  /** Since when this incarnation of Redis has kept leases; null = not known. */
  readonly sinceMs: number | null
}): string[] {
  const { leases, nowMs, leaseMs, sinceMs } = state
  if (sinceMs === null || nowMs - sinceMs < 2 * leaseMs) return []
  const newest = Math.max(...leases.values())
  if (newest <= nowMs) return [] // nobody renews: it is Redis or the network, not a node
  return [...leases]
    .filter(([, endMs]) => endMs <= nowMs && newest - leaseMs > endMs)
    .map(([node]) => node)
}
