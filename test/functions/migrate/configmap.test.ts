import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse, stringify } from 'yaml'
import { peerMistakes } from '../../../functions/admit/bgp.ts'
import { configure } from '../../../functions/configure/configure.ts'
import { convertConfigMap } from '../../../functions/migrate/configmap.ts'
import { nameFrom } from '../../../functions/migrate/manifest.ts'
import type { ConfigurationObject } from '../../../functions/model/configuration.ts'
import { projectConfiguration } from '../../../functions/watch/project.ts'

const WHOLE = `
peers:
- my-asn: 64500
  peer-asn: 64501
  peer-address: 10.0.0.1
  peer-port: 1179
  router-id: 10.0.0.9
  source-address: 10.0.0.8
  keepalive-time: 10s
  password: secret
  bfd-profile: Quick_One
  ebgp-multihop: true
  node-selectors:
  - match-labels: { rack: a }
    match-expressions:
    - { key: kind, operator: In, values: [edge, core] }
bgp-communities:
  no-export: 65535:65281
  local: 64500:1
bfd-profiles:
- name: Quick_One
  receive-interval: 50
  echo-mode: true
address-pools:
- name: Office_LAN
  protocol: layer2
  addresses: [192.168.1.240-192.168.1.250, 192.168.2.0/28]
  avoid-buggy-ips: true
- name: web
  protocol: bgp
  auto-assign: false
  addresses: [198.51.100.0/24]
  bgp-advertisements:
  - aggregation-length: 32
    localpref: 100
    communities: [local, 64500:7]
  - aggregation-length: 24
- name: plain
  protocol: bgp
  addresses: [203.0.113.0/24]
`
const [V1, V2] = ['metallb.io/v1beta1', 'metallb.io/v1beta2']
const at = (name: string) => ({ name, namespace: 'lb' })

test('everything that a ConfigMap of 0.12 can say has its object', () => {
  const { objects, mistakes } = convertConfigMap(WHOLE, 'lb')
  assert.deepEqual(mistakes, [])
  assert.deepEqual(objects, [
    {
      apiVersion: V1,
      kind: 'IPAddressPool',
      metadata: at('office-lan'),
      spec: { addresses: ['192.168.1.240-192.168.1.250', '192.168.2.0/28'], avoidBuggyIPs: true },
    },
    {
      apiVersion: V1,
      kind: 'IPAddressPool',
      metadata: at('web'),
      spec: { addresses: ['198.51.100.0/24'], autoAssign: false },
    },
    {
      apiVersion: V1,
      kind: 'IPAddressPool',
      metadata: at('plain'),
      spec: { addresses: ['203.0.113.0/24'] },
    },
    {
      apiVersion: V1,
      kind: 'L2Advertisement',
      metadata: at('l2advertisement1'),
      spec: { ipAddressPools: ['office-lan'] },
    },
    {
      apiVersion: V1,
      kind: 'Community',
      metadata: at('communities'),
      spec: {
        communities: [
          { name: 'local', value: '64500:1' },
          { name: 'no-export', value: '65535:65281' },
        ],
      },
    },
    {
      apiVersion: V1,
      kind: 'BFDProfile',
      metadata: at('quick-one'),
      spec: { receiveInterval: 50, echoMode: true },
    },
    {
      apiVersion: V1,
      kind: 'BGPAdvertisement',
      metadata: at('bgpadvertisement1'),
      spec: {
        aggregationLength: 32,
        localPref: 100,
        communities: ['local', '64500:7'],
        ipAddressPools: ['web'],
      },
    },
    {
      apiVersion: V1,
      kind: 'BGPAdvertisement',
      metadata: at('bgpadvertisement2'),
      spec: { aggregationLength: 24, ipAddressPools: ['web'] },
    },
    {
      apiVersion: V1,
      kind: 'BGPAdvertisement',
      metadata: at('bgpadvertisement3'),
      spec: { ipAddressPools: ['plain'] },
    },
    {
      apiVersion: V2,
      kind: 'BGPPeer',
      metadata: at('peer1'),
      spec: {
        holdTime: '90s',
        myASN: 64500,
        peerASN: 64501,
        peerPort: 1179,
        peerAddress: '10.0.0.1',
        sourceAddress: '10.0.0.8',
        keepaliveTime: '10s',
        routerID: '10.0.0.9',
        password: 'secret',
        bfdProfile: 'quick-one',
        ebgpMultiHop: true,
        nodeSelectors: [
          {
            matchLabels: { rack: 'a' },
            matchExpressions: [{ key: 'kind', operator: 'In', values: ['edge', 'core'] }],
          },
        ],
      },
    },
  ])
})

test('the peers are such as MetalLB takes', () => {
  for (const { kind, metadata, spec } of convertConfigMap(WHOLE, 'lb').objects) {
    if (kind === 'BGPPeer') assert.deepEqual(peerMistakes({ name: metadata.name, spec }), [])
  }
})

