import {
  type ApiObject,
  at,
  equal,
  isObject,
  type JsonObject,
  listAt,
  objectAt,
  textAt,
} from './object.ts'
import type { Strategy } from './registry.ts'
import { ServiceAllocator } from './service-allocation.ts'
import {
  externallyAccessible,
  spec,
  text,
  usesClusterIP,
  usesHealthCheckNodePort,
  usesNodePorts,
} from './service-spec.ts'
import { validateIngress, validateService, validateServiceUpdate } from './service-validation.ts'
import type { Store } from './store.ts'

/**
 * core/v1 Services: defaults, what an update keeps or wipes, cluster IPs and node ports
 * (k8s.io/kubernetes/pkg/registry/core/service and pkg/apis/core/v1/defaults.go).
 */
export function serviceStrategy(store: Store, serviceCIDRs: readonly string[]): Strategy {
  const allocator = new ServiceAllocator(store, serviceCIDRs)
  return {
    prepare(next, old) {
      setDefaults(next)
      if (old) {
        normalizeClusterIPs(spec(next), spec(old))
        keepAllocated(spec(next), spec(old))
        wipeWhatTypeNeedsNot(spec(next), spec(old))
      } else if (text(next, 'clusterIP') && !spec(next).clusterIPs) {
        spec(next).clusterIPs = [text(next, 'clusterIP')]
      }
      if (!old || text(next, 'type') !== 'LoadBalancer') {
        next.status = { ...(old ? objectAt(next, 'status') : {}), loadBalancer: {} }
      }
    },
    validate: (next, old) => [
      ...validateService(next),
      ...(old ? validateServiceUpdate(next, old) : []),
    ],
    allocate: (next, old) => allocator.allocate(next, old),
    prepareStatus(next) {
      const status = { ...objectAt(next, 'status') }
      next.status = status
      status.loadBalancer = isObject(status.loadBalancer) ? status.loadBalancer : {}
      if (text(next, 'type') !== 'LoadBalancer') return
      for (const one of listAt(status, 'loadBalancer', 'ingress')) {
        if (isObject(one) && textAt(one, 'ip')) one.ipMode ??= 'VIP'
      }
    },
    validateStatus: validateIngress,
  }
}

function setDefaults(service: ApiObject): void {
  const own = spec(service)
  own.sessionAffinity ??= 'None'
  if (own.sessionAffinity === 'ClientIP') {
    own.sessionAffinityConfig ??= { clientIP: { timeoutSeconds: 10800 } }
  }
  own.type ??= 'ClusterIP'
  for (const port of listAt(own, 'ports')) {
    if (!isObject(port)) continue
    port.protocol ??= 'TCP'
    if (!port.targetPort) port.targetPort = port.port ?? 0
  }
  if (externallyAccessible(own)) own.externalTrafficPolicy ??= 'Cluster'
  if (usesClusterIP(own)) own.internalTrafficPolicy ??= 'Cluster'
  if (own.type === 'LoadBalancer') own.allocateLoadBalancerNodePorts ??= true
}

/** A client that knows clusterIP only speaks for clusterIPs too. */
function normalizeClusterIPs(next: JsonObject, old: JsonObject): void {
  if (equal(next.clusterIP, old.clusterIP) || !equal(next.clusterIPs, old.clusterIPs)) return
  if (next.clusterIP) next.clusterIPs = [next.clusterIP]
  else delete next.clusterIPs
}

/** What the server had given is not asked for again: a PUT may leave it out. */
function keepAllocated(next: JsonObject, old: JsonObject): void {
  if (usesClusterIP(next) && usesClusterIP(old)) {
    if (!next.clusterIP && old.clusterIP) next.clusterIP = old.clusterIP
    if (!next.clusterIPs && next.clusterIP === old.clusterIP && old.clusterIPs) {
      next.clusterIPs = old.clusterIPs
    }
  }
  if (usesNodePorts(next) && usesNodePorts(old)) keepNodePorts(next, old)
  if (usesHealthCheckNodePort(next) && usesHealthCheckNodePort(old)) {
    if (!next.healthCheckNodePort && old.healthCheckNodePort) {
      next.healthCheckNodePort = old.healthCheckNodePort
    }
  }
}

/** Node ports are kept by the name of the port. */
function keepNodePorts(next: JsonObject, old: JsonObject): void {
  const nodePorts = (own: JsonObject) =>
    listAt(own, 'ports').map(port => Number(at(port, 'nodePort') ?? 0))
  const given = nodePorts(next)
  const used = new Set(nodePorts(old).filter(port => port > 0 && given.includes(port)))
  const byName = new Map(
    listAt(old, 'ports').map(port => [textAt(port, 'name'), Number(at(port, 'nodePort') ?? 0)]),
  )
  for (const port of listAt(next, 'ports')) {
    const known = byName.get(textAt(port, 'name')) ?? 0
    if (!isObject(port) || port.nodePort || !known || used.has(known)) continue
    port.nodePort = known
    used.add(known)
  }
}

/** Fields that the new type has no use for go, if the user did not change them in the same write. */
function wipeWhatTypeNeedsNot(next: JsonObject, old: JsonObject): void {
  const same = (...fields: string[]) => fields.every(field => equal(next[field], old[field]))
  const wipe = (...fields: string[]) => {
    for (const field of fields) delete next[field]
  }
  if (usesClusterIP(old) && !usesClusterIP(next)) {
    if (same('clusterIP', 'clusterIPs')) wipe('clusterIP', 'clusterIPs')
    if (same('ipFamilies')) wipe('ipFamilies')
    if (same('ipFamilyPolicy')) wipe('ipFamilyPolicy')
    if (same('internalTrafficPolicy')) wipe('internalTrafficPolicy')
  }
  if (usesNodePorts(old) && !usesNodePorts(next) && noNewNodePorts(next, old)) {
    for (const port of listAt(next, 'ports')) if (isObject(port)) delete port.nodePort
  }
  if (usesHealthCheckNodePort(old) && !usesHealthCheckNodePort(next)) {
    if (same('healthCheckNodePort')) wipe('healthCheckNodePort')
  }
  if (old.type === 'LoadBalancer' && next.type !== 'LoadBalancer') {
    if (same('allocateLoadBalancerNodePorts')) wipe('allocateLoadBalancerNodePorts')
    if (same('loadBalancerClass')) wipe('loadBalancerClass')
  }
  if (externallyAccessible(old) && !externallyAccessible(next) && same('externalTrafficPolicy')) {
    wipe('externalTrafficPolicy')
  }
}

function noNewNodePorts(next: JsonObject, old: JsonObject): boolean {
  const had = listAt(old, 'ports').map(port => textAt(port, 'nodePort'))
  return listAt(next, 'ports').every(port => {
    const asked = textAt(port, 'nodePort')
    return asked === '' || asked === '0' || had.includes(asked)
  })
}
