import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { needs } from '../support/capabilities.ts'
import { eventsOf, putConfigMap, putService, serviceOf } from '../support/cluster.ts'
import { undoing } from '../support/undo.ts'
import { until } from '../support/until.ts'
import { type Watched, WIDE, watched } from '../support/watching.ts'

const OTHER_POOL = `address-pools:
- name: other
  protocol: layer2
  addresses: [10.99.0.1-10.99.0.9]
`

/** A configuration that is refused whole, and what is said of it on the ConfigMap. */
const REFUSED: readonly [string, string, RegExp][] = [
  ['is not YAML', 'address-pools: [{', /ConfigurationRefused: .*stays in force/],
  ['is prose', 'give my Services some addresses, please', /ConfigurationRefused/],
  ['is empty', '', /there are no address-pools|empty/],
  ['has an unknown key', `${OTHER_POOL}  auto-asign: false\n`, /auto-asign/],
  ['has a pool without a name', OTHER_POOL.replace('name: other', 'nam: other'), /has no name/],
  [
    'has a range of both families',
    OTHER_POOL.replace('10.99.0.9', '2001:db8::9'),
    /10\.99\.0\.1-2001:db8::9/,
  ],
  [
    'has a range that ends before it begins',
    OTHER_POOL.replace('-10.99.0.9', '-10.99.0.0'),
    /10\.99\.0\.1-10\.99\.0\.0/,
  ],
  ['has a prefix that is none', OTHER_POOL.replace('-10.99.0.9', '/33'), /10\.99\.0\.1\/33/],
  ['has addresses of prose', OTHER_POOL.replace('10.99.0.1-10.99.0.9', 'the usual'), /the usual/],
]

describe('a ConfigMap that', needs('redis'), () => {
  const scope = undoing({ after })
  let herald: Watched
  before(async () => {
    herald = await watched(scope)
    await herald.atWork()
  })

  for (const [index, [name, config, words]] of REFUSED.entries()) {
    test(`${name} is refused on itself and in the log; the last good one serves`, async () => {
      const { api, log } = herald
      const steady = herald.versionOf('steady')
      putConfigMap(api, config)
      await until('an event says so', () => eventsOf(api, 'config').some(one => words.test(one)))
      await until('the log says so', () =>
        log.lines.some(({ fields }) => words.test(`ConfigurationRefused: ${fields.reason}`)),
      )
      putService(api, `new${index}`)
      assert.match(await herald.hasAddress(`new${index}`), /^10\.20\./)
      assert.equal(herald.versionOf('steady'), steady)
    })
  }

  test('holds the address of a node that joins later is warned of it, once', async () => {
    const { api } = herald
    putConfigMap(api, WIDE.replace('10.20.0.0/21', '10.20.0.0/21, 10.21.0.7/32'))
    const node = (name: string, address: string) =>
      api.store.create('nodes', {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name },
        status: { addresses: [{ type: 'InternalIP', address }] },
      })
    await until('it is in force', async () => {
      const inForce = await herald.state.configuration('default')
      return inForce?.configuration.pools[0]?.addresses.length === 2
    })
    node('late', '10.21.0.7')
    const warnings = () =>
      eventsOf(api, 'config').filter(one => /^NodeAddressInPool: .*10\.21\.0\.7/.test(one))
    await until('a Warning', () => warnings().length > 0)
    node('outside', '10.22.0.1')
    putService(api, 'later')
    await herald.hasAddress('later')
    assert.equal(warnings().length, 1)
  })

  test('stands beside metallb.io objects is refused with them, until one of the two is gone', async () => {
    const { api } = herald
    putConfigMap(api, WIDE)
    api.store.create('ipaddresspools.metallb.io', {
      apiVersion: 'metallb.io/v1beta1',
      kind: 'IPAddressPool',
      metadata: { namespace: 'metallb-system', name: 'beside' },
      spec: { addresses: ['10.98.0.0/24'] },
    })
    for (const name of ['config', 'beside']) {
      await until(`${name} is told`, () =>
        eventsOf(api, name).some(one => /two sources of configuration/.test(one)),
      )
    }
    putService(api, 'meanwhile')
    assert.match(await herald.hasAddress('meanwhile'), /^10\.20\./)
    api.store.delete('ipaddresspools.metallb.io', 'metallb-system', 'beside')
    putConfigMap(api, WIDE.replace('wide', 'renamed'))
    await until('the ConfigMap is in force again', async () => {
      const inForce = await herald.state.configuration('default')
      return inForce?.configuration.pools[0]?.name === 'renamed'
    })
  })
})

