import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type AdmitState, admit, consulted } from '../../../functions/admit/admit.ts'
import { type Question, readReview, reviewOf } from '../../../functions/admit/review.ts'
import { configure } from '../../../functions/configure/configure.ts'
import { poolObject } from '../../support/objects.ts'

type Spec = Readonly<Record<string, unknown>>

const HOME = 'metallb-system'
const object = (name: string, spec: unknown, metadata: Spec = {}) => ({
  metadata: { name, namespace: HOME, ...metadata },
  spec,
})
const ask = (kind: string, spec: unknown, more: Partial<Question> = {}): Question => ({
  uid: 'u',
  operation: 'CREATE',
  kind,
  namespace: HOME,
  name: 'new',
  object: object(more.name ?? 'new', spec),
  oldObject: null,
  ...more,
})
const cidr = (...addresses: string[]) => ({ addresses })
const say = (
  question: Question,
  others: AdmitState['others'] = {},
  more: Partial<AdmitState> = {},
) => admit(question, { namespace: HOME, others, inForce: null, nodeAddresses: [], ...more }).refusal

const peer = { myASN: 64512, peerASN: 64513, peerAddress: '192.0.2.1' }
const pools = { IPAddressPool: [object('p', cidr('10.0.0.0/24', '2001:db8::/64'))] }
const advertisement = { ipAddressPools: ['p'] }
const communities = { Community: [object('c', { communities: [{ name: 'a', value: '1:2' }] })] }
const map = {
  metadata: { name: 'config' },
  data: { config: 'address-pools: [{name: m, protocol: layer2, addresses: [10.1.0.0/24]}]' },
}

