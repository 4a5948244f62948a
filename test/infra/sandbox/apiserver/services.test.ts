import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import {
  at,
  type JsonObject,
  listAt,
  objectAt,
} from '../../../../infra/sandbox/apiserver/object.ts'
import { apiServer, ask } from '../../../support/apiserver.ts'

const SERVICES = '/api/v1/namespaces/default/services'
const server = await apiServer({ after })
let count = 0

const port = { port: 80 }
const web = (spec: JsonObject, metadata: JsonObject = {}) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: `web-${++count}`, ...metadata },
  spec: { selector: { app: 'web' }, ports: [port], ...spec },
})

async function created(spec: JsonObject): Promise<JsonObject> {
  const { status, body } = await ask(server, 'POST', SERVICES, { body: web(spec) })
  assert.equal(status, 201, JSON.stringify(body))
  return objectAt({ body: body as JsonObject }, 'body')
}

async function put(service: JsonObject, spec: JsonObject) {
  const name = at(service, 'metadata', 'name')
  const body = { ...service, spec: { ...objectAt(service, 'spec'), ...spec } }
  return ask(server, 'PUT', `${SERVICES}/${name}`, { body })
}

test('a Service of type LoadBalancer gets the defaults of a real cluster', async () => {
  const service = await created({ type: 'LoadBalancer' })
  const spec = objectAt(service, 'spec')
  const ip = String(spec.clusterIP)
  assert.match(ip, /^10\.96\./)
  const nodePort = Number(at(listAt(spec, 'ports')[0], 'nodePort'))
  assert.ok(nodePort >= 30000 && nodePort <= 32767)
  assert.deepEqual(spec, {
    allocateLoadBalancerNodePorts: true,
    clusterIP: ip,
    clusterIPs: [ip],
    externalTrafficPolicy: 'Cluster',
    internalTrafficPolicy: 'Cluster',
    ipFamilies: ['IPv4'],
    ipFamilyPolicy: 'SingleStack',
    ports: [{ port: 80, protocol: 'TCP', targetPort: 80, nodePort }],
    selector: { app: 'web' },
    sessionAffinity: 'None',
    type: 'LoadBalancer',
  })
  assert.deepEqual(service.status, { loadBalancer: {} })
  assert.equal(at(service, 'metadata', 'generation'), undefined)
})