test('the objects put in force what the ConfigMap put in force', () => {
  const map = projectConfiguration('ConfigMap', { data: { config: WHOLE } })
  const before = configure([map], null).configuration
  const objects = convertConfigMap(WHOLE, 'lb').objects.flatMap((one): ConfigurationObject[] =>
    one.kind === 'IPAddressPool' || one.kind === 'L2Advertisement'
      ? [projectConfiguration(one.kind, one)]
      : [],
  )
  const { configuration, faults } = configure(objects, null)
  assert.deepEqual(faults, [])
  const essence = (pools: typeof before.pools) =>
    pools
      .map(({ addresses, autoAssign, avoidBuggyIPs }) => ({ addresses, autoAssign, avoidBuggyIPs }))
      .sort((a, b) => (String(a.addresses) < String(b.addresses) ? -1 : 1))
  assert.deepEqual(essence(configuration.pools), essence(before.pools))
  assert.deepEqual(
    configuration.advertisements.flatMap(one => one.pools),
    before.advertisements.flatMap(one => one.pools.map(nameFrom)),
  )
})

test('the manifest of the ConfigMap is taken as well as what stands in it, with the annotations that are ours', () => {
  const metadata = { name: 'config', annotations: { 'herald.io/cool-down': '5m', other: 'x' } }
  const manifest = stringify({ kind: 'ConfigMap', metadata, data: { config: WHOLE } })
  const { objects } = convertConfigMap(manifest, 'lb')
  assert.equal(objects.length, convertConfigMap(WHOLE, 'lb').objects.length)
  assert.deepEqual(objects[0]?.metadata.annotations, { 'herald.io/cool-down': '5m' })
})

const POOL = 'address-pools: [{name: a, protocol: layer2, addresses: [10.0.0.0/24]}]'
const aMap = { kind: 'ConfigMap', metadata: { name: 'config' }, data: { config: POOL } }
const inNamespace = { ...aMap, metadata: { name: 'config', namespace: 'mine' } }
const secret = { kind: 'Secret', metadata: { name: 'b' }, data: {} }

test('the ConfigMap is found among other objects, and its objects lie where it does', () => {
  for (const manifest of [
    `${stringify(secret)}---\n${stringify(inNamespace)}`,
    stringify({ kind: 'List', items: [secret, inNamespace] }),
    JSON.stringify({ kind: 'List', items: [inNamespace] }),
  ]) {
    const { objects, mistakes } = convertConfigMap(manifest, 'lb')
    assert.deepEqual(mistakes, [])
    assert.deepEqual(
      objects.map(({ metadata }) => metadata.namespace),
      ['mine', 'mine'],
    )
  }
  assert.equal(convertConfigMap(stringify(aMap), 'lb').objects[0]?.metadata.namespace, 'lb')
})

test('pools whose name no object can have are named, and by what', () => {
  assert.deepEqual([...convertConfigMap(WHOLE, 'lb').renamed], [['Office_LAN', 'office-lan']])
})

test('what a peer does not say about its hold time was 90 s', () => {
  const peer = 'peers: [{my-asn: 1, peer-asn: 2, peer-address: 10.0.0.1, hold-time: 30s}]'
  const pools = 'address-pools: [{name: a, protocol: bgp, addresses: [10.0.0.0/24]}]'
  const spec = convertConfigMap(`${peer}\n${pools}`, 'lb').objects.at(-1)?.spec
  assert.equal((spec as { holdTime: string }).holdTime, '30s')
})

/** case, ConfigMap, what is said */
const refused: readonly (readonly [string, string, RegExp])[] = [
  ['no YAML', 'a: [', /line|flow/i],
  ['nothing in it', '', /no address-pools|empty|nothing/i],
  ['no ConfigMap', stringify(secret), /no object in it is a ConfigMap/],
  ['two ConfigMaps', `${stringify(aMap)}---\n${stringify(aMap)}`, /more than one ConfigMap/],
  [
    'two pools of one name',
    `${POOL.slice(0, -1)}, {name: A, protocol: layer2, addresses: [10.0.1.0/24]}]`,
    /"a" and "A" would both be called "a": rename one/,
  ],
  ['an unknown key', 'address-pool: []', /address-pool/],
  ['a pool without protocol', 'address-pools: [{name: a, addresses: [10.0.0.0/24]}]', /protocol/],
]
for (const [name, written, words] of refused) {
  test(`${name} is refused whole, and it is said why`, () => {
    const { objects, mistakes } = convertConfigMap(written, 'lb')
    assert.deepEqual(objects, [])
    assert.match(mistakes.join('\n'), words)
  })
}

/** as written, as the API server takes it */
const names: readonly (readonly [string, string])[] = [
  ['my-ip-space', 'my-ip-space'],
  ['Office_LAN', 'office-lan'],
  ['10-net', 'net'],
  ['a'.repeat(70), 'a'.repeat(63)],
  ['pool-', 'pool'],
  ['123', 'pool'],
]
for (const [written, name] of names) {
  test(`the name ${JSON.stringify(written)} becomes ${name}`, () =>
    assert.equal(nameFrom(written), name))
}

test('it is printed as YAML that says the same', () => {
  for (const one of convertConfigMap(WHOLE, 'lb').objects)
    assert.deepEqual(parse(stringify(one)), one)
})
