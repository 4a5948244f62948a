import {
  address,
  age,
  containers,
  endpoints,
  eventAge,
  joined,
  nodeRoles,
  nodeStatus,
  portList,
  ready,
  servicePorts,
  since,
  subsets,
} from './cells.ts'
import { type ApiObject, at, type Json, listAt, objectAt, textAt } from './object.ts'

/** One column of `kubectl get`; `wide` ones are shown with `-o wide` only. */
export interface Column {
  readonly name: string
  readonly type: string
  readonly format?: string
  readonly description?: string
  readonly wide?: boolean
  readonly cell: (object: ApiObject) => Json
}

/** The columns of a built-in resource as kubectl 1.35 prints them (k8s.io/kubernetes/pkg/printers/internalversion). */
export function columnsOf(storage: string): readonly Column[] {
  return COLUMNS[storage] ?? [NAME, AGE]
}

export const NAME: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  cell: object => object.metadata.name,
}

export const AGE: Column = { name: 'Age', type: 'string', cell: age }

function text(name: string, cell: Column['cell'] | string, wide = false): Column {
  if (typeof cell !== 'string') return { name, type: 'string', wide, cell }
  const path = cell.split('.')
  return { name, type: 'string', wide, cell: object => textAt(object, ...path) || '<none>' }
}

function number(name: string, path: string): Column {
  const fields = path.split('.')
  return { name, type: 'integer', cell: object => Number(at(object, ...fields) ?? 0) }
}

const wide = (name: string, cell: Column['cell'] | string) => text(name, cell, true)

const selector = (object: ApiObject) => {
  const labels = objectAt(object, 'spec', 'selector', 'matchLabels')
  const pairs = Object.entries(
    Object.keys(labels).length ? labels : objectAt(object, 'spec', 'selector'),
  )
  return joined(
    pairs.filter(([, value]) => typeof value === 'string').map(([key, value]) => `${key}=${value}`),
  )
}

const image = (field: 'name' | 'image') => (object: ApiObject) => containers(object, field)

const replicas = (name: string, path: string) => number(name, path)

const roleRef: Column = text('Role', binding => {
  return `${textAt(binding, 'roleRef', 'kind')}/${textAt(binding, 'roleRef', 'name')}`
})

const CREATED: Column = text('Created At', object => object.metadata.creationTimestamp ?? '')

