/**
 * What Kubernetes' EndpointSlice controller comes to for the sandbox: one slice for each address family of a Service that
 * has a selector. Slices of a Service without one are the user's.
 */
import {
  type ApiObject,
  at,
  equal,
  type JsonObject,
  listAt,
  objectAt,
  textAt,
  textsAt,
} from '../apiserver/object.ts'
import type { Registry } from '../apiserver/registry.ts'
import { isReady } from './pods.ts'

export const SERVICE_LABEL = 'kubernetes.io/service-name'
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by'
const MANAGER = 'endpointslice-controller.k8s.io'

export function reconcileEndpoints(registry: Registry, namespace: string, name: string): void {
  const slices = registry.catalog.named('endpointslices.discovery.k8s.io')
  const service = registry.store.get('services', `${namespace}/${name}`)
  const families = service && hasSelector(service) ? familiesOf(service) : []
  for (const family of ['IPv4', 'IPv6']) {
    const target = { resource: slices, namespace, name: `${name}-${family.toLowerCase()}` }
    const present = registry.store.get(slices.storage, `${namespace}/${target.name}`)
    if (service && families.includes(family)) {
      const wanted = sliceOf(registry, service, family, target.name)
      if (!present) registry.create(slices, wanted)
      else if (!sameContent(present, wanted)) registry.update(target, '', () => wanted)
    } else if (present?.metadata.labels?.[MANAGED_BY] === MANAGER) registry.delete(target)
  }
}

/** Services whose selector takes the Pod in. */
export function selecting(registry: Registry, pod: ApiObject): ApiObject[] {
  return registry.store
    .list('services')
    .filter(
      service =>
        service.metadata.namespace === pod.metadata.namespace &&
        hasSelector(service) &&
        selects(service, pod),
    )
}

const hasSelector = (service: ApiObject) =>
  Object.keys(objectAt(service, 'spec', 'selector')).length > 0

const selects = (service: ApiObject, pod: ApiObject) =>
  Object.entries(objectAt(service, 'spec', 'selector')).every(
    ([key, value]) => pod.metadata.labels?.[key] === value,
  )

function familiesOf(service: ApiObject): string[] {
  const families = textsAt(service, 'spec', 'ipFamilies')
  return families.length > 0 ? families : ['IPv4']
}

function sliceOf(
  registry: Registry,
  service: ApiObject,
  family: string,
  sliceName: string,
): ApiObject {
  const { name, namespace = '', uid } = service.metadata
  const pods = registry.store
    .list('pods')
    .filter(pod => pod.metadata.namespace === namespace && selects(service, pod))
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: sliceName,
      namespace,
      labels: { [SERVICE_LABEL]: name, [MANAGED_BY]: MANAGER },
      ownerReferences: [
        {
          apiVersion: 'v1',
          kind: 'Service',
          name,
          uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    addressType: family,
    endpoints: pods.flatMap(pod => endpointOf(pod, family)),
    ports: listAt(service, 'spec', 'ports').flatMap(port => portOf(port, pods)),
  }
}

function endpointOf(pod: ApiObject, family: string): JsonObject[] {
  const addresses = listAt(pod, 'status', 'podIPs')
    .map(each => textAt(each, 'ip'))
    .filter(ip => ip.includes(':') === (family === 'IPv6'))
  if (addresses.length === 0) return []
  const ready = isReady(pod) && !pod.metadata.deletionTimestamp
  const { name, namespace, uid } = pod.metadata
  return [
    {
      addresses,
      conditions: { ready, serving: isReady(pod), terminating: !!pod.metadata.deletionTimestamp },
      nodeName: textAt(pod, 'spec', 'nodeName'),
      targetRef: { kind: 'Pod', name, namespace, uid },
    },
  ]
}

/** A target port by name is the one that the first Pod gives that name. */
function portOf(port: ReturnType<typeof at>, pods: readonly ApiObject[]): JsonObject[] {
  const target = at(port, 'targetPort')
  const named = listAt(pods[0], 'spec', 'containers')
    .flatMap(container => listAt(container, 'ports'))
    .find(each => textAt(each, 'name') === target)
  const number = typeof target === 'number' ? target : at(named, 'containerPort')
  if (typeof number !== 'number') return []
  return [{ name: textAt(port, 'name'), port: number, protocol: textAt(port, 'protocol') || 'TCP' }]
}

function sameContent(present: ApiObject, next: ApiObject): boolean {
  return (
    equal(listAt(present, 'endpoints'), listAt(next, 'endpoints')) &&
    equal(listAt(present, 'ports'), listAt(next, 'ports'))
  )
}