/** case, spec, what the spec then says */
const families: [string, JsonObject, JsonObject][] = [
  ['nothing asked', {}, { ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' }],
  ['IPv6 asked', { ipFamilies: ['IPv6'] }, { ipFamilies: ['IPv6'], ipFamilyPolicy: 'SingleStack' }],
  [
    'both preferred',
    { ipFamilyPolicy: 'PreferDualStack' },
    { ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'PreferDualStack' },
  ],
  [
    'both required, IPv6 first',
    { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6'] },
    { ipFamilies: ['IPv6', 'IPv4'], ipFamilyPolicy: 'RequireDualStack' },
  ],
  [
    'an IPv6 address asked',
    { clusterIP: 'fd00:10:96::77' },
    { ipFamilies: ['IPv6'], clusterIPs: ['fd00:10:96::77'] },
  ],
  [
    'headless',
    { clusterIP: 'None' },
    { clusterIP: 'None', clusterIPs: ['None'], ipFamilies: ['IPv4'] },
  ],
  [
    'headless without selector',
    { clusterIP: 'None', selector: {} },
    { clusterIPs: ['None'], ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' },
  ],
  [
    'ExternalName',
    { type: 'ExternalName', externalName: 'a.example' },
    { externalName: 'a.example' },
  ],
]

for (const [name, spec, expected] of families) {
  test(`ipFamilies and clusterIPs of a new Service: ${name}`, async () => {
    const got = objectAt(await created(spec), 'spec')
    for (const [field, value] of Object.entries(expected))
      assert.deepEqual(got[field], value, field)
    const addresses = got.clusterIPs
    if (Array.isArray(addresses) && addresses[0] !== 'None') {
      assert.deepEqual(
        addresses.map(address => (String(address).includes(':') ? 'IPv6' : 'IPv4')),
        got.ipFamilies,
      )
    }
  })
}

const LB = { type: 'LoadBalancer' }

/** case, spec, what the refusal says */
const refused: [string, JsonObject, RegExp][] = [
  ['no ports', { ports: [] }, /spec\.ports: Required value/],
  [
    'two ports without names',
    { ports: [port, { port: 81 }] },
    /spec\.ports\[0\]\.name: Required value/,
  ],
  [
    'the same name twice',
    {
      ports: [
        { port: 80, name: 'a' },
        { port: 81, name: 'a' },
      ],
    },
    /spec\.ports\[1\]\.name: Duplicate value: "a"/,
  ],
  [
    'the same port and protocol twice',
    {
      ports: [
        { port: 80, name: 'a' },
        { port: 80, name: 'b' },
      ],
    },
    /spec\.ports\[1\]: Duplicate value/,
  ],
  [
    'port 0',
    { ports: [{ port: 0 }] },
    /spec\.ports\[0\]\.port: Invalid value: 0: must be between 1 and 65535/,
  ],
  [
    'protocol ICMP',
    { ports: [{ port: 1, protocol: 'ICMP' }] },
    /Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"/,
  ],
  [
    'a class on ClusterIP',
    { loadBalancerClass: 'a/b' },
    /spec\.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'/,
  ],
  [
    'a class that is no label',
    { ...LB, loadBalancerClass: 'a b' },
    /spec\.loadBalancerClass: Invalid value: "a b"/,
  ],
  [
    'a headless LoadBalancer',
    { ...LB, clusterIP: 'None' },
    /may not be set to 'None' for LoadBalancer services/,
  ],
  [
    'an unknown family',
    { ipFamilies: ['IPv5'] },
    /spec\.ipFamilies\[0\]: Unsupported value: "IPv5"/,
  ],
  [
    'a family twice',
    { ipFamilies: ['IPv4', 'IPv4'] },
    /spec\.ipFamilies\[1\]: Duplicate value: "IPv4"/,
  ],
  [
    'two families, single stack',
    { ipFamilies: ['IPv4', 'IPv6'] },
    /must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified/,
  ],
  [
    'an address of the other family',
    { ipFamilies: ['IPv6'], clusterIP: '10.96.9.9' },
    /expected an IPv6 value as indicated by `ipFamilies\[0\]`/,
  ],
  ['an address outside the range', { clusterIP: '10.1.2.3' }, /is not in the valid range/],
  ['an address that is taken', { clusterIP: '10.96.0.1' }, /provided IP is already allocated/],
  [
    'a node port outside the range',
    { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] },
    /valid ports is 30000-32767/,
  ],
  [
    'externalTrafficPolicy on ClusterIP',
    { externalTrafficPolicy: 'Local' },
    /may only be set for externally-accessible services/,
  ],
  ['an unknown type', { type: 'Sofa' }, /spec\.type: Unsupported value: "Sofa"/],
  [
    'an unknown policy',
    { ...LB, externalTrafficPolicy: 'Remote' },
    /spec\.externalTrafficPolicy: Unsupported value/,
  ],
  [
    'a range that is no CIDR',
    { ...LB, loadBalancerSourceRanges: ['x'] },
    /spec\.loadBalancerSourceRanges\[0\]: Invalid value: "x"/,
  ],
]

for (const [name, spec, message] of refused) {
  test(`a Service is refused: ${name}`, async () => {
    const { status, body } = await ask(server, 'POST', SERVICES, { body: web(spec) })
    assert.equal(status, 422)
    const told = body as JsonObject
    assert.match(String(told.message), message)
    assert.equal(told.reason, 'Invalid')
    assert.equal(at(told, 'details', 'kind'), 'Service')
  })
}

for (const name of ['1web', 'Web', 'we.b', 'w'.repeat(64)]) {
  test(`a Service may not be called ${name}`, async () => {
    const { status, body } = await ask(server, 'POST', SERVICES, { body: web({}, { name }) })
    assert.equal(status, 422)
    assert.match(String(at(body as JsonObject, 'message')), /metadata\.name: Invalid value/)
  })
}

test('clusterIP and a loadBalancerClass may not change once set; what a PUT leaves out is kept', async () => {
  const service = await created({ ...LB, loadBalancerClass: 'herald.io/a' })
  const other = await put(service, { loadBalancerClass: 'herald.io/b' })
  assert.equal(other.status, 422)
  assert.match(String(at(other.body as JsonObject, 'message')), /may not change once set/)
  const moved = await put(service, { clusterIP: '10.96.3.3', clusterIPs: ['10.96.3.3'] })
  assert.match(
    String(at(moved.body as JsonObject, 'message')),
    /spec\.clusterIPs\[0\]: Invalid value: \["10\.96\.3\.3"\]: may not change once set/,
  )
  const { clusterIP, clusterIPs, ...spec } = objectAt(service, 'spec')
  const bare = { ...service, spec: { ...spec, ports: [{ port: 80, protocol: 'TCP' }] } }
  const name = at(service, 'metadata', 'name')
  const kept = await ask(server, 'PUT', `${SERVICES}/${name}`, { body: bare })
  assert.equal(kept.status, 200)
  assert.deepEqual(objectAt(kept.body as JsonObject, 'spec'), objectAt(service, 'spec'))
})

test('leaving type LoadBalancer empties the status and drops node ports, class and policies', async () => {
  const service = await created({ ...LB, loadBalancerClass: 'a/b', externalTrafficPolicy: 'Local' })
  const name = String(at(service, 'metadata', 'name'))
  assert.ok(Number(objectAt(service, 'spec').healthCheckNodePort) >= 30000)
  server.store.patchStatus('services', 'default', name, {
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } },
  })
  const patch = { spec: { type: 'ClusterIP' } }
  const { status, body } = await ask(server, 'PATCH', `${SERVICES}/${name}`, {
    body: patch,
    type: 'application/merge-patch+json',
  })
  assert.equal(status, 200)
  const spec = objectAt(body as JsonObject, 'spec')
  for (const field of [
    'allocateLoadBalancerNodePorts',
    'loadBalancerClass',
    'externalTrafficPolicy',
    'healthCheckNodePort',
  ]) {
    assert.equal(spec[field], undefined, field)
  }
  assert.deepEqual(spec.ports, [{ port: 80, protocol: 'TCP', targetPort: 80 }])
  assert.deepEqual(at(body as JsonObject, 'status'), { loadBalancer: {} })
})

test('the status subresource changes status and metadata, never the spec', async () => {
  const service = await created(LB)
  const path = `${SERVICES}/${at(service, 'metadata', 'name')}/status`
  const body = {
    metadata: { annotations: { 'metallb.io/ip-allocated-from-pool': 'p' } },
    spec: { type: 'ClusterIP' },
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } },
  }
  const patched = await ask(server, 'PATCH', path, { body, type: 'application/merge-patch+json' })
  assert.equal(patched.status, 200)
  const got = patched.body as JsonObject
  assert.deepEqual(objectAt(got, 'spec'), objectAt(service, 'spec'))
  assert.deepEqual(at(got, 'status', 'loadBalancer', 'ingress'), [
    { ip: '192.0.2.1', ipMode: 'VIP' },
  ])
  assert.equal(objectAt(got, 'metadata', 'annotations')['metallb.io/ip-allocated-from-pool'], 'p')
})

