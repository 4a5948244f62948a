/**
 * What a fault strikes; a field left out matches everything. Verbs are Kubernetes': get, list, watch, create, update,
 * patch, delete.
 */
export interface FaultMatch {
  readonly verb?: string
  /** "services", "services/status", "endpointslices". */
  readonly resource?: string
  readonly user?: string
  /** True: only the later pages of a list. */
  readonly laterPage?: boolean
}

/**
 * silence: the request is read and never answered. half-open: the connection's bytes are neither read nor answered any more,
 * and nothing closes it. paced: requests are let through one after another, as an API server that can do no more. gone:
 * 410 Expired (for a watch, as an ERROR event). disconnect: the connection is reset.
 */
export type FaultKind =
  | { readonly kind: 'silence' | 'half-open' | 'gone' | 'disconnect' }
  | { readonly kind: 'slow'; readonly delayMs: number }
  | { readonly kind: 'paced'; readonly perSecond: number }
  | { readonly kind: 'status'; readonly code: number; readonly retryAfterSeconds?: number }

export type PlannedFault = FaultKind & {
  readonly match?: FaultMatch
  /** How many requests it strikes; without, all until removed. */
  readonly times?: number
}

/** A request as faults and counters see it. */
export interface Seen {
  readonly verb: string
  readonly resource: string
  readonly user: string
  readonly laterPage?: boolean
}

/** Faults on demand. */
export class Faults {
  #active: { fault: PlannedFault; left: number }[] = []

  /** Adds a fault; returns what removes it. */
  add(fault: PlannedFault): () => void {
    const entry = { fault, left: fault.times ?? Number.POSITIVE_INFINITY }
    this.#active.push(entry)
    return () => {
      this.#active = this.#active.filter(one => one !== entry)
    }
  }

  clear(): void {
    this.#active = []
  }

  /** The fault that strikes this request, which counts against its times. */
  strike(seen: Seen): PlannedFault | null {
    const entry = this.#active.find(({ fault, left }) => left > 0 && matches(fault.match, seen))
    if (!entry) return null
    entry.left--
    if (entry.left <= 0) this.#active = this.#active.filter(one => one !== entry)
    return entry.fault
  }
}

export function matches(match: FaultMatch | undefined, seen: Seen): boolean {
  if (!match) return true
  return (
    (match.verb === undefined || match.verb === seen.verb) &&
    (match.resource === undefined || match.resource === seen.resource) &&
    (match.user === undefined || match.user === seen.user) &&
    (match.laterPage === undefined || match.laterPage === seen.laterPage)
  )
}

/** What was asked of the server, so that tests can assert "one connection" and "no writes". */
export class Counters {
  /** TCP connections accepted, and TLS handshakes finished. */
  connections = 0
  handshakes = 0
  readonly #seen = new Map<string, number>()

  count(seen: Seen): void {
    const key = JSON.stringify([seen.verb, seen.resource, seen.user])
    this.#seen.set(key, (this.#seen.get(key) ?? 0) + 1)
  }

  /** Requests that match, all without an argument. */
  requests(match?: FaultMatch): number {
    let sum = 0
    for (const [key, count] of this.#seen) {
      const [verb, resource, user] = JSON.parse(key)
      if (matches(match, { verb, resource, user })) sum += count
    }
    return sum
  }

  /** Requests that write. */
  writes(): number {
    const verbs = ['create', 'update', 'patch', 'delete', 'deletecollection']
    return verbs.reduce((sum, verb) => sum + this.requests({ verb }), 0)
  }

  reset(): void {
    this.connections = 0
    this.handshakes = 0
    this.#seen.clear()
  }
}
