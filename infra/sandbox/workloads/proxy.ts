/** What kube-proxy comes to for the sandbox: which addresses each node binds and where its pages answer. */
import { canonical, familyOf } from '../../../functions/model/address.ts'
import { type ApiObject, at, listAt, textAt, textsAt } from '../apiserver/object.ts'
import type { LanHost } from '../lan/hosts.ts'
import type { NodeListener, NodeState } from '../lan/node.ts'
import { SERVICE_LABEL } from './endpoints.ts'

/** The state wanted of one node, but for its revision. */
export function nodeState(
  host: LanHost,
  services: readonly ApiObject[],
  slices: readonly ApiObject[],
): Omit<NodeState, 'revision'> {
  const endpoints = endpointsByService(slices)
  const addresses = new Set<string>()
  const listeners = services.flatMap(service => {
    for (const address of ingressOf(service)) addresses.add(address)
    return listenersOf(host, service, endpoints.get(keyOf(service)) ?? [])
  })
  return { node: host.name, addresses: [...addresses], listeners }
}

interface Endpoint {
  readonly pod: string
  readonly node: string
  readonly family: string
}

const keyOf = ({ metadata }: ApiObject) => `${metadata.namespace}/${metadata.name}`

/** Those that are ready; absent means ready (discovery.k8s.io/v1 EndpointConditions). */
function endpointsByService(slices: readonly ApiObject[]): Map<string, Endpoint[]> {
  const found = new Map<string, Endpoint[]>()
  for (const slice of slices) {
    const service = slice.metadata.labels?.[SERVICE_LABEL]
    if (!service) continue
    const key = `${slice.metadata.namespace}/${service}`
    const endpoints = found.get(key) ?? []
    found.set(key, endpoints)
    for (const endpoint of listAt(slice, 'endpoints')) {
      if (at(endpoint, 'conditions', 'ready') === false) continue
      endpoints.push({
        pod: textAt(endpoint, 'targetRef', 'name') || (textsAt(endpoint, 'addresses')[0] ?? ''),
        node: textAt(endpoint, 'nodeName'),
        family: textAt(slice, 'addressType'),
      })
    }
  }
  return found
}

function ingressOf(service: ApiObject): string[] {
  if (textAt(service, 'spec', 'type') !== 'LoadBalancer') return []
  return listAt(service, 'status', 'loadBalancer', 'ingress').flatMap(
    ingress => canonical(textAt(ingress, 'ip')) ?? [],
  )
}

/** With externalTrafficPolicy Local, only a node that has an endpoint answers. */
function listenersOf(host: LanHost, service: ApiObject, endpoints: Endpoint[]): NodeListener[] {
  const local = textAt(service, 'spec', 'externalTrafficPolicy') === 'Local'
  const able = endpoints.filter(endpoint => !local || endpoint.node === host.name)
  const answering = (address: string, port: number): NodeListener[] => {
    const family = familyOf(address)
    const pods = able.filter(each => each.family === family).map(each => each.pod)
    if (port <= 0 || pods.length === 0) return []
    return [{ address, port, service: keyOf(service), pods }]
  }
  const own = [host.ipv4, ...(host.ipv6 ? [host.ipv6] : [])]
  return listAt(service, 'spec', 'ports')
    .filter(port => textAt(port, 'protocol') === 'TCP')
    .flatMap(port => [
      ...ingressOf(service).flatMap(address => answering(address, Number(at(port, 'port')))),
      ...own.flatMap(address => answering(address, Number(at(port, 'nodePort') ?? 0))),
    ])
}
