/** What the scheduler and the kubelets come to for the sandbox: each Pod gets a node and addresses, and runs at once. */
import { type ApiObject, at, isObject, listAt, textAt } from '../apiserver/object.ts'
import type { Registry } from '../apiserver/registry.ts'

/** Returns without a change when the Pod runs already, or when there is no node to run it. */
export function runPod(registry: Registry, namespace: string, name: string): void {
  const pods = registry.catalog.named('pods')
  const pod = registry.store.get(pods.storage, `${namespace}/${name}`)
  if (!pod || textAt(pod, 'status', 'phase') === 'Running') return
  const node = textAt(pod, 'spec', 'nodeName') || leastBusyNode(registry, pod)
  if (!node) return
  const target = { resource: pods, namespace, name }
  registry.update(target, '', before => ({
    ...before,
    spec: { ...(isObject(before.spec) ? before.spec : {}), nodeName: node },
  }))
  registry.update(target, 'status', before => ({
    ...before,
    status: runningStatus(before, addressesFor(registry, node), hostOf(registry, node)),
  }))
}

export function isReady(pod: ApiObject): boolean {
  return listAt(pod, 'status', 'conditions').some(
    condition => at(condition, 'type') === 'Ready' && at(condition, 'status') === 'True',
  )
}

/** The node with the fewest Pods of the same labels, then with the fewest Pods, then by name. */
function leastBusyNode(registry: Registry, pod: ApiObject): string | null {
  const kin = JSON.stringify(pod.metadata.labels ?? {})
  const count = (node: string, only: (other: ApiObject) => boolean) =>
    registry.store.list('pods').filter(it => textAt(it, 'spec', 'nodeName') === node && only(it))
      .length
  const [best] = registry.store
    .list('nodes')
    .filter(node => at(node, 'spec', 'unschedulable') !== true)
    .map(({ metadata: { name } }) => ({
      name,
      alike: count(name, other => JSON.stringify(other.metadata.labels ?? {}) === kin),
      all: count(name, () => true),
    }))
    .sort((a, b) => a.alike - b.alike || a.all - b.all || (a.name < b.name ? -1 : 1))
  return best?.name ?? null
}

/** The first free addresses of the node's podCIDRs, which are a /24 and a /64 (nodes.ts). */
function addressesFor(registry: Registry, node: string): string[] {
  const cidrs = listAt(registry.store.get('nodes', node) ?? undefined, 'spec', 'podCIDRs')
  const prefixes = cidrs.map(cidr => String(cidr).replace(/0?\/\d+$/, ''))
  const taken = new Set(
    registry.store
      .list('pods')
      .flatMap(pod => listAt(pod, 'status', 'podIPs').map(each => textAt(each, 'ip'))),
  )
  for (let number = 2; ; number++) {
    const addresses = prefixes.map(prefix => `${prefix}${number}`)
    if (addresses.every(address => !taken.has(address))) return addresses
  }
}

function hostOf(registry: Registry, node: string): string {
  const addresses = listAt(registry.store.get('nodes', node) ?? undefined, 'status', 'addresses')
  return textAt(
    addresses.find(address => at(address, 'type') === 'InternalIP'),
    'address',
  )
}

function runningStatus(pod: ApiObject, addresses: readonly string[], hostIP: string) {
  const now = `${new Date().toISOString().slice(0, 19)}Z`
  const holds = (type: string) => ({ type, status: 'True', lastTransitionTime: now })
  return {
    phase: 'Running',
    hostIP,
    podIP: addresses[0],
    podIPs: addresses.map(ip => ({ ip })),
    startTime: now,
    conditions: ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map(holds),
    containerStatuses: listAt(pod, 'spec', 'containers').map(container => ({
      name: textAt(container, 'name'),
      image: textAt(container, 'image'),
      imageID: '',
      ready: true,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: now } },
    })),
  }
}
