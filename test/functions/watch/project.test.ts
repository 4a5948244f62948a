import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  projectConfiguration,
  projectConfigurationState,
  projectNamespace,
  projectNode,
  projectService,
  projectSlice,
  sumSlices,
} from '../../../functions/watch/project.ts'

const metadata = {
  namespace: 'default',
  name: 'web',
  uid: 'u-1',
  resourceVersion: '17',
  creationTimestamp: '2019-02-01T14:15:15Z',
  labels: { app: 'nginx' },
}

test('projectService: keeps what Herald obeys and nothing else', () => {
  const condition = {
    type: 'example.org/Other',
    status: 'True',
    reason: 'Because',
    message: '',
    lastTransitionTime: '2019-02-01T14:15:15Z',
  }
  const service = projectService({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      ...metadata,
      managedFields: [{ manager: 'kubectl' }],
      annotations: {
        'kubectl.kubernetes.io/last-applied-configuration': '{}',
        'metallb.io/address-pool': 'blue',
        'metallb.universe.tf/allow-shared-ip': 'key',
        'herald.io/reserve': '24h',
        'notmetallb.io/x': 'y',
      },
    },
    spec: {
      type: 'LoadBalancer',
      loadBalancerClass: 'example.org/lb',
      clusterIP: '10.96.0.7',
      clusterIPs: ['10.96.0.7', 'fd00::7'],
      ipFamilies: ['IPv4', 'IPv6'],
      ipFamilyPolicy: 'RequireDualStack',
      loadBalancerIP: 'the usual one',
      externalTrafficPolicy: 'Local',
      selector: { app: 'nginx' },
      ports: [{ name: 'dns', port: 53, protocol: 'UDP', targetPort: 53, nodePort: 31796 }],
      sessionAffinity: 'None',
    },
    status: {
      loadBalancer: {
        ingress: [{ ip: '192.168.50.211', ipMode: 'VIP' }, { hostname: 'lb' }, { ip: 'fd00::1' }],
      },
      conditions: [condition],
    },
  })
  assert.deepEqual(service, {
    namespace: 'default',
    name: 'web',
    uid: 'u-1',
    resourceVersion: '17',
    createdMs: Date.UTC(2019, 1, 1, 14, 15, 15),
    type: 'LoadBalancer',
    loadBalancerClass: 'example.org/lb',
    clusterIPs: ['10.96.0.7', 'fd00::7'],
    ipFamilies: ['IPv4', 'IPv6'],
    ipFamilyPolicy: 'RequireDualStack',
    loadBalancerIP: 'the usual one',
    externalTrafficPolicy: 'Local',
    selector: { app: 'nginx' },
    ports: [{ protocol: 'UDP', port: 53 }],
    labels: { app: 'nginx' },
    annotations: {
      'metallb.io/address-pool': 'blue',
      'metallb.universe.tf/allow-shared-ip': 'key',
      'herald.io/reserve': '24h',
    },
    addresses: ['192.168.50.211', 'fd00::1'],
    conditions: [condition],
  })
})

test('projectService: every optional field may be absent or null', () => {
  const bare = projectService({ metadata: { ...metadata, labels: null, annotations: null } })
  assert.deepEqual(bare, {
    namespace: 'default',
    name: 'web',
    uid: 'u-1',
    resourceVersion: '17',
    createdMs: Date.UTC(2019, 1, 1, 14, 15, 15),
    type: 'ClusterIP',
    loadBalancerClass: null,
    clusterIPs: [],
    ipFamilies: [],
    ipFamilyPolicy: null,
    loadBalancerIP: null,
    externalTrafficPolicy: 'Cluster',
    selector: {},
    ports: [],
    labels: {},
    annotations: {},
    addresses: [],
    conditions: [],
  })
})

test('projectService: an API server without clusterIPs says clusterIP', () => {
  assert.deepEqual(projectService({ spec: { clusterIP: '10.0.0.1' } }).clusterIPs, ['10.0.0.1'])
  assert.deepEqual(projectService({ spec: { clusterIP: '' } }).clusterIPs, [])
  assert.deepEqual(projectService({ spec: { clusterIP: 'None' } }).clusterIPs, ['None'])
})

test('projectService: a port without protocol is TCP, and a Date is as good as its text', () => {
  const created = new Date(Date.UTC(2019, 1, 1))
  const service = projectService({
    metadata: { creationTimestamp: created },
    spec: { ports: [{ port: 80 }] },
  })
  assert.deepEqual(service.ports, [{ protocol: 'TCP', port: 80 }])
  assert.equal(service.createdMs, created.getTime())
})

test('projectNode: labels, NetworkUnavailable, and the addresses it has itself', () => {
  const node = projectNode({
    metadata: { name: 'n1', uid: 'u', resourceVersion: '3', labels: { zone: 'a' } },
    status: {
      addresses: [
        { type: 'InternalIP', address: '192.168.50.11' },
        { type: 'ExternalIP', address: '2001:DB8:0::1' },
        { type: 'Hostname', address: '192.168.50.99' },
        { type: 'InternalIP', address: 'unknown' },
      ],
      conditions: [
        { type: 'Ready', status: 'False' },
        { type: 'NetworkUnavailable', status: 'True' },
      ],
    },
  })
  assert.deepEqual(node, {
    name: 'n1',
    uid: 'u',
    resourceVersion: '3',
    labels: { zone: 'a' },
    networkUnavailable: true,
    addresses: ['192.168.50.11', '2001:db8::1'],
  })
  const fine = { status: { conditions: [{ type: 'NetworkUnavailable', status: 'False' }] } }
  assert.equal(projectNode(fine).networkUnavailable, false)
  assert.equal(projectNode({}).networkUnavailable, false)
})

