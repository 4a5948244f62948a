import type { Labels } from './selector.ts'

/**
 * The id of a Service ("cluster/namespace/name") as its own cluster knows it; one of another cluster that shares the address
 * space stays an id: three names, and the first of them says where to look.
 */
export const nameIn = (cluster: string, id: string): string =>
  id.startsWith(`${cluster}/`) ? id.slice(cluster.length + 1) : id

/** The dozen fields of a Kubernetes Service that Herald obeys (core/v1 Service). */
export interface Service {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  /** metadata.creationTimestamp, in milliseconds since the epoch. */
  readonly createdMs: number
  /** spec.type; only LoadBalancer holds addresses. */
  readonly type: string
  readonly loadBalancerClass: string | null
  /** spec.clusterIPs, or [spec.clusterIP] where the list is absent; empty when neither is set. */
  readonly clusterIPs: readonly string[]
  readonly ipFamilies: readonly string[]
  readonly ipFamilyPolicy: 'SingleStack' | 'PreferDualStack' | 'RequireDualStack' | null
  /** spec.loadBalancerIP as written (may be prose), or null. */
  readonly loadBalancerIP: string | null
  readonly externalTrafficPolicy: 'Cluster' | 'Local'
  readonly selector: Labels
  readonly ports: readonly ServicePort[]
  readonly labels: Labels
  /** Only those under metallb.io/, metallb.universe.tf/ and herald.io/. */
  readonly annotations: Labels
  /** status.loadBalancer.ingress[].ip, in order. */
  readonly addresses: readonly string[]
  /** status.conditions whole (other writers' too: a merge patch replaces the list). */
  readonly conditions: readonly Condition[]
}

export interface ServicePort {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP'
  readonly port: number
}

/** metav1.Condition. */
export interface Condition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
  readonly lastTransitionTime: string
  readonly observedGeneration?: number
}

/**
 * True when Herald is to give this Service an address: type LoadBalancer and, as MetalLB's --lb-class:
 * without a class of ours only Services without one, with a class only those that name it.
 */
export function isOurs(
  service: Pick<Service, 'type' | 'loadBalancerClass'>,
  loadBalancerClass: string | null,
): boolean {
  return service.type === 'LoadBalancer' && service.loadBalancerClass === loadBalancerClass
}

/**
 * The value of an annotation that MetalLB's users know: `metallb.io/<name>` wins when present, even
 * when empty; else the older `metallb.universe.tf/<name>`. Undefined when neither is there.
 */
export function annotation(
  service: Pick<Service, 'annotations'>,
  name: string,
): string | undefined {
  return (
    service.annotations[`metallb.io/${name}`] ?? service.annotations[`metallb.universe.tf/${name}`]
  )
}

/** The annotation in which MetalLB and Herald say which pool the addresses came from. */
export const POOL_ANNOTATION = 'metallb.io/ip-allocated-from-pool'

/** Type of the condition in which Herald says whether a Service has what it asks for. */
export const ASSIGNED_CONDITION = 'herald.io/AddressAssigned'
