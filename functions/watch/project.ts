/**
 * Kubernetes objects, as the API server writes them, down to the fields that Herald obeys. Any optional
 * field may be absent or null, and whatever has the wrong type counts as absent: nothing here throws.
 */
import { canonical } from '../model/address.ts'
import type { ConfigurationObject } from '../model/configuration.ts'
import type { Endpoints, Namespace, Node } from '../model/node.ts'
import type { Labels } from '../model/selector.ts'
import type { Condition, Service, ServicePort } from '../model/service.ts'
import type { ConfigurationState } from '../publish/configuration-state.ts'
import type { L2Status } from '../publish/l2-status.ts'

/** One EndpointSlice (discovery.k8s.io/v1) of a Service. */
export interface Slice extends Endpoints {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  /** Name of the Service in the same namespace; '' when the slice names none. */
  readonly service: string
}

export function projectService(object: unknown): Service {
  const spec = at(object, 'spec')
  const status = at(object, 'status')
  return {
    ...identityOf(object),
    namespace: text(at(object, 'metadata', 'namespace')),
    createdMs: msOf(at(object, 'metadata', 'creationTimestamp')),
    type: text(at(spec, 'type')) || 'ClusterIP',
    loadBalancerClass: text(at(spec, 'loadBalancerClass')) || null,
    clusterIPs: clusterIPsOf(spec),
    ipFamilies: texts(at(spec, 'ipFamilies')),
    ipFamilyPolicy: POLICIES.find(policy => policy === at(spec, 'ipFamilyPolicy')) ?? null,
    loadBalancerIP: text(at(spec, 'loadBalancerIP')) || null,
    externalTrafficPolicy: at(spec, 'externalTrafficPolicy') === 'Local' ? 'Local' : 'Cluster',
    selector: textsByKey(at(spec, 'selector')),
    ports: list(at(spec, 'ports')).map(portOf),
    labels: textsByKey(at(object, 'metadata', 'labels')),
    annotations: annotationsOf(object, ['metallb.io/', 'metallb.universe.tf/', 'herald.io/']),
    addresses: list(at(status, 'loadBalancer', 'ingress'))
      .map(ingress => text(at(ingress, 'ip')))
      .filter(ip => ip !== ''),
    conditions: list(at(status, 'conditions')).filter(isCondition),
  }
}

export function projectNode(object: unknown): Node {
  return {
    ...identityOf(object),
    labels: textsByKey(at(object, 'metadata', 'labels')),
    networkUnavailable: list(at(object, 'status', 'conditions')).some(
      condition =>
        at(condition, 'type') === 'NetworkUnavailable' && at(condition, 'status') === 'True',
    ),
    addresses: list(at(object, 'status', 'addresses'))
      .filter(one => ['InternalIP', 'ExternalIP'].includes(text(at(one, 'type'))))
      .map(one => canonical(text(at(one, 'address'))))
      .filter(address => address !== null),
  }
}

export function projectNamespace(object: unknown): Namespace {
  return { ...identityOf(object), labels: textsByKey(at(object, 'metadata', 'labels')) }
}

export function projectSlice(object: unknown): Slice {
  const serving = list(at(object, 'endpoints')).filter(canServe)
  return {
    ...identityOf(object),
    namespace: text(at(object, 'metadata', 'namespace')),
    service: text(at(object, 'metadata', 'labels', 'kubernetes.io/service-name')),
    any: serving.length > 0,
    nodes: distinct(serving.map(endpoint => text(at(endpoint, 'nodeName')))),
  }
}

/** Where a Service can be served, from all of its slices. */
export function sumSlices(slices: readonly Slice[]): Endpoints {
  return {
    any: slices.some(slice => slice.any),
    nodes: distinct(slices.flatMap(slice => slice.nodes)),
  }
}

export function projectConfiguration(
  kind: ConfigurationObject['kind'],
  object: unknown,
): ConfigurationObject {
  const generation = at(object, 'metadata', 'generation')
  return {
    ...identityOf(object),
    kind,
    generation: typeof generation === 'number' ? generation : 0,
    labels: textsByKey(at(object, 'metadata', 'labels')),
    annotations: annotationsOf(object, ['herald.io/']),
    spec: kind === 'ConfigMap' ? contentOf(object) : (at(object, 'spec') ?? null),
    status: kind === 'ConfigMap' ? null : (at(object, 'status') ?? null),
  }
}

