import type { ApiObject } from '../apiserver/object.ts'
import type { Registry } from '../apiserver/registry.ts'
import type { LanHost } from '../lan/hosts.ts'

/** Says to the API server what a kubelet says of its node when it joins. Those that are there already are left alone. */
export function joinNodes(registry: Registry, hosts: readonly LanHost[]): void {
  const nodes = registry.catalog.named('nodes')
  for (const [index, host] of hosts.entries()) {
    const target = { resource: nodes, namespace: '', name: host.name }
    if (registry.store.get(nodes.storage, host.name)) continue
    registry.create(nodes, nodeOf(host, index))
    registry.update(target, 'status', node => ({ ...node, status: statusOf(host) }))
  }
}

function nodeOf({ name }: LanHost, index: number): ApiObject {
  const labels = {
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': process.arch === 'x64' ? 'amd64' : process.arch,
  }
  const podCIDRs = [`10.244.${index}.0/24`, `fd00:244:0:${index}::/64`]
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
    spec: { podCIDR: podCIDRs[0], podCIDRs },
  }
}

function statusOf({ name, ipv4, ipv6 }: LanHost) {
  const now = `${new Date().toISOString().slice(0, 19)}Z`
  const addresses = [
    { type: 'InternalIP', address: ipv4 },
    ...(ipv6 ? [{ type: 'InternalIP', address: ipv6 }] : []),
    { type: 'Hostname', address: name },
  ]
  const times = { lastHeartbeatTime: now, lastTransitionTime: now }
  const ready = { reason: 'SandboxNode', message: 'a network namespace of the sandbox' }
  return {
    addresses,
    conditions: [{ type: 'Ready', status: 'True', ...ready, ...times }],
    nodeInfo: nodeInfo(),
  }
}

/** The fields of core/v1 NodeSystemInfo, all of them required. */
function nodeInfo() {
  return {
    architecture: 'amd64',
    bootID: '',
    containerRuntimeVersion: 'sandbox://0',
    kernelVersion: '',
    kubeProxyVersion: '',
    kubeletVersion: 'v0.0.0-sandbox',
    machineID: '',
    operatingSystem: 'linux',
    osImage: 'Herald sandbox',
    systemUUID: '',
  }
}
