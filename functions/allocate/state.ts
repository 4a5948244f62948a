/** What is known when it is decided what a Service is to hold. */
import type { AddressRecord, Allocation } from '../model/allocation.ts'
import type { Configuration } from '../model/configuration.ts'
import type { Quarantine } from '../model/quarantine.ts'
import type { Labels } from '../model/selector.ts'

export interface AllocateState {
  /** Null: nobody has judged a configuration yet; nothing is decided from that. */
  readonly configuration: Configuration | null
  readonly namespaceLabels: Labels
  readonly held: Allocation | null
  /** Records of the addresses held, in their order; null where there is none. */
  readonly records: readonly (AddressRecord | null)[]
  /** What is known of the addresses held, in their order: null where they are not quarantined. */
  readonly quarantines: readonly (Quarantine | null)[]
  /** Addresses of the cluster's nodes: never handed out, though not taken from whoever has one. */
  readonly nodeAddresses: readonly string[]
  /** "cluster/namespace/name" */
  readonly id: string
}
