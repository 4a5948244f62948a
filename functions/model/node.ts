import type { AlarmReason } from '../liveness/messages.ts'
import type { Labels } from './selector.ts'

/** What Herald obeys of a Kubernetes Node (core/v1). */
export interface Node {
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly labels: Labels
  /** Condition NetworkUnavailable is True. */
  readonly networkUnavailable: boolean
  /** status.addresses of type InternalIP and ExternalIP: never handed out. */
  readonly addresses: readonly string[]
}

/** A node with this label, whatever its value, serves no load balancer (well-known Kubernetes label). */
export const EXCLUDE_LABEL = 'node.kubernetes.io/exclude-from-external-load-balancers'

/** What Herald obeys of a Kubernetes Namespace (core/v1): pools select by its labels. */
export interface Namespace {
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly labels: Labels
}

/**
 * Where a Service can be served, summed over its EndpointSlices (discovery.k8s.io/v1).
 * An endpoint can serve when Ready is true or absent, or else when Serving is true.
 */
export interface Endpoints {
  /** Some endpoint anywhere can serve. */
  readonly any: boolean
  /** Names of the nodes that host one that can serve; sorted. */
  readonly nodes: readonly string[]
}

/** What an announcer says of itself, renewed with its lease. */
export interface Announcer {
  readonly node: string
  /** Differs at every start. */
  readonly session: string
  /** Interfaces that qualify for announcing (up, not enslaved, ARP capable, not excluded). */
  readonly interfaces: readonly AnnouncerInterface[]
  /** The greatest epoch number that it knows of. */
  readonly epoch: number
  /** Nodes that it hears on the LAN: what Redis thinks of their leases does not matter. */
  readonly hears: readonly string[]
  /** How long it has run, ms. Absent where an older version writes. */
  readonly upMs?: number
  /** What is wrong on the LAN, of the last minute. Absent where an older version writes. */
  readonly alarms?: readonly Alarm[]
  /** Addresses of Services that its node's kernel answers for too, some of many. Absent where an older version writes. */
  readonly kernelAnswers?: readonly string[]
}

/** What an announcer hears wrong of another node, or does not hear. */
export interface Alarm {
  readonly reason: AlarmReason
  readonly node: string
}

export interface AnnouncerInterface {
  readonly name: string
  readonly mac: string
  /** CIDRs configured on it, both families. */
  readonly prefixes: readonly string[]
}