export function projectConfigurationState(object: unknown): ConfigurationState {
  const status = at(object, 'status')
  return {
    ...identityOf(object),
    result: text(at(status, 'result')),
    errorSummary: text(at(status, 'errorSummary')),
    conditions: list(at(status, 'conditions')).filter(isCondition),
  }
}

export function projectL2Status(object: unknown): L2Status {
  const { name, resourceVersion } = identityOf(object)
  const status = at(object, 'status')
  return {
    name,
    resourceVersion,
    service: `${text(at(status, 'serviceNamespace'))}/${text(at(status, 'serviceName'))}`,
    node: text(at(status, 'node')),
    interfaces: list(at(status, 'interfaces')).map(one => text(at(one, 'name'))),
  }
}

const POLICIES = ['SingleStack', 'PreferDualStack', 'RequireDualStack'] as const
const PROTOCOLS = ['TCP', 'UDP', 'SCTP'] as const

/** As MetalLB: ready unless said otherwise, or still serving while it terminates. */
function canServe(endpoint: unknown): boolean {
  const ready = at(endpoint, 'conditions', 'ready') ?? true
  return ready === true || at(endpoint, 'conditions', 'serving') === true
}

/** The keys tell a reader whose ConfigMap lacks `config` what it has instead. */
function contentOf(object: unknown): { config: string | null; keys: readonly string[] } {
  const data = at(object, 'data')
  const config = at(data, 'config')
  const keys = [data, at(object, 'binaryData')].flatMap(one =>
    Object.keys(isRecord(one) ? one : {}),
  )
  return { config: typeof config === 'string' ? config : null, keys: distinct(keys) }
}

function clusterIPsOf(spec: unknown): readonly string[] {
  const several = texts(at(spec, 'clusterIPs'))
  return several.length > 0 ? several : texts([at(spec, 'clusterIP')])
}

function portOf(port: unknown): ServicePort {
  const number = at(port, 'port')
  return {
    protocol: PROTOCOLS.find(protocol => protocol === at(port, 'protocol')) ?? 'TCP',
    port: typeof number === 'number' ? number : 0,
  }
}

function identityOf(object: unknown): { name: string; uid: string; resourceVersion: string } {
  const metadata = at(object, 'metadata')
  return {
    name: text(at(metadata, 'name')),
    uid: text(at(metadata, 'uid')),
    resourceVersion: text(at(metadata, 'resourceVersion')),
  }
}

function annotationsOf(object: unknown, prefixes: readonly string[]): Labels {
  const all = textsByKey(at(object, 'metadata', 'annotations'))
  const ours: Record<string, string> = {}
  for (const key in all) {
    const value = all[key]
    if (value !== undefined && prefixes.some(prefix => key.startsWith(prefix))) ours[key] = value
  }
  return ours
}

/** The client library turns times into Date; the wire has RFC 3339 text. */
function msOf(time: unknown): number {
  const ms = time instanceof Date ? time.getTime() : Date.parse(text(time))
  return Number.isNaN(ms) ? 0 : ms
}

function isCondition(value: unknown): value is Condition {
  return text(at(value, 'type')) !== '' && text(at(value, 'status')) !== ''
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value at a path of own keys; undefined as soon as one is missing. */
function at(value: unknown, ...path: readonly string[]): unknown {
  let found = value
  for (const key of path) {
    if (!isRecord(found) || !Object.hasOwn(found, key)) return undefined
    found = found[key]
  }
  return found
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const texts = (value: unknown): string[] =>
  list(value).filter(one => typeof one === 'string' && one !== '') as string[]

function textsByKey(value: unknown): Labels {
  const entries = Object.entries(isRecord(value) ? value : {})
  return Object.fromEntries(
    entries.flatMap(([key, one]) => (typeof one === 'string' ? [[key, one]] : [])),
  )
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)].filter(name => name !== '').sort()
}
