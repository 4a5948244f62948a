import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type ApiObject, at, listAt, textAt } from '../../../../infra/sandbox/apiserver/object.ts'
import { Registry } from '../../../../infra/sandbox/apiserver/registry.ts'
import { serviceStrategy } from '../../../../infra/sandbox/apiserver/services.ts'
import { Store } from '../../../../infra/sandbox/apiserver/store.ts'
import { HOSTS } from '../../../../infra/sandbox/lan/hosts.ts'
import type { NodeState } from '../../../../infra/sandbox/lan/node.ts'
import { runWorkloads, type Workloads } from '../../../../infra/sandbox/workloads/controller.ts'
import { eventually } from '../../../support/eventually.ts'

describe('the workloads of the sandbox', () => {
  let registry: Registry
  let workloads: Workloads
  let nodes: Map<string, NodeState>
  beforeEach(() => {
    registry = new Registry(new Store(1000))
    registry.use('services', serviceStrategy(registry.store, ['10.96.0.0/16', 'fd00:96::/108']))
    create('namespaces', { metadata: { name: 'default' } })
    nodes = new Map()
    workloads = runWorkloads({
      registry,
      hosts: HOSTS.nodes,
      tellNode: state => nodes.set(state.node, state),
      onFault: error => assert.fail(String(error)),
    })
  })
  afterEach(() => workloads.close())

  const create = (storage: string, object: object) => {
    const resource = registry.catalog.named(storage)
    const version = resource.group ? `${resource.group}/${resource.version}` : resource.version
    const named = { apiVersion: version, kind: resource.kind, ...object } as ApiObject
    if (resource.namespaced) named.metadata.namespace = 'default'
    return registry.create(resource, named)
  }
  const update = (storage: string, name: string, part: object, subresource: 'status' | '' = '') =>
    registry.update(target(storage, name), subresource, old => ({ ...old, ...part }))
  const target = (storage: string, name: string) => {
    const resource = registry.catalog.named(storage)
    return { resource, namespace: resource.namespaced ? 'default' : '', name }
  }
  const deploy = (replicas: number) =>
    create('deployments.apps', {
      metadata: { name: 'nginx' },
      spec: {
        replicas,
        selector: { matchLabels: { app: 'nginx' } },
        template: {
          metadata: { labels: { app: 'nginx' } },
          spec: { containers: [{ name: 'nginx', image: 'nginx', ports: [{ containerPort: 80 }] }] },
        },
      },
    })
  const serve = (spec: object = {}) =>
    create('services', {
      metadata: { name: 'nginx' },
      spec: { type: 'LoadBalancer', selector: { app: 'nginx' }, ports: [{ port: 80 }], ...spec },
    })
  const assign = (...ips: string[]) =>
    update(
      'services',
      'nginx',
      { status: { loadBalancer: { ingress: ips.map(ip => ({ ip })) } } },
      'status',
    )
  const pods = () => registry.store.list('pods')
  const slice = (family = 'ipv4') =>
    registry.store.get('endpointslices.discovery.k8s.io', `default/nginx-${family}`)
  const answering = () =>
    [...nodes.values()]
      .filter(state => state.listeners.some(each => each.address === '192.168.50.211'))
      .map(state => state.node)

  it('joins three nodes with the addresses of the LAN', () => {
    const node = registry.store.get('nodes', 'node-a') ?? undefined
    const addresses = listAt(node, 'status', 'addresses').map(each => textAt(each, 'address'))
    assert.ok(addresses.includes('192.168.50.124'))
    assert.equal(registry.store.list('nodes').length, 3)
  })

  it('gives a Deployment running Pods, spread over the nodes, and says so in its status', async () => {
    deploy(3)
    await eventually(() => {
      assert.deepEqual(
        pods()
          .map(pod => textAt(pod, 'spec', 'nodeName'))
          .sort(),
        ['node-a', 'node-b', 'node-c'],
      )
      const deployment = registry.store.get('deployments.apps', 'default/nginx') ?? undefined
      assert.equal(at(deployment, 'status', 'availableReplicas'), 3)
      assert.equal(at(deployment, 'status', 'observedGeneration'), 1)
    })
    assert.equal(new Set(pods().map(pod => textAt(pod, 'status', 'podIP'))).size, 3)
  })

  it('follows scale, template and deletion, and replaces a deleted Pod', async () => {
    const made = deploy(3)
    await eventually(() => assert.equal(pods().length, 3))
    update('deployments.apps', 'nginx', { spec: { ...(made.spec as object), replicas: 1 } })
    await eventually(() => assert.equal(pods().length, 1))
    const [only] = pods()
    registry.delete(target('pods', only?.metadata.name ?? ''))
    await eventually(() => {
      assert.equal(pods().length, 1)
      assert.notEqual(pods()[0]?.metadata.name, only?.metadata.name)
    })
    registry.delete(target('deployments.apps', 'nginx'))
    await eventually(() => assert.equal(pods().length, 0))
  })

  it('keeps an EndpointSlice for each family of a Service with a selector', async () => {
    deploy(2)
    serve({ ipFamilyPolicy: 'RequireDualStack' })
    await eventually(() => {
      assert.equal(listAt(slice() ?? undefined, 'endpoints').length, 2)
      assert.equal(textAt(slice('ipv6') ?? undefined, 'addressType'), 'IPv6')
    })
    const [endpoint] = listAt(slice() ?? undefined, 'endpoints')
    assert.deepEqual(at(endpoint, 'conditions'), { ready: true, serving: true, terminating: false })
    registry.delete(target('services', 'nginx'))
    await eventually(() => assert.equal(slice(), null))
  })

  it('leaves the slices of a Service without selector to the user', async () => {
    serve({ selector: {} })
    create('endpointslices.discovery.k8s.io', {
      metadata: { name: 'nginx-ipv4', labels: { 'kubernetes.io/service-name': 'nginx' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.244.0.9'], nodeName: 'node-b' }],
    })
    assign('192.168.50.211')
    await eventually(() => assert.equal(answering().length, 3))
    assert.ok(slice())
  })

  it('lets every node bind the address and answer, with externalTrafficPolicy Cluster', async () => {
    deploy(1)
    serve()
    assign('192.168.50.211')
    await eventually(() => assert.deepEqual(answering(), ['node-a', 'node-b', 'node-c']))
    for (const state of nodes.values()) assert.deepEqual(state.addresses, ['192.168.50.211'])
    const service = registry.store.get('services', 'default/nginx') ?? undefined
    const nodePort = Number(at(listAt(service, 'spec', 'ports')[0], 'nodePort'))
    const own = nodes.get('node-a')?.listeners.find(each => each.address === '192.168.50.124')
    assert.equal(own?.port, nodePort)
  })

  it('lets only nodes with an endpoint answer, with externalTrafficPolicy Local', async () => {
    deploy(1)
    serve({ externalTrafficPolicy: 'Local' })
    assign('192.168.50.211')
    await eventually(() => assert.deepEqual(answering(), [textAt(pods()[0], 'spec', 'nodeName')]))
    for (const state of nodes.values()) assert.deepEqual(state.addresses, ['192.168.50.211'])
  })

  it('unbinds an address that the status no longer shows, and answers for none without endpoints', async () => {
    deploy(1)
    serve()
    assign('192.168.50.211')
    await eventually(() => assert.equal(answering().length, 3))
    registry.delete(target('deployments.apps', 'nginx'))
    await eventually(() => assert.equal(answering().length, 0))
    assign()
    await eventually(() => {
      for (const state of nodes.values()) assert.deepEqual(state.addresses, [])
    })
  })
})
