/** A node that has not renewed for so long has lost its lease (announcers renew every second). */
export const LEASE_MS = 5000

/**
 * Which nodes have lost their lease (design.md "Leases in Redis"): only if Redis has been up and the
 * same for two lease times, and somebody else renewed after the lost one ended. A missing lease is
 * not a lost one. A node that a living one hears on the LAN has not lost it: it lacks Redis, not the LAN.
 */
export function lapsed(state: {
  /** Node -> ms at which its lease ends, by Redis' clock. */
  readonly leases: ReadonlyMap<string, number>
  readonly nowMs: number
  /** Since when this incarnation of Redis has kept leases; null = not known. */
  readonly sinceMs: number | null
  /** Node -> whom it hears. */
  readonly hears: ReadonlyMap<string, readonly string[]>
}): string[] {
  const { leases, nowMs, sinceMs, hears } = state
  if (sinceMs === null || nowMs - sinceMs < 2 * LEASE_MS) return []
  const newest = Math.max(...leases.values())
  if (newest <= nowMs) return [] // nobody renews: it is Redis or the network, not a node
  const alive = [...leases].filter(([, endMs]) => endMs > nowMs).map(([node]) => node)
  const heard = new Set(alive.flatMap(node => hears.get(node) ?? []))
  return [...leases]
    .filter(([, endMs]) => endMs <= nowMs && newest - LEASE_MS > endMs)
    .map(([node]) => node)
    .filter(node => !heard.has(node))
}
