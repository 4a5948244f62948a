import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KINDS } from '../../../functions/admit/admit.ts'
import { readCrds, readWebhook } from '../../../infra/deploy/manifests.ts'
import {
  type JsonObject,
  listAt,
  objectAt,
  textAt,
} from '../../../infra/sandbox/apiserver/object.ts'
import { apiServer, ask } from '../../support/apiserver.ts'

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const HOME = '/apis/metallb.io/v1beta1/namespaces/default'

/** kind, plural, versions (the stored one last) */
const kinds: [string, string, string[]][] = [
  ['BFDProfile', 'bfdprofiles', ['v1beta1']],
  ['BGPAdvertisement', 'bgpadvertisements', ['v1beta1']],
  ['BGPPeer', 'bgppeers', ['v1beta1', 'v1beta2']],
  ['Community', 'communities', ['v1beta1']],
  ['ConfigurationState', 'configurationstates', ['v1beta1']],
  ['IPAddressPool', 'ipaddresspools', ['v1beta1']],
  ['L2Advertisement', 'l2advertisements', ['v1beta1']],
  ['ServiceBGPStatus', 'servicebgpstatuses', ['v1beta1']],
  ['ServiceL2Status', 'servicel2statuses', ['v1beta1']],
]

test('the kinds of metallb.io are all there, namespaced, each with a status subresource', () => {
  const found = readCrds().map(crd => {
    const spec = objectAt(crd, 'spec')
    assert.equal(crd.metadata.name, `${textAt(spec, 'names', 'plural')}.metallb.io`)
    assert.equal(spec.scope, 'Namespaced')
    const versions = listAt(spec, 'versions')
    for (const one of versions)
      assert.deepEqual(objectAt({ one }, 'one', 'subresources'), { status: {} })
    assert.equal(objectAt({ one: versions.at(-1) }, 'one').storage, true)
    return [
      textAt(spec, 'names', 'kind'),
      textAt(spec, 'names', 'plural'),
      versions.map(one => textAt(one, 'name')),
    ]
  })
  assert.deepEqual(found, kinds)
})

/** case, plural, version, spec, what the refusal says (null: accepted) */
const specs: [string, string, string, JsonObject, RegExp | null][] = [
  ['a pool', 'ipaddresspools', 'v1beta1', { addresses: ['192.0.2.0/24'] }, null],
  ['a pool without addresses', 'ipaddresspools', 'v1beta1', {}, /spec\.addresses: Required value/],
  [
    'a pool that is no list',
    'ipaddresspools',
    'v1beta1',
    { addresses: '192.0.2.0/24' },
    /spec\.addresses: Invalid value: "string": spec\.addresses in body must be of type array: "string"/,
  ],
  [
    'a selector without operator',
    'ipaddresspools',
    'v1beta1',
    {
      addresses: [],
      serviceAllocation: { serviceSelectors: [{ matchExpressions: [{ key: 'a' }] }] },
    },
    /spec\.serviceAllocation\.serviceSelectors\[0\]\.matchExpressions\[0\]\.operator: Required value/,
  ],
  ['an advertisement of everything', 'l2advertisements', 'v1beta1', {}, null],
  [
    'a preference of weight 0',
    'l2advertisements',
    'v1beta1',
    { preferredNodeSelectors: [{ weight: 0, preference: {} }] },
    /preferredNodeSelectors\[0\]\.weight: Invalid value: 0: .* should be greater than or equal to 1/,
  ],
  [
    'an aggregation of 0',
    'bgpadvertisements',
    'v1beta1',
    { aggregationLength: 0 },
    /aggregationLength/,
  ],
  [
    'a peer',
    'bgppeers',
    'v1beta2',
    { myASN: 64512, peerASN: 64513, peerAddress: '192.0.2.1' },
    null,
  ],
  [
    'a peer without number',
    'bgppeers',
    'v1beta2',
    { myASN: 64512, peerAddress: '192.0.2.1' },
    /spec: Invalid value: "object": exactly one of peerASN and dynamicASN must be given/,
  ],
  [
    'a peer of AS 0',
    'bgppeers',
    'v1beta2',
    { myASN: 0, peerASN: 1, peerAddress: '192.0.2.1' },
    /myASN may not be 0/,
  ],
  [
    'a peer of dynamic number on an interface',
    'bgppeers',
    'v1beta2',
    { myASN: 64512, dynamicASN: 'external', interface: 'eth0', peerAddress: '' },
    null,
  ],
  [
    'a peer with address and interface',
    'bgppeers',
    'v1beta2',
    { myASN: 64512, peerASN: 64513, peerAddress: '192.0.2.1', interface: 'eth0' },
    /exactly one of peerAddress and interface/,
  ],
  [
    'a peer of the own AS over several hops',
    'bgppeers',
    'v1beta2',
    { myASN: 64512, peerASN: 64512, peerAddress: '192.0.2.1', ebgpMultiHop: true },
    /ebgpMultiHop/,
  ],
  [
    'a peer with two passwords',
    'bgppeers',
    'v1beta2',
    {
      myASN: 1,
      peerASN: 2,
      peerAddress: '192.0.2.1',
      password: 'x',
      passwordSecret: { name: 'y' },
    },
    /only one of password and passwordSecret/,
  ],
  [
    'a connectTime of half a second more',
    'bgppeers',
    'v1beta2',
    { myASN: 1, peerASN: 2, peerAddress: '192.0.2.1', connectTime: '1500ms' },
    /spec\.connectTime: Invalid value: "string": connectTime must be whole seconds/,
  ],
  [
    'an aggregation for some Services',
    'bgpadvertisements',
    'v1beta1',
    { aggregationLength: 24, serviceSelectors: [{}] },
    /serviceSelectors need single addresses/,
  ],
  [
    'an aggregation of 33',
    'bgpadvertisements',
    'v1beta1',
    { aggregationLength: 33 },
    /less than or equal to 32/,
  ],
  [
    'a peer of unknown kind',
    'bgppeers',
    'v1beta2',
    { myASN: 1, dynamicASN: 'any' },
    /Unsupported value: "any": supported values: "internal", "external"/,
  ],
  [
    'an old peer without address',
    'bgppeers',
    'v1beta1',
    { myASN: 1, peerASN: 2 },
    /spec\.peerAddress: Required value/,
  ],
  [
    'an AS number of 33 bits',
    'bgppeers',
    'v1beta2',
    { myASN: 4294967296 },
    /less than or equal to 4294967295/,
  ],
  ['a profile', 'bfdprofiles', 'v1beta1', { receiveInterval: 10, detectMultiplier: 255 }, null],
  ['a profile of 9 ms', 'bfdprofiles', 'v1beta1', { receiveInterval: 9 }, /receiveInterval/],
  ['a community', 'communities', 'v1beta1', { communities: [{ name: 'a', value: '1:2' }] }, null],
]

