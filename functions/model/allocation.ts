import type { ServicePort } from './service.ts'

/** What a Service holds, or why it holds nothing. One a Service; written by the claim script alone. */
export interface Allocation {
  /** Schema version of this record. */
  readonly v: 1
  readonly uid: string
  /** Addresses held, IPv4 first unless the second family came later. Empty: nothing is held. */
  readonly addresses: readonly string[]
  /** The pool they came from; null when nothing is held. */
  readonly pool: string | null
  /** When the present set was claimed, ms since the epoch. */
  readonly sinceMs: number
  /** Why the Service holds less than it asks for; null when it has what it asks for. */
  readonly refusal: Refusal | null
  /** Redis incarnation in which this was decided. */
  readonly incarnation: string
}

/** Why a Service did not get what it asked for. */
export interface Refusal {
  /** UpperCamelCase, machine-readable. */
  readonly reason: string
  /** What was tried, pool by pool, and what to do. */
  readonly message: string
}

/** Who holds an address, and why it is not free. */
export interface AddressRecord {
  readonly v: 1
  /** Page and offset, so that no script does arithmetic on addresses. */
  readonly page: string
  readonly offset: number
  readonly pool: string
  /** What the holders must have in common to share it; '' = not shared. */
  readonly sharingKey: string
  readonly backendKey: string
  /** By "cluster/namespace/name". */
  readonly holders: Readonly<Record<string, Holder>>
}

export interface Holder {
  readonly uid: string
  readonly ports: readonly string[]
  readonly sinceMs: number
}

/** "TCP/80": how a port is written in records. */
export const portKey = (port: ServicePort): string => `${port.protocol}/${port.port}`