/** What a Service asks for in vain, and what it is told. */
const ASKED: readonly [
  string,
  Parameters<typeof putService>[2],
  Parameters<typeof putService>[3],
  RegExp,
][] = [
  ['prose as its address', { loadBalancerIP: 'the usual one' }, {}, /"the usual one"/],
  [
    'prose in the annotation',
    {},
    { 'metallb.io/loadBalancerIPs': 'the usual one' },
    /"the usual one"/,
  ],
  [
    'an address outside every pool',
    { loadBalancerIP: '172.16.0.1' },
    {},
    /172\.16\.0\.1.*Add the address to an IPAddressPool/,
  ],
  [
    'an address of the family that it has not',
    { loadBalancerIP: '2001:db8::1' },
    {},
    /Ask for one address of that family, or change the Service's ipFamilyPolicy/,
  ],
  ['a pool that there is not', {}, { 'metallb.io/address-pool': 'missing' }, /"missing"/],
]

describe('a Service that asks for', needs('redis'), () => {
  const scope = undoing({ after })
  let herald: Watched
  before(async () => {
    herald = await watched(scope)
    await herald.atWork()
  })

  for (const [index, [name, spec, annotations, words]] of ASKED.entries()) {
    test(`${name} is told what to do, by event and condition, and gets nothing`, async () => {
      const { api } = herald
      const service = `asks${index}`
      putService(api, service, spec, annotations)
      await until('a Warning', () => eventsOf(api, service).some(one => words.test(one)))
      const condition = serviceOf(api, service)?.status?.conditions?.find(
        one => one.type === 'herald.io/AddressAssigned',
      )
      assert.equal(condition?.status, 'False')
      assert.match(condition?.message ?? '', words)
      assert.equal(herald.address(service), '')
    })
  }
})

describe('loadBalancerClass', needs('redis'), () => {
  test('of another controller: not touched at all; ours by flag: those and no others', async t => {
    const herald = await watched(undoing(t), { loadBalancerClass: 'example.com/ours' })
    const { api } = herald
    putConfigMap(api, WIDE)
    await herald.start('allocator')
    await herald.start('watcher')
    putService(api, 'none')
    putService(api, 'foreign', { loadBalancerClass: 'example.com/other' })
    const versions = ['none', 'foreign'].map(herald.versionOf)
    putService(api, 'ours', { loadBalancerClass: 'example.com/ours' })
    await herald.hasAddress('ours')
    assert.deepEqual(['none', 'foreign'].map(herald.versionOf), versions, 'nothing is written')
    assert.deepEqual([...eventsOf(api, 'none'), ...eventsOf(api, 'foreign')], [])
    const known = await herald.client.hkeys(herald.state.keys.services('default'))
    assert.deepEqual(known, ['default/ours'])
  })

  test('changed by a restart: what is ours no more is given up, what is ours now is served', async t => {
    const herald = await watched(undoing(t), { coolDown: '60s' })
    const { api } = herald
    const watcher = await herald.atWork()
    const loadBalancerClass = 'example.com/ours'
    putService(api, 'classed', { loadBalancerClass })
    const address = herald.address('steady')
    await watcher.stop()
    const other = await herald.start('watcher', { loadBalancerClass })
    const taken = await herald.hasAddress('classed')
    await herald.holdsNothing('steady')
    await other.stop()
    await herald.start('watcher')
    await herald.holdsNothing('classed')
    await until('it holds again what it shows', async () =>
      isDeepStrictEqual(await herald.holders(address), ['default/default/steady']),
    )
    assert.deepEqual([herald.address('steady'), herald.address('classed')], [address, taken])
  })
})