test('what may be said is what MetalLB lets be said', async t => {
  const server = await apiServer(t)
  for (const crd of readCrds()) {
    const { status } = await ask(server, 'POST', CRDS, { body: crd })
    assert.equal(status, 201)
  }
  for (const [name, plural, version, spec, refusal] of specs) {
    await t.test(name, async () => {
      const kind = kinds.find(([, one]) => one === plural)?.[0]
      const apiVersion = `metallb.io/${version}`
      const path = HOME.replace('v1beta1', version)
      const body = { apiVersion, kind, metadata: { generateName: 'a-' }, spec }
      const { status, body: told } = await ask(server, 'POST', `${path}/${plural}`, { body })
      const message = textAt(told as JsonObject, 'message')
      if (refusal) assert.match(message, refusal)
      assert.equal(status, refusal ? 422 : 201, message)
    })
  }
})

test('a pool is filled with the defaults that MetalLB documents', async t => {
  const server = await apiServer(t)
  for (const crd of readCrds())
    server.store.create('customresourcedefinitions.apiextensions.k8s.io', crd)
  const body = {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'IPAddressPool',
    metadata: { name: 'a' },
    spec: { addresses: ['192.0.2.0/24'] },
  }
  const made = await ask(server, 'POST', `${HOME}/ipaddresspools`, { body })
  assert.deepEqual(objectAt(made.body as JsonObject, 'spec'), {
    addresses: ['192.0.2.0/24'],
    autoAssign: true,
    avoidBuggyIPs: false,
  })
})

test('admission is asked of every kind that is judged and of no other, and its absence blocks nothing', () => {
  const configuration = readWebhook().find(one => one.kind === 'ValidatingWebhookConfiguration')
  const webhooks = listAt(configuration, 'webhooks')
  const asked = webhooks.flatMap(one =>
    listAt(one, 'rules').flatMap(rule => listAt(rule, 'resources').map(String)),
  )
  const judged = KINDS.map(kind => kinds.find(([name]) => name === kind)?.[1] ?? 'configmaps')
  assert.deepEqual(asked.sort(), judged.sort())
  for (const one of webhooks) {
    assert.equal(textAt(one, 'failurePolicy'), 'Ignore')
    assert.equal(textAt(one, 'sideEffects'), 'None')
    assert.ok(Number(textAt(one, 'timeoutSeconds')) <= 3)
  }
})
