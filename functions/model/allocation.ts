import type { ServicePort } from './service.ts'

/** What a Service holds, or why it holds nothing. One a Service; written by the claim script alone. */
export interface Allocation {
  /** Schema version of this record. No release wrote version 1, so nobody reads it; from the first release on, N − 1 is read. */
  readonly v: 2
  readonly uid: string
  /** Addresses held, IPv4 first unless the second family came later. Empty: nothing is held. */
  readonly addresses: readonly string[]
  /** The pool they came from; null when nothing is held. */
  readonly pool: string | null
  /** When the present set was claimed, ms since the epoch. */
  readonly sinceMs: number
  /** Why the Service holds less than it asks for; null when it has what it asks for. */
  readonly refusal: Refusal | null
  /** Said once about this very change: ClearAssignment, AdditionalAssignFailed, AddressConflict. */
  readonly notices?: readonly Refusal[]
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
  readonly v: 2
  /** Page and offset, so that no script does arithmetic on addresses. */
  readonly page: string
  readonly offset: number
  /** The cluster that its pool is configured in. */
  readonly cluster: string
  readonly pool: string
  /** What the holders must have in common to share it; '' = not shared. */
  readonly sharingKey: string
  readonly backendKey: string
  /** By "cluster/namespace/name". */
  readonly holders: Readonly<Record<string, Holder>>
  /** Only while nobody holds it. */
  readonly after?: Afterlife
}

/** Why an address that was given up is not free yet. */
export interface Afterlife {
  /** Service id, to which it returns at once. */
  readonly service: string
  /** ms since the epoch; -1: for ever. */
  readonly untilMs: number
  /** True: for that Service alone. False: it only rests, and others may have it when nothing is free. */
  readonly reserved: boolean
}

export interface Holder {
  readonly uid: string
  readonly ports: readonly string[]
  readonly sinceMs: number
  /** How long the address stays reserved once the holder is deleted; -1: for ever, 0: not at all. */
  readonly reserveMs: number
}

/** "TCP/80": how a port is written in records. */
export const portKey = (port: ServicePort): string => `${port.protocol}/${port.port}`
