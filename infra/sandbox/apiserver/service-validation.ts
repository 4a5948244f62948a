import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { type Cause, cause } from './api-error.ts'
import { LABEL_1123, qualifiedNameFault, SUBDOMAIN_1123 } from './metadata.ts'
import {
  type ApiObject,
  at,
  equal,
  type Json,
  type JsonObject,
  listAt,
  textAt,
  textsAt,
} from './object.ts'
import { externallyAccessible, spec, text, usesHealthCheckNodePort } from './service-spec.ts'

/** What a Service may not say (k8s.io/kubernetes/pkg/apis/core/validation: ValidateServiceCreate). */
export function validateService(service: ApiObject): Cause[] {
  const own = spec(service)
  const headless = textsAt(own, 'clusterIPs')[0] === 'None'
  return [
    ...validateType(own, headless),
    ...validatePorts(own, headless),
    ...validateAffinity(own),
    ...validateClusterIPs(own),
    ...validateLoadBalancerFields(own),
    ...validateTrafficPolicies(own),
    ...validateAddresses(own),
  ]
}

const oneOf = (own: JsonObject, field: string, values: readonly string[]): Cause[] => {
  const value = textAt(own, field)
  if (value === '') return []
  return values.includes(value) ? [] : [cause.notSupported(`spec.${field}`, value, values)]
}

function validateType(own: JsonObject, headless: boolean): Cause[] {
  const type = textAt(own, 'type')
  const causes = oneOf(own, 'type', ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'])
  if (headless && (type === 'LoadBalancer' || type === 'NodePort')) {
    const why = `may not be set to 'None' for ${type} services`
    causes.push(cause.invalid('spec.clusterIPs[0]', 'None', why))
  }
  if (type !== 'ExternalName') return causes
  for (const field of ['clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) {
    if (own[field] === undefined) continue
    causes.push(cause.forbidden(`spec.${field}`, 'may not be set for ExternalName services'))
  }
  const name = textAt(own, 'externalName').replace(/\.$/, '')
  if (name === '') causes.push(cause.required('spec.externalName'))
  else if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name)) {
    causes.push(cause.invalid('spec.externalName', name, SUBDOMAIN_1123))
  }
  return causes
}

function validatePorts(own: JsonObject, headless: boolean): Cause[] {
  const ports = listAt(own, 'ports')
  if (ports.length === 0) {
    return headless || own.type === 'ExternalName' ? [] : [cause.required('spec.ports')]
  }
  const causes: Cause[] = []
  const names = new Set<string>()
  const pairs = new Set<string>()
  const nodePorts = new Set<string>()
  ports.forEach((port, index) => {
    const field = `spec.ports[${index}]`
    causes.push(...validatePort(port, field, ports.length > 1))
    const name = textAt(port, 'name')
    if (name && names.has(name)) causes.push(cause.duplicate(`${field}.name`, name))
    names.add(name)
    const [number, protocol] = [textAt(port, 'port'), textAt(port, 'protocol')]
    const pair = `${protocol}/${number}`
    if (pairs.has(pair)) causes.push(cause.duplicate(field, internalPort(protocol, Number(number))))
    pairs.add(pair)
    const nodePort = Number(at(port, 'nodePort') ?? 0)
    if (nodePort === 0) return
    if (own.type === 'ClusterIP' || own.type === 'ExternalName') {
      const why = "may not be used when `type` is 'ClusterIP'"
      causes.push(cause.forbidden(`${field}.nodePort`, why))
    }
    const node = `${protocol}/${nodePort}`
    if (nodePorts.has(node)) causes.push(cause.duplicate(`${field}.nodePort`, nodePort))
    nodePorts.add(node)
  })
  return causes
}

/** The internal type has no JSON names: this is how the real server prints it. */
function internalPort(protocol: string, port: number): Json {
  return { Name: '', Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 }
}

const RANGE = 'must be between 1 and 65535, inclusive'
const inRange = (port: number) => Number.isInteger(port) && port >= 1 && port <= 65535