test('status.loadBalancer.ingress is refused for other types and for what is no address', async () => {
  const ingress = (ip: string) => ({ status: { loadBalancer: { ingress: [{ ip }] } } })
  const cluster = await created({})
  const type = 'application/merge-patch+json'
  const wrongType = await ask(
    server,
    'PATCH',
    `${SERVICES}/${at(cluster, 'metadata', 'name')}/status`,
    { body: ingress('192.0.2.1'), type },
  )
  assert.equal(wrongType.status, 422)
  const balancer = await created(LB)
  const noAddress = await ask(
    server,
    'PATCH',
    `${SERVICES}/${at(balancer, 'metadata', 'name')}/status`,
    { body: ingress('prose'), type },
  )
  assert.match(String(at(noAddress.body as JsonObject, 'message')), /must be a valid IP address/)
})

test('cluster IPs and node ports of deleted Services can be had again', async () => {
  const asked = {
    type: 'NodePort',
    clusterIP: '10.96.200.200',
    ports: [{ port: 80, nodePort: 31999 }],
  }
  const first = await created(asked)
  const path = `${SERVICES}/${at(first, 'metadata', 'name')}`
  const second = await ask(server, 'POST', SERVICES, { body: web(asked) })
  assert.equal(second.status, 422)
  const gone = await ask(server, 'DELETE', path)
  assert.equal(at(gone.body as JsonObject, 'kind'), 'Service')
  await created(asked)
})
