/**
 * The sandbox's API server as a process of its own for scale.ts. Argument: a folder for its files. Told over its channel
 * what to do; answers each order with `Told`.
 */
import { readCrds } from '../../infra/deploy/manifests.ts'
import { startApiServer } from '../../infra/sandbox/apiserver/server.ts'
import { putConfigMap, putService } from '../support/cluster.ts'

export type Order =
  /** Creates so many Services. */
  | { readonly create: number }
  /** Nothing but the figures. */
  | { readonly tell: true }

export interface Told {
  /** Services whose status shows an address. */
  readonly assigned: number
  /** Requests so far that change a Service or say an event. */
  readonly writes: number
}

const POOL = `address-pools:
- name: wide
  protocol: layer2
  addresses:
  - 10.64.0.0/16
`
const WRITES = [
  { verb: 'patch', resource: 'services/status' },
  { verb: 'update', resource: 'services/status' },
  { verb: 'patch', resource: 'services' },
  { verb: 'update', resource: 'services' },
  { verb: 'create', resource: 'events' },
  { verb: 'patch', resource: 'events' },
]

/** There are 2,768 node ports (kube-apiserver, --service-node-port-range). */
const NO_NODE_PORT = { allocateLoadBalancerNodePorts: false }

const api = await startApiServer({ folder: process.argv[2] ?? '' })
for (const crd of readCrds()) {
  api.store.create('customresourcedefinitions.apiextensions.k8s.io', crd)
}
putConfigMap(api, POOL)
const assigned = new Set<string>()
api.store.subscribe(({ object }) => {
  const { status } = object as { status?: { loadBalancer?: { ingress?: unknown[] } } }
  if (status?.loadBalancer?.ingress?.length) assigned.add(object.metadata.name)
  else assigned.delete(object.metadata.name)
}, 'services')

process.on('message', (order: Order) => {
  if ('create' in order) {
    for (let index = 0; index < order.create; index++) putService(api, `web-${index}`, NO_NODE_PORT)
  }
  const writes = WRITES.reduce((sum, match) => sum + api.counters.requests(match), 0)
  process.send?.({ assigned: assigned.size, writes } satisfies Told)
})
process.send?.(api.kubeconfigPath)
