/**
 * An address that another host on the LAN was found to have, and that is kept back for a while. It is a reservation for
 * nobody: where the namespace of a Service would stand is "~", which no namespace is called, and behind it who has the address
 * and since when. So whatever keeps reservations (the mirror in Kubernetes, deadlines, `herald release`) keeps these.
 */
export interface Quarantine {
  readonly mac: string
  /** When it was found, ms since the epoch. */
  readonly sinceMs: number
}

/** Of "<cluster>/~/<mac>/<sinceMs>", as quarantine.lua writes it; null for the id of a Service. */
export function quarantineOf(id: string): Quarantine | null {
  const [, namespace, mac, sinceMs] = id.split('/')
  return namespace === '~' && mac ? { mac, sinceMs: Number(sinceMs) } : null
}
