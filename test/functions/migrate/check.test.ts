import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ClusterFound, check } from '../../../functions/migrate/check.ts'
import { projectConfiguration, projectService } from '../../../functions/watch/project.ts'

const pool = (name: string, addresses: readonly string[], spec: object = {}) =>
  projectConfiguration('IPAddressPool', { metadata: { name }, spec: { addresses, ...spec } })
const advertisement = (name: string, spec: object = {}) =>
  projectConfiguration('L2Advertisement', { metadata: { name }, spec })
const configMap = projectConfiguration('ConfigMap', {
  metadata: { name: 'config' },
  data: { config: 'address-pools: [{name: a, protocol: layer2, addresses: [10.0.0.0/24]}]' },
})

const service = (address: string | null, spec: object = {}, annotations: object = {}) =>
  projectService({
    metadata: { namespace: 'default', name: 'web', uid: 'u', annotations },
    spec: {
      type: 'LoadBalancer',
      clusterIPs: ['10.96.0.7'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      ports: [{ port: 80 }],
      ...spec,
    },
    status: { loadBalancer: { ingress: address === null ? [] : [{ ip: address }] } },
  })

const SERVED: ClusterFound = {
  objects: [pool('a', ['192.0.2.0/28']), advertisement('all')],
  peers: [],
  services: [service('192.0.2.3')],
  namespaceLabels: new Map([['default', {}]]),
  nodeAddresses: ['192.0.2.100'],
  metallbPods: [],
}

/** case, how the cluster differs, class, subject and words of the only change (null: none) */
const cases: readonly (readonly [
  string,
  Partial<ClusterFound>,
  string | null,
  readonly [string, RegExp] | null,
])[] = [
  ['all is served', {}, null, null],
  ['a Service of another type', { services: [service(null, { type: 'ClusterIP' })] }, null, null],
  [
    'the old ConfigMap alone',
    { objects: [configMap], services: [service('10.0.0.9')] },
    null,
    null,
  ],
  [
    'an address in no pool',
    { services: [service('198.51.100.1')] },
    null,
    ['Service default/web', /would lose 198\.51\.100\.1: no pool contains/],
  ],
  [
    'a pool for other namespaces',
    {
      objects: [
        pool('a', ['192.0.2.0/28'], { serviceAllocation: { namespaces: ['other'] } }),
        advertisement('all'),
      ],
    },
    null,
    ['Service default/web', /would lose 192\.0\.2\.3: pool "a".*does not admit/],
  ],
  [
    'a Service that waits',
    { services: [service(null)] },
    null,
    ['Service default/web', /waits, and would get an address/],
  ],
  [
    'a class that is not ours',
    { services: [service('192.0.2.3', { loadBalancerClass: 'metallb' })] },
    null,
    ['Service default/web', /loadBalancerClass "metallb".*--load-balancer-class metallb/],
  ],
  [
    'a class that is ours',
    { services: [service('192.0.2.3', { loadBalancerClass: 'x' })] },
    'x',
    null,
  ],
  [
    'no class where one is asked for',
    {},
    'x',
    ['Service default/web', /has no loadBalancerClass.*start it without one/],
  ],
  [
    'no advertisement for its pool',
    { objects: [pool('a', ['192.0.2.0/28']), advertisement('other', { ipAddressPools: ['b'] })] },
    null,
    ['Service default/web', /keep 192\.0\.2\.3, but no L2Advertisement/],
  ],
  ['a peer', { peers: ['tor'] }, null, ['BGPPeer tor', /not served yet/]],
  [
    'a pool that is refused',
    { objects: [...SERVED.objects, pool('bad', ['10.0.0.9-10.0.0.1'])] },
    null,
    ['IPAddressPool bad', /would refuse it: /],
  ],
  [
    'nothing configured',
    { objects: [], services: [] },
    null,
    ['Configuration', /neither an IPAddressPool nor a ConfigMap/],
  ],
]

for (const [name, differs, loadBalancerClass, expected] of cases) {
  test(`${name}: ${expected === null ? 'nothing would change' : 'it is said'}`, () => {
    const { changes } = check({ ...SERVED, ...differs }, loadBalancerClass)
    assert.equal(changes.length, expected === null ? 0 : 1, JSON.stringify(changes))
    if (expected === null) return
    assert.equal(changes[0]?.subject, expected[0])
    assert.match(changes[0]?.message ?? '', expected[1])
  })
}

/** case, annotations of both, ports of the younger, whether it may stay */
const pairs: readonly (readonly [string, object, number, boolean])[] = [
  ['two that share by key', { 'metallb.io/allow-shared-ip': 'k' }, 81, true],
  ['two with one port', { 'metallb.io/allow-shared-ip': 'k' }, 80, false],
  ['two without a key', {}, 81, false],
]
for (const [name, annotations, port, stays] of pairs) {
  test(`${name} on one address: the younger ${stays ? 'stays' : 'would move'}`, () => {
    const older = { ...service('192.0.2.3', {}, annotations), createdMs: 1 }
    const younger = {
      ...service('192.0.2.3', { ports: [{ port }] }, annotations),
      ...{ uid: 'v', name: 'younger', createdMs: 2 },
    }
    const { changes } = check({ ...SERVED, services: [younger, older] }, null)
    assert.deepEqual(
      changes.map(({ subject }) => subject),
      stays ? [] : ['Service default/younger'],
    )
  })
}

test('both sources at once are refused, and said on each', () => {
  const { changes } = check({ ...SERVED, objects: [...SERVED.objects, configMap] }, null)
  assert.ok(changes.some(({ subject }) => subject === 'ConfigMap config'))
})

test('a MetalLB that runs is to be stopped first, and changes nothing by itself', () => {
  const { first, changes } = check({ ...SERVED, metallbPods: ['metallb-system/speaker-x'] }, null)
  assert.deepEqual(changes, [])
  assert.equal(first[0]?.subject, 'Pod metallb-system/speaker-x')
})