test('projectNamespace: name and labels', () => {
  assert.deepEqual(
    projectNamespace({
      metadata: { name: 'a', uid: 'u', resourceVersion: '1', labels: { team: 'x' } },
    }),
    { name: 'a', uid: 'u', resourceVersion: '1', labels: { team: 'x' } },
  )
})

const endpoints: readonly (readonly [name: string, conditions: unknown, serves: boolean])[] = [
  ['ready', { ready: true }, true],
  ['no conditions at all', undefined, true],
  ['ready unknown', { ready: null }, true],
  ['not ready', { ready: false }, false],
  ['not ready, serving unknown', { ready: false, serving: null }, false],
  ['terminating but serving', { ready: false, serving: true, terminating: true }, true],
  ['terminating, no longer serving', { ready: false, serving: false, terminating: true }, false],
]

for (const [name, conditions, serves] of endpoints) {
  test(`projectSlice: an endpoint that is ${name} can${serves ? '' : 'not'} serve`, () => {
    const slice = projectSlice({
      endpoints: [{ addresses: ['10.1.0.1'], conditions, nodeName: 'n' }],
    })
    assert.equal(slice.any, serves)
    assert.deepEqual(slice.nodes, serves ? ['n'] : [])
  })
}

test('sumSlices: a Service is served wherever any of its slices can serve', () => {
  const slice = (name: string, endpoints: unknown) =>
    projectSlice({
      metadata: { ...metadata, name, labels: { 'kubernetes.io/service-name': 'web' } },
      endpoints,
    })
  const one = slice('web-1', [{ nodeName: 'n2' }, { nodeName: 'n1' }, { nodeName: 'n2' }])
  assert.deepEqual(one, {
    namespace: 'default',
    name: 'web-1',
    uid: 'u-1',
    resourceVersion: '17',
    service: 'web',
    any: true,
    nodes: ['n1', 'n2'],
  })
  const two = slice('web-2', [{ nodeName: 'n0' }, { nodeName: 'n3', conditions: { ready: false } }])
  assert.deepEqual(sumSlices([one, two]), { any: true, nodes: ['n0', 'n1', 'n2'] })
  assert.deepEqual(sumSlices([slice('web-3', null)]), { any: false, nodes: [] })
  assert.deepEqual(sumSlices([slice('elsewhere', [{}])]), { any: true, nodes: [] })
  assert.deepEqual(sumSlices([]), { any: false, nodes: [] })
})

test('projectConfiguration: the spec of an object as it is, and only our annotations', () => {
  const object = projectConfiguration('IPAddressPool', {
    metadata: {
      ...metadata,
      generation: 4,
      annotations: { 'herald.io/cool-down': '0', 'metallb.io/x': 'y' },
    },
    spec: { addresses: ['whatever'] },
    status: { availableIPv4: 3 },
  })
  assert.deepEqual(object, {
    kind: 'IPAddressPool',
    name: 'web',
    uid: 'u-1',
    resourceVersion: '17',
    generation: 4,
    labels: { app: 'nginx' },
    annotations: { 'herald.io/cool-down': '0' },
    spec: { addresses: ['whatever'] },
    status: { availableIPv4: 3 },
  })
  assert.equal(projectConfiguration('L2Advertisement', { metadata }).spec, null)
})

test('projectConfiguration: the text of a ConfigMap, and the keys that it has', () => {
  const content = (object: object) => projectConfiguration('ConfigMap', object).spec
  assert.deepEqual(content({ data: { config: 'a: b\n' } }), { config: 'a: b\n', keys: ['config'] })
  assert.deepEqual(content({ data: { 'config.yaml': '' }, binaryData: { blob: '' } }), {
    config: null,
    keys: ['blob', 'config.yaml'],
  })
  assert.deepEqual(content({}), { config: null, keys: [] })
})

test('anything at all can be projected, and the projection is JSON', () => {
  fc.assert(
    fc.property(fc.anything(), fc.anything(), fc.anything(), (metadata, spec, status) => {
      const object = { metadata, spec, status, data: spec, endpoints: status }
      for (const projected of [
        projectService(object),
        projectService({ spec: { ports: spec, clusterIPs: status }, status: { conditions: spec } }),
        projectNode({ metadata, status: { conditions: spec, addresses: status } }),
        projectNamespace(spec),
        projectSlice(object),
        projectConfiguration('ConfigMap', object),
      ]) {
        if (!('conditions' in projected)) {
          assert.deepEqual(JSON.parse(JSON.stringify(projected)), projected)
        }
      }
    }),
    { numRuns: 500 },
  )
})

test('projectConfigurationState: what its status shows', () => {
  const conditions = [{ type: 'poolReconcilerValid', status: 'True' }]
  assert.deepEqual(
    projectConfigurationState({ metadata, status: { result: 'Valid', conditions } }),
    {
      name: 'web',
      uid: 'u-1',
      resourceVersion: '17',
      result: 'Valid',
      errorSummary: '',
      conditions,
    },
  )
})