function validatePort(port: Json, field: string, nameRequired: boolean): Cause[] {
  const causes: Cause[] = []
  const name = textAt(port, 'name')
  if (name === '') {
    if (nameRequired) causes.push(cause.required(`${field}.name`))
  } else if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) {
    causes.push(cause.invalid(`${field}.name`, name, LABEL_1123))
  }
  const number = at(port, 'port') ?? 0
  if (!inRange(Number(number))) causes.push(cause.invalid(`${field}.port`, number, RANGE))
  const protocol = textAt(port, 'protocol')
  if (!['SCTP', 'TCP', 'UDP'].includes(protocol)) {
    causes.push(cause.notSupported(`${field}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']))
  }
  const target = at(port, 'targetPort') ?? 0
  if (typeof target === 'number') {
    if (!inRange(target)) causes.push(cause.invalid(`${field}.targetPort`, target, RANGE))
  } else if (!/^(?=.*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$/.test(String(target))) {
    const why =
      String(target).length > 15
        ? 'must be no more than 15 characters'
        : 'must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)'
    causes.push(cause.invalid(`${field}.targetPort`, target, why))
  }
  const application = textAt(port, 'appProtocol')
  const fault = application ? qualifiedNameFault(application) : null
  if (fault) causes.push(cause.invalid(`${field}.appProtocol`, application, fault))
  return causes
}

function validateAffinity(own: JsonObject): Cause[] {
  const causes = oneOf(own, 'sessionAffinity', ['ClientIP', 'None'])
  if (own.sessionAffinity === 'None' && own.sessionAffinityConfig !== undefined) {
    const why = 'must not be set when session affinity is None'
    causes.push(cause.forbidden('spec.sessionAffinityConfig', why))
  }
  return causes
}

/** ValidateServiceClusterIPsRelatedFields. */
function validateClusterIPs(own: JsonObject): Cause[] {
  if (own.type === 'ExternalName') return []
  const causes = oneOf(own, 'ipFamilyPolicy', [
    'SingleStack',
    'PreferDualStack',
    'RequireDualStack',
  ])
  const families = textsAt(own, 'ipFamilies')
  const addresses = textsAt(own, 'clusterIPs')
  const clusterIP = textAt(own, 'clusterIP')
  families.forEach((family, index) => {
    const field = `spec.ipFamilies[${index}]`
    if (family !== 'IPv4' && family !== 'IPv6') {
      causes.push(cause.notSupported(field, family, ['IPv4', 'IPv6']))
    } else if (families.indexOf(family) < index) causes.push(cause.duplicate(field, family))
  })
  if (families.length > 2) {
    causes.push(cause.invalid('spec.ipFamilies', families, 'may only hold up to 2 values'))
  }
  if (clusterIP === '' && addresses.length > 0) {
    const why = 'must be empty when `clusterIP` is not specified'
    causes.push(cause.invalid('spec.clusterIPs', addresses, why))
  } else if (addresses.length > 0 && addresses[0] !== clusterIP) {
    causes.push(cause.invalid('spec.clusterIPs', addresses, 'first value must match `clusterIP`'))
  }
  if (addresses.length > 1 && addresses.includes('None')) {
    const why = "'None' must be the first and only value"
    causes.push(cause.invalid('spec.clusterIPs[0]', 'None', why))
    return causes
  }
  if (addresses.length > 2) {
    causes.push(cause.invalid('spec.clusterIPs', addresses, 'may only hold up to 2 values'))
  }
  addresses.forEach((address, index) => {
    const field = `spec.clusterIPs[${index}]`
    if (address === 'None') return
    const version = isIP(address)
    if (version === 0) {
      causes.push(cause.invalid(field, address, 'must be a valid IP address'))
    } else if (families[index] !== undefined && families[index] !== `IPv${version}`) {
      const why = `expected an ${families[index]} value as indicated by \`ipFamilies[${index}]\``
      causes.push(cause.invalid(field, address, why))
    }
  })
  if (addresses.length === 2 && isIP(addresses[0] ?? '') === isIP(addresses[1] ?? '')) {
    const why = 'may specify no more than one IP for each IP family'
    causes.push(cause.invalid('spec.clusterIPs', addresses, why))
  }
  return causes
}

const ONLY_LOAD_BALANCER = "may only be used when `type` is 'LoadBalancer'"

function validateLoadBalancerFields(own: JsonObject): Cause[] {
  const causes: Cause[] = []
  const loadBalancer = own.type === 'LoadBalancer'
  const only = ['loadBalancerSourceRanges', 'allocateLoadBalancerNodePorts', 'loadBalancerClass']
  for (const field of loadBalancer ? [] : only) {
    const value = own[field]
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue
    causes.push(cause.forbidden(`spec.${field}`, ONLY_LOAD_BALANCER))
  }
  const name = own.loadBalancerClass
  const fault = loadBalancer && typeof name === 'string' ? qualifiedNameFault(name) : null
  if (fault) causes.push(cause.invalid('spec.loadBalancerClass', name, fault))
  textsAt(own, 'loadBalancerSourceRanges').forEach((range, index) => {
    if (ipaddr.isValidCIDR(range.trim())) return
    const why = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'
    causes.push(cause.invalid(`spec.loadBalancerSourceRanges[${index}]`, range, why))
  })
  return causes
}