const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  namespaces: [NAME, text('Status', 'status.phase'), AGE],
  services: [
    NAME,
    text('Type', 'spec.type'),
    text('Cluster-IP', 'spec.clusterIP'),
    text('External-IP', address),
    text('Port(s)', servicePorts),
    AGE,
    wide('Selector', selector),
  ],
  nodes: [
    NAME,
    text('Status', nodeStatus),
    text('Roles', nodeRoles),
    AGE,
    text('Version', node => textAt(node, 'status', 'nodeInfo', 'kubeletVersion')),
    wide('Internal-IP', node => nodeAddress(node, 'InternalIP')),
    wide('External-IP', node => nodeAddress(node, 'ExternalIP')),
    wide('OS-Image', node => textAt(node, 'status', 'nodeInfo', 'osImage') || '<unknown>'),
    wide(
      'Kernel-Version',
      node => textAt(node, 'status', 'nodeInfo', 'kernelVersion') || '<unknown>',
    ),
    wide('Container-Runtime', node => {
      return textAt(node, 'status', 'nodeInfo', 'containerRuntimeVersion') || '<unknown>'
    }),
  ],
  configmaps: [
    NAME,
    {
      name: 'Data',
      type: 'integer',
      cell: map =>
        Object.keys(objectAt(map, 'data')).length + Object.keys(objectAt(map, 'binaryData')).length,
    },
    AGE,
  ],
  secrets: [
    NAME,
    text('Type', 'type'),
    { name: 'Data', type: 'integer', cell: secret => Object.keys(objectAt(secret, 'data')).length },
    AGE,
  ],
  serviceaccounts: [
    NAME,
    { name: 'Secrets', type: 'integer', cell: account => listAt(account, 'secrets').length },
    AGE,
  ],
  pods: [
    NAME,
    text('Ready', ready),
    text('Status', pod => textAt(pod, 'status', 'reason') || textAt(pod, 'status', 'phase')),
    text('Restarts', pod => {
      const counts = listAt(pod, 'status', 'containerStatuses').map(one =>
        Number(at(one, 'restartCount') ?? 0),
      )
      return String(counts.reduce((sum, count) => sum + count, 0))
    }),
    AGE,
    wide('IP', 'status.podIP'),
    wide('Node', 'spec.nodeName'),
    wide('Nominated Node', 'status.nominatedNodeName'),
    wide('Readiness Gates', () => '<none>'),
  ],
  endpoints: [NAME, text('Endpoints', subsets), AGE],
  'endpointslices.discovery.k8s.io': [
    NAME,
    text('AddressType', 'addressType'),
    text('Ports', portList),
    text('Endpoints', endpoints),
    AGE,
  ],
  events: [
    { name: 'Last Seen', type: 'string', cell: eventAge },
    text('Type', 'type'),
    text('Reason', 'reason'),
    text('Object', event => {
      const regarded = at(event, 'involvedObject') ?? at(event, 'regarding')
      return `${textAt(regarded, 'kind').toLowerCase()}/${textAt(regarded, 'name')}`
    }),
    wide(
      'Subobject',
      event =>
        textAt(event, 'involvedObject', 'fieldPath') || textAt(event, 'regarding', 'fieldPath'),
    ),
    wide(
      'Source',
      event =>
        textAt(event, 'source', 'component') ||
        textAt(event, 'reportingComponent') ||
        textAt(event, 'reportingController'),
    ),
    text('Message', event => (textAt(event, 'message') || textAt(event, 'note')).trim()),
    wide('First Seen', event =>
      since(textAt(event, 'firstTimestamp') || textAt(event, 'eventTime')),
    ),
    wide('Count', event => textAt(event, 'count') || textAt(event, 'series', 'count') || '1'),
    { ...NAME, wide: true },
  ],
  'deployments.apps': [
    NAME,
    text('Ready', deployment => {
      return `${Number(at(deployment, 'status', 'readyReplicas') ?? 0)}/${Number(at(deployment, 'spec', 'replicas') ?? 0)}`
    }),
    replicas('Up-to-date', 'status.updatedReplicas'),
    replicas('Available', 'status.availableReplicas'),
    AGE,
    wide('Containers', image('name')),
    wide('Images', image('image')),
    wide('Selector', selector),
  ],
  'replicasets.apps': [
    NAME,
    replicas('Desired', 'spec.replicas'),
    replicas('Current', 'status.replicas'),
    replicas('Ready', 'status.readyReplicas'),
    AGE,
    wide('Containers', image('name')),
    wide('Images', image('image')),
    wide('Selector', selector),
  ],
  'daemonsets.apps': [
    NAME,
    replicas('Desired', 'status.desiredNumberScheduled'),
    replicas('Current', 'status.currentNumberScheduled'),
    replicas('Ready', 'status.numberReady'),
    replicas('Up-to-date', 'status.updatedNumberScheduled'),
    replicas('Available', 'status.numberAvailable'),
    text('Node Selector', set => {
      const pairs = Object.entries(objectAt(set, 'spec', 'template', 'spec', 'nodeSelector'))
      return joined(pairs.map(([key, value]) => `${key}=${value}`))
    }),
    AGE,
    wide('Containers', image('name')),
    wide('Images', image('image')),
    wide('Selector', selector),
  ],
  'statefulsets.apps': [
    NAME,
    text('Ready', set => {
      return `${Number(at(set, 'status', 'readyReplicas') ?? 0)}/${Number(at(set, 'spec', 'replicas') ?? 0)}`
    }),
    AGE,
    wide('Containers', image('name')),
    wide('Images', image('image')),
  ],
  'leases.coordination.k8s.io': [NAME, text('Holder', 'spec.holderIdentity'), AGE],
  'roles.rbac.authorization.k8s.io': [NAME, CREATED],
  'clusterroles.rbac.authorization.k8s.io': [NAME, CREATED],
  'rolebindings.rbac.authorization.k8s.io': [NAME, roleRef, AGE],
  'clusterrolebindings.rbac.authorization.k8s.io': [NAME, roleRef, AGE],
  'customresourcedefinitions.apiextensions.k8s.io': [NAME, CREATED],
  'validatingwebhookconfigurations.admissionregistration.k8s.io': [
    NAME,
    { name: 'Webhooks', type: 'integer', cell: one => listAt(one, 'webhooks').length },
    AGE,
  ],
  'networkpolicies.networking.k8s.io': [
    NAME,
    text('Pod-Selector', policy => {
      const pairs = Object.entries(objectAt(policy, 'spec', 'podSelector', 'matchLabels'))
      return joined(pairs.map(([key, value]) => `${key}=${value}`))
    }),
    AGE,
  ],
  'poddisruptionbudgets.policy': [
    NAME,
    text('Min Available', budget => textAt(budget, 'spec', 'minAvailable') || 'N/A'),
    text('Max Unavailable', budget => textAt(budget, 'spec', 'maxUnavailable') || 'N/A'),
    replicas('Allowed Disruptions', 'status.disruptionsAllowed'),
    AGE,
  ],
}

function nodeAddress(node: ApiObject, type: string): string {
  const found = listAt(node, 'status', 'addresses').find(one => textAt(one, 'type') === type)
  return textAt(found, 'address') || '<none>'
}