/** case, question, others, why it is refused (null: it is not) */
const rows: [string, Question, AdmitState['others'], RegExp | null][] = [
  ['a pool', ask('IPAddressPool', cidr('10.1.0.0/24')), pools, null],
  ['a pool beside itself', ask('IPAddressPool', cidr('10.0.0.0/25'), { name: 'p' }), pools, null],
  ['a pool without addresses', ask('IPAddressPool', cidr()), {}, /no addresses/],
  [
    'two mistakes',
    ask('IPAddressPool', cidr('x', '1.2.3.4')),
    {},
    /^2 mistakes: .*"x".*1\.2\.3\.4\/32$/,
  ],
  [
    'a pool that overlaps',
    ask('IPAddressPool', cidr('10.0.0.9/32')),
    pools,
    /overlaps "10\.0\.0\.0\/24" of pool "p"/,
  ],
  [
    'a pool beside a ConfigMap',
    ask('IPAddressPool', cidr('10.0.0.0/24')),
    { ConfigMap: [map] },
    /two sources of configuration.*delete the ConfigMap or all/,
  ],
  [
    'a ConfigMap beside a pool',
    ask('ConfigMap', null, { name: 'config', object: map }),
    pools,
    /two sources/,
  ],
  ['a ConfigMap', ask('ConfigMap', null, { name: 'config', object: map }), {}, null],
  [
    'a ConfigMap of others',
    ask('ConfigMap', null, { name: 'x', object: { data: { config: '[' } } }),
    {},
    null,
  ],
  [
    'a ConfigMap that is no YAML',
    ask('ConfigMap', null, { name: 'config', object: { data: { config: '[' } } }),
    {},
    /line 1/,
  ],
  ['an advertisement', ask('L2Advertisement', {}), {}, null],
  [
    'an advertisement with a bad interface',
    ask('L2Advertisement', { interfaces: ['a b'] }),
    {},
    /interface/,
  ],
  [
    'a pool in another namespace',
    ask('IPAddressPool', cidr('10.1.0.0/24'), { namespace: 'web' }),
    {},
    /must be created in namespace "metallb-system"/,
  ],
  [
    'a change in another namespace',
    ask('IPAddressPool', cidr(), { namespace: 'web', operation: 'UPDATE' }),
    {},
    null,
  ],
  ['a deletion', ask('IPAddressPool', null, { operation: 'DELETE', object: null }), {}, null],
  [
    'a bad pool that gets a label',
    ask('IPAddressPool', null, {
      operation: 'UPDATE',
      object: object('new', cidr('x'), { labels: { a: 'b' } }),
      oldObject: object('new', cidr('x')),
    }),
    {},
    null,
  ],
  [
    'a good pool that gets a bad annotation',
    ask('IPAddressPool', null, {
      operation: 'UPDATE',
      object: object('new', cidr('10.0.0.0/24'), {
        annotations: { 'herald.io/cool-down': 'soon' },
      }),
      oldObject: object('new', cidr('10.0.0.0/24')),
    }),
    {},
    /herald\.io\/cool-down/,
  ],
  [
    'a bad pool on its way out',
    ask('IPAddressPool', null, {
      operation: 'UPDATE',
      object: object('new', cidr('y'), { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      oldObject: object('new', cidr('x')),
    }),
    {},
    null,
  ],
  ['a peer', ask('BGPPeer', peer), {}, null],
  ['a peer without AS', ask('BGPPeer', { ...peer, myASN: 0 }), {}, /myASN/],
  [
    'a peer with two ASes',
    ask('BGPPeer', { ...peer, dynamicASN: 'internal' }),
    {},
    /exactly one of peerASN/,
  ],
  [
    'a peer on an interface',
    ask('BGPPeer', { myASN: 1, dynamicASN: 'external', interface: 'eth0' }),
    {},
    null,
  ],
  [
    'a peer with address and interface',
    ask('BGPPeer', { ...peer, interface: 'eth0' }),
    {},
    /exactly one of peerAddress/,
  ],
  [
    'a peer that is no address',
    ask('BGPPeer', { ...peer, peerAddress: 'router' }),
    {},
    /"router" is not an IP address/,
  ],
  [
    'a peer with a bad source',
    ask('BGPPeer', { ...peer, sourceAddress: '10.1' }),
    {},
    /sourceAddress/,
  ],
  ['a peer with a bad router id', ask('BGPPeer', { ...peer, routerID: 'x' }), {}, /routerID/],
  [
    'a hold time of a second',
    ask('BGPPeer', { ...peer, holdTime: '1s' }),
    {},
    /neither 0s nor at least 3s/,
  ],
  [
    'a keepalive time above it',
    ask('BGPPeer', { ...peer, holdTime: '9s', keepaliveTime: '10s' }),
    {},
    /more than holdTime/,
  ],
  ['a keepalive time alone', ask('BGPPeer', { ...peer, keepaliveTime: '10s' }), {}, null],
  [
    'several hops inside an AS',
    ask('BGPPeer', { ...peer, peerASN: 64512, ebgpMultiHop: true }),
    {},
    /ebgpMultiHop/,
  ],
  [
    'two passwords',
    ask('BGPPeer', { ...peer, password: 'a', passwordSecret: { name: 'b' } }),
    {},
    /password/,
  ],
  [
    'a selector twice',
    ask('BGPPeer', {
      ...peer,
      nodeSelectors: [{ matchLabels: { a: '1', b: '2' } }, { matchLabels: { b: '2', a: '1' } }],
    }),
    {},
    /nodeSelectors\[1\]: stands in the list twice/,
  ],
  ['a profile that does not exist', ask('BGPPeer', { ...peer, bfdProfile: 'later' }), {}, null],
  ['a BGP advertisement', ask('BGPAdvertisement', advertisement), pools, null],
  [
    'a wide aggregate',
    ask('BGPAdvertisement', { ...advertisement, aggregationLength: 16 }),
    pools,
    /aggregationLength: 16 reaches beyond "10\.0\.0\.0\/24" of pool "p": write 24 or more/,
  ],
  [
    'an aggregate as wide as the pool',
    ask('BGPAdvertisement', { ...advertisement, aggregationLength: 24 }),
    pools,
    null,
  ],
  [
    'a wide aggregate of another pool',
    ask('BGPAdvertisement', { ipAddressPools: ['q'], aggregationLength: 16 }),
    pools,
    null,
  ],
  [
    'a wide aggregate of IPv6',
    ask('BGPAdvertisement', { aggregationLengthV6: 48 }),
    pools,
    /aggregationLengthV6/,
  ],
  [
    'a range judged by its largest block',
    ask('BGPAdvertisement', { aggregationLength: 26 }),
    { IPAddressPool: [object('p', cidr('3.3.3.2-3.3.3.254'))] },
    null,
  ],
  [
    'a range of which no block is large enough',
    ask('BGPAdvertisement', { aggregationLength: 24 }),
    { IPAddressPool: [object('p', cidr('3.3.3.2-3.3.3.254'))] },
    /write 26 or more/,
  ],
  [
    'a pool named twice',
    ask('BGPAdvertisement', { ipAddressPools: ['p', 'p'] }),
    pools,
    /ipAddressPools\[1\]/,
  ],
  [
    'a value twice in a selector',
    ask('BGPAdvertisement', {
      nodeSelectors: [{ matchExpressions: [{ key: 'a', operator: 'In', values: ['1', '1'] }] }],
    }),
    pools,
    /nodeSelectors\[0\]\.matchExpressions\[0\]\.values\[1\]: stands in the list twice/,
  ],
  [
    'a community that is none',
    ask('BGPAdvertisement', { communities: ['1:70000'] }),
    {},
    /"1:70000" is no community/,
  ],
  ['an alias that nobody knows yet', ask('BGPAdvertisement', { communities: ['later'] }), {}, null],
  ['a large community', ask('BGPAdvertisement', { communities: ['large:1:2:3'] }), {}, null],
  [
    'an aggregate for some Services',
    ask('BGPAdvertisement', { aggregationLength: 24, serviceSelectors: [{}] }),
    {},
    /serviceSelectors/,
  ],
  [
    'a twin',
    ask('BGPAdvertisement', { peers: ['a'] }),
    { BGPAdvertisement: [object('b', { peers: ['a'] })] },
    /"b" says exactly the same/,
  ],
  [
    'a community',
    ask('Community', { communities: [{ name: 'b', value: '64512:1' }] }),
    communities,
    null,
  ],
  [
    'a name that is taken',
    ask('Community', { communities: [{ name: 'a', value: '1:2' }] }),
    communities,
    /Community "c" names "a" too/,
  ],
  [
    'a name twice',
    ask('Community', {
      communities: [
        { name: 'b', value: '1:2' },
        { name: 'b', value: '1:2' },
      ],
    }),
    {},
    /"b" too/,
  ],
  [
    'a value that is none',
    ask('Community', { communities: [{ name: 'b', value: '64512' }] }),
    {},
    /"64512" is no community/,
  ],
  ['a profile', ask('BFDProfile', { receiveInterval: 10 }), {}, null],
  [
    'a profile in use',
    ask('BFDProfile', null, { operation: 'DELETE', name: 'fast', object: null }),
    { BGPPeer: [object('p', { bfdProfile: 'fast' }), object('q', {})] },
    /"fast" is used by BGPPeer "p": change or delete that first/,
  ],
  [
    'a profile that nobody uses',
    ask('BFDProfile', null, { operation: 'DELETE', object: null }),
    {},
    null,
  ],
  ['a kind of others', ask('Widget', { addresses: [] }, { namespace: 'web' }), {}, null],
]

describe('admission', () => {
  for (const [what, question, others, refusal] of rows) {
    test(`${refusal ? 'refuses' : 'takes'} ${what}`, () => {
      const told = say(question, others)
      if (refusal) assert.match(told ?? 'nothing', refusal)
      else assert.equal(told, null)
    })
  }

  test('of two pools applied together the second is refused, whatever their names and whatever is in force', () => {
    const stored = { IPAddressPool: [object('z', cidr('10.0.0.0/24'))] }
    assert.match(
      say(ask('IPAddressPool', cidr('10.0.0.0/25'), { name: 'a' }), stored) ?? '',
      /overlaps/,
    )
  })

  test('a pool whose new version is refused keeps its addresses: another may not take them', () => {
    const inForce = configure([poolObject('p', cidr('10.0.0.0/24'))], null).configuration
    const stored = { IPAddressPool: [object('p', cidr('prose'))] }
    const told = say(ask('IPAddressPool', cidr('10.0.0.0/25')), stored, { inForce })
    assert.match(told ?? '', /which stays in force because its new version is refused/)
  })

  test('says of an object what its event would say', () => {
    const spec = cidr('10.0.0.9-10.0.0.1', '10.0.0.0/33')
    const { faults } = configure([poolObject('new', spec)], null)
    const told = say(ask('IPAddressPool', spec))
    assert.equal(
      faults[0]?.message,
      `${told}. This pool is not in force, since it has no good version yet.`,
    )
  })

  test('any review is answered without a crash, and refused exactly when the parser refuses', () => {
    const spec = fc.oneof(
      fc.jsonValue(),
      fc.record({
        addresses: fc.array(
          fc.oneof(fc.string(), fc.constantFrom('10.0.0.0/24', '10.0.1.1-10.0.1.2')),
        ),
      }),
    )
    fc.assert(
      fc.property(spec, given => {
        const told = say(ask('IPAddressPool', given))
        const { faults } = configure([poolObject('new', given)], null)
        assert.equal(told !== null, faults.length > 0)
        for (const kind of [
          'L2Advertisement',
          'BGPPeer',
          'BGPAdvertisement',
          'Community',
          'BFDProfile',
        ]) {
          const question = ask(kind, given)
          say(
            question,
            Object.fromEntries(consulted(question).map(one => [one, [object('o', given)]])),
          )
        }
        say(ask('ConfigMap', null, { name: 'config', object: given }))
      }),
      { numRuns: 500 },
    )
  })
})

describe('an AdmissionReview', () => {
  test('is read, and answered with its uid', () => {
    const request = {
      uid: 'u1',
      operation: 'CREATE',
      kind: { group: 'metallb.io', version: 'v1beta1', kind: 'IPAddressPool' },
      namespace: HOME,
      name: 'a',
      object: { spec: {} },
    }
    const question = readReview({ kind: 'AdmissionReview', request })
    assert.ok(question)
    assert.deepEqual(question, {
      uid: 'u1',
      operation: 'CREATE',
      kind: 'IPAddressPool',
      namespace: HOME,
      name: 'a',
      object: { spec: {} },
      oldObject: null,
    })
    assert.deepEqual(reviewOf(question, { refusal: null, warnings: [] }), {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: 'u1', allowed: true },
    })
    assert.deepEqual(reviewOf(question, { refusal: 'no', warnings: ['w'] }), {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: {
        uid: 'u1',
        allowed: false,
        status: { code: 403, reason: 'Forbidden', message: 'no' },
        warnings: ['w'],
      },
    })
  })

  test('is not anything else', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        assert.equal(readReview(value), null)
      }),
    )
  })
})
