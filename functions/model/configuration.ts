import type { LabelSelector, Labels } from './selector.ts'

/**
 * What the user configured, parsed and valid. Everything here is JSON: it is stored in Redis as it is,
 * and address entries stay as written (`parseEntry` in address.ts turns one into a range).
 */
export interface Configuration {
  /** Where it came from; 'none' while neither source has anything. */
  readonly source: 'objects' | 'configmap' | 'none'
  /** Sorted by name. */
  readonly pools: readonly Pool[]
  /** Sorted by name. */
  readonly advertisements: readonly Advertisement[]
}

/** metallb.io/v1beta1 IPAddressPool, or an entry of `address-pools` of the v0.7 ConfigMap. */
export interface Pool {
  readonly name: string
  /** Entries as written, in order: "a-b" or CIDR; every one of them parses. */
  readonly addresses: readonly string[]
  readonly autoAssign: boolean
  readonly avoidBuggyIPs: boolean
  /** spec.serviceAllocation; null when absent: the pool is then open to every Service. */
  readonly serviceAllocation: ServiceAllocation | null
  readonly labels: Labels
  /** Only those under herald.io/. */
  readonly annotations: Labels
}

export interface ServiceAllocation {
  /** 0 = unset = lowest; among the others, smaller is earlier. */
  readonly priority: number
  readonly namespaces: readonly string[]
  readonly namespaceSelectors: readonly LabelSelector[]
  readonly serviceSelectors: readonly LabelSelector[]
}

/** metallb.io/v1beta1 L2Advertisement, or what a layer2 pool of the ConfigMap implies. */
export interface Advertisement {
  readonly name: string
  /** Names and selectors are a union; both empty: every pool. */
  readonly pools: readonly string[]
  readonly poolSelectors: readonly LabelSelector[]
  /** Empty: every node. */
  readonly nodeSelectors: readonly LabelSelector[]
  /** Empty: every interface. */
  readonly interfaces: readonly string[]
  /** Empty: every Service. */
  readonly serviceSelectors: readonly LabelSelector[]
  readonly preferredNodes: readonly {
    readonly weight: number
    readonly preference: LabelSelector
  }[]
}

/** A configuration object as the API server holds it, before it is judged. */
export interface ConfigurationObject {
  readonly kind: 'IPAddressPool' | 'L2Advertisement' | 'ConfigMap'
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly generation: number
  readonly labels: Labels
  /** Only those under herald.io/. */
  readonly annotations: Labels
  /** `spec` of a metallb.io object, unjudged; for a ConfigMap `{ config: data.config }`. */
  readonly spec: unknown
  /** `status` as it is shown now; known to the watcher alone, and null in Redis. */
  readonly status: unknown
}

/** What is wrong with one configuration object; said on the object (event, condition) and in the log. */
export interface ConfigurationFault {
  readonly kind: ConfigurationObject['kind']
  readonly name: string
  /** What is wrong, why, and what to do, in one or two sentences. */
  readonly message: string
  /** The same without what follows from it for what is in force. */
  readonly mistakes: string
}