function validateTrafficPolicies(own: JsonObject): Cause[] {
  const policy = textAt(own, 'externalTrafficPolicy')
  const causes = oneOf(own, 'internalTrafficPolicy', ['Cluster', 'Local'])
  if (externallyAccessible(own)) {
    causes.push(...oneOf(own, 'externalTrafficPolicy', ['Cluster', 'Local']))
  } else if (policy !== '') {
    const why = 'may only be set for externally-accessible services'
    causes.push(cause.invalid('spec.externalTrafficPolicy', policy, why))
  }
  const healthCheck = Number(own.healthCheckNodePort ?? 0)
  if (healthCheck !== 0 && !usesHealthCheckNodePort(own)) {
    const why =
      "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
    causes.push(cause.invalid('spec.healthCheckNodePort', healthCheck, why))
  }
  const distributions = ['PreferClose', 'PreferSameNode', 'PreferSameZone']
  return [...causes, ...oneOf(own, 'trafficDistribution', distributions)]
}

function validateAddresses(own: JsonObject): Cause[] {
  return textsAt(own, 'externalIPs').flatMap((address, index) => {
    if (isIP(address) !== 0) return []
    return [cause.invalid(`spec.externalIPs[${index}]`, address, 'must be a valid IP address')]
  })
}

const FIXED = 'may not change once set'

/** What an update may not change. */
export function validateServiceUpdate(service: ApiObject, before: ApiObject): Cause[] {
  const causes: Cause[] = []
  const [own, old] = [spec(service), spec(before)]
  if (own.type === 'LoadBalancer' && old.type === 'LoadBalancer') {
    if (!equal(own.loadBalancerClass, old.loadBalancerClass)) {
      causes.push(cause.invalid('spec.loadBalancerClass', own.loadBalancerClass, FIXED))
    }
  }
  if (own.type === 'ExternalName' || old.type === 'ExternalName') return causes
  for (const field of ['clusterIPs', 'ipFamilies']) {
    const [is, was] = [textsAt(own, field), textsAt(old, field)]
    was.forEach((value, index) => {
      if (is[index] === value) return
      const where = `spec.${field}[${index}]`
      if (is[index] !== undefined) causes.push(cause.invalid(where, is, FIXED))
      else if (index === 0) {
        const what = field === 'clusterIPs' ? 'primary clusterIP' : 'primary ipFamily'
        causes.push(cause.invalid(where, is, `${what} can not be unset`))
      }
    })
  }
  return causes
}

/** status.loadBalancer.ingress (ValidateLoadBalancerStatus). */
export function validateIngress(service: ApiObject): Cause[] {
  const ingress = listAt(service, 'status', 'loadBalancer', 'ingress')
  const list = 'status.loadBalancer.ingress'
  if (ingress.length > 0 && text(service, 'type') !== 'LoadBalancer') {
    return [cause.forbidden(list, 'may only be used when `spec.type` is "LoadBalancer"')]
  }
  return ingress.flatMap((one, index) => {
    const field = `${list}[${index}]`
    const [address, host, mode] = [
      textAt(one, 'ip'),
      textAt(one, 'hostname'),
      textAt(one, 'ipMode'),
    ]
    const causes: Cause[] = []
    if (address && isIP(address) === 0) {
      causes.push(cause.invalid(`${field}.ip`, address, 'must be a valid IP address'))
    }
    if (mode && !address) {
      causes.push(cause.forbidden(`${field}.ipMode`, 'may not be specified when `ip` is not set'))
    } else if (mode && mode !== 'VIP' && mode !== 'Proxy') {
      causes.push(cause.notSupported(`${field}.ipMode`, mode, ['Proxy', 'VIP']))
    }
    if (host && isIP(host) !== 0) {
      const why = 'must be a DNS name, not an IP address'
      causes.push(cause.invalid(`${field}.hostname`, host, why))
    } else if (host && !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(host)) {
      causes.push(cause.invalid(`${field}.hostname`, host, SUBDOMAIN_1123))
    }
    return causes
  })
}
