import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { readCrds, readRbac } from '../../infra/deploy/manifests.ts'
import { apiServer } from '../support/apiserver.ts'
import { addressesOf, eventsOf, putConfigMap, putService } from '../support/cluster.ts'
import { herald } from '../support/herald.ts'
import { kubectl } from '../support/kubectl.ts'
import { privateRedis } from '../support/redis.ts'
import { undoing } from '../support/undo.ts'
import { until } from '../support/until.ts'
import { resourceOf } from '../support/watching.ts'

const GROUP = 'metallb.io'
const POOLS = `ipaddresspools.${GROUP}`
const ADVERTISEMENTS = `l2advertisements.${GROUP}`
const STATES = `configurationstates.${GROUP}`
const NAMESPACE = 'metallb-system'
/** Bells of the watcher that ring in a second. */
const SOON = '{herald}:publish-default:delayed'

type Fields = Parameters<Awaited<ReturnType<typeof apiServer>>['store']['create']>[1]

interface Shape {
  readonly metadata: { readonly uid: string; readonly labels?: Record<string, string> }
  readonly status?: Readonly<Record<string, unknown>> & {
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly message: string
      readonly lastTransitionTime: string
    }[]
  }
}

/** Under the rights of rbac.yaml. `strange`: the definitions are MetalLB's, whose status has no conditions. */
async function world(t: TestContext, strange = false) {
  const scope = undoing(t)
  const [redis, api] = await Promise.all([privateRedis(scope), apiServer(scope, { rbac: true })])
  const { store } = api
  for (const object of [...readCrds(), ...readRbac()]) {
    const text = JSON.stringify(object)
    store.create(resourceOf(object), strange ? JSON.parse(withoutConditions(text)) : object)
  }
  const create = (kind: string, resource: string, name: string, spec: Fields) =>
    store.create(resource, {
      apiVersion: 'metallb.io/v1beta1',
      kind,
      metadata: { namespace: NAMESPACE, name },
      spec,
    })
  const get = (resource: string, name: string) =>
    store.get(resource, NAMESPACE, name) as unknown as Shape | null
  return {
    api,
    redis,
    store,
    herald: herald(scope, {
      redisUrl: redis.path,
      kubeconfig: api.issueToken(NAMESPACE, 'herald-watcher').kubeconfigPath,
    }),
    pool: (name: string, spec: Fields) => create('IPAddressPool', POOLS, name, spec),
    advertisement: (name: string, spec: Fields) =>
      create('L2Advertisement', ADVERTISEMENTS, name, spec),
    statusOf: (name: string) => get(POOLS, name)?.status,
    counters: (name: string) => {
      const status = get(POOLS, name)?.status
      return [
        status?.assignedIPv4,
        status?.assignedIPv6,
        status?.availableIPv4,
        status?.availableIPv6,
      ].join(' ')
    },
    advertisementStatus: (name: string) => get(ADVERTISEMENTS, name)?.status,
    state: () => get(STATES, 'controller'),
    poolWrites: () => api.counters.requests({ verb: 'patch', resource: 'ipaddresspools/status' }),
    stateWrites: () =>
      api.counters.requests({ verb: 'patch', resource: 'configurationstates/status' }),
  }
}

/** The text of a definition, with `conditions` renamed in all but ConfigurationState: there they are pruned. */
const withoutConditions = (text: string): string =>
  text.includes('"ConfigurationState"') ? text : text.replaceAll('"conditions":', '"others":')

describe('the status of a pool', () => {
  test('counts what is held and what is left, exactly, and is written about once a second', async t => {
    const { api, store, herald, pool, counters, poolWrites } = await world(t)
    pool('blue', { addresses: ['10.0.0.0/24', 'fd00::/48'], avoidBuggyIPs: true })
    pool('green', { addresses: ['10.0.1.1-10.0.1.3'] })
    await herald.start('allocator')
    await herald.start('watcher')
    const all = Number(2n ** 63n - 1n)
    await until('empty pools', () => counters('green') === '0 0 3 0')
    await until('empty pools', () => counters('blue') === `0 0 254 ${all}`)
    const shown = await kubectl(
      api.kubeconfigPath,
      '-n',
      NAMESPACE,
      'get',
      'ipaddresspool',
      '-oyaml',
    )
    assert.match(shown, /status:\n +assignedIPv4: 0\n +assignedIPv6: 0\n +availableIPv4: 254\n/)
    const before = poolWrites()
    const names = Array.from({ length: 100 }, (_, index) => `s${index}`)
    const begunMs = Date.now()
    for (const name of names) putService(api, name)
    await until('a hundred held', () => counters('blue') === `100 0 154 ${all}`, 60_000)
    const seconds = Math.ceil((Date.now() - begunMs) / 1000)
    assert.ok(
      poolWrites() - before <= seconds + 1,
      `${poolWrites() - before} writes in ${seconds} s`,
    )
    for (const name of names.slice(0, 30)) store.delete('services', 'default', name)
    await until('seventy held', () => counters('blue') === `70 0 184 ${all}`)
    assert.equal(counters('green'), '0 0 3 0')
  })

  test('counts a shared address once, leaves out what is reserved or excluded, and survives FLUSHALL', async t => {
    const { api, redis, store, herald, pool, counters } = await world(t)
    pool('green', { addresses: ['10.0.1.1-10.0.1.8'] })
    await herald.start('allocator')
    await herald.start('watcher')
    const shared = { 'metallb.io/allow-shared-ip': 'key', 'metallb.io/loadBalancerIPs': '10.0.1.1' }
    putService(api, 'one', { ports: [{ port: 80 }] }, shared)
    putService(api, 'two', { ports: [{ port: 81 }] }, shared)
    await until('one address held by two', () => counters('green') === '1 0 7 0')
    putService(api, 'kept', {}, { 'herald.io/reserve': '1h' })
    await until('two addresses held', () => counters('green') === '2 0 6 0')
    const client = redis.connect()
    // One that is lost with the rest is rung again only when the watcher next looks at all pools.
    await until('no bell is on its way', async () => (await client.zcard(SOON)) === 0)
    await client.flushall()
    putService(api, 'three')
    await until('one more', () => counters('green') === '3 0 5 0', 30_000)
    store.delete('services', 'default', 'one')
    store.delete('services', 'default', 'three')
    await until('shared still', () => counters('green') === '2 0 6 0')
    store.patch(POOLS, NAMESPACE, 'green', {
      metadata: { annotations: { 'herald.io/exclude': '10.0.1.8' } },
    })
    await until('one is excluded', () => counters('green') === '2 0 5 0')
    store.delete('services', 'default', 'kept')
    await until('one is reserved', () => counters('green') === '1 0 5 0')
    putService(api, 'kept')
    await until('and given back', () => counters('green') === '2 0 5 0')
    assert.equal(addressesOf(api, 'two'), '10.0.1.1')
  })

  test('is put right when somebody edits it, and not written when nothing changes', async t => {
    const { store, herald, pool, counters, poolWrites, statusOf } = await world(t)
    pool('green', { addresses: ['10.0.1.1-10.0.1.3'] })
    await herald.start('watcher')
    await until('an empty pool', () => counters('green') === '0 0 3 0')
    store.patch(POOLS, NAMESPACE, 'green', { metadata: { labels: { seen: 'yes' } } })
    const status = { assignedIPv4: 7, assignedIPv6: 0, availableIPv4: 3, availableIPv6: 0 }
    store.patchStatus(POOLS, NAMESPACE, 'green', { status })
    await until('it is put right', () => counters('green') === '0 0 3 0')
    assert.equal(poolWrites(), 2)
    assert.equal(statusOf('green')?.conditions, undefined)
  })
})

describe('what is wrong with the configuration', () => {
  test('is said on the object, by an event, and in the ConfigurationState; and no more once it is right', async t => {
    const { api, store, herald, pool, advertisement, state, statusOf, advertisementStatus } =
      await world(t)
    pool('good', { addresses: ['10.0.1.1-10.0.1.3'] })
    pool('bad', { addresses: ['10.0.2.9-10.0.2.1'] })
    advertisement('bad', {
      nodeSelectors: [{ matchExpressions: [{ key: 'a', operator: 'Like' }] }],
    })
    await herald.start('watcher')
    await until('Invalid', () => state()?.status?.result === 'Invalid')
    const { errorSummary = '', conditions = [] } = state()?.status ?? {}
    assert.match(String(errorSummary), /^IPAddressPool "bad": .*\nL2Advertisement "bad": /)
    assert.deepEqual(
      conditions.map(one => `${one.type} ${one.status}`),
      ['poolReconcilerValid False', 'configReconcilerValid False'],
    )
    assert.equal(state()?.metadata.labels?.['metallb.io/component-type'], 'controller')
    await until('on the pool', () => statusOf('bad')?.conditions?.[0]?.status === 'False')
    await until('on the advertisement', () =>
      Boolean(advertisementStatus('bad')?.conditions?.[0]?.status === 'False'),
    )
    await until('by events', () => eventsOf(api, 'bad').length === 2)
    assert.equal(statusOf('good')?.conditions, undefined)

    store.patch(POOLS, NAMESPACE, 'bad', { spec: { addresses: ['10.0.2.1-10.0.2.9'] } })
    store.patch(ADVERTISEMENTS, NAMESPACE, 'bad', { spec: { nodeSelectors: null } })
    await until('Valid', () => state()?.status?.result === 'Valid')
    assert.equal(state()?.status?.errorSummary ?? '', '')
    await until('also on the pool', () => statusOf('bad')?.conditions?.[0]?.status === 'True')
    await until('and on the advertisement', () =>
      Boolean(advertisementStatus('bad')?.conditions?.[0]?.status === 'True'),
    )
  })

  test('a fault of the ConfigMap is said by an event and in the ConfigurationState', async t => {
    const { api, herald, state } = await world(t)
    putConfigMap(api, 'address-pools: [')
    await herald.start('watcher')
    await until('Invalid', () => state()?.status?.result === 'Invalid')
    assert.match(String(state()?.status?.errorSummary), /^ConfigMap "config": /)
    await until('an event', () => eventsOf(api, 'config').length === 1)
  })

  test('the ConfigurationState comes back when deleted, is put right when edited, and is let alone else', async t => {
    const { store, herald, pool, state, stateWrites } = await world(t)
    pool('good', { addresses: ['10.0.1.1-10.0.1.3'] })
    await herald.start('watcher')
    await herald.start('watcher')
    await until('Valid', () => state()?.status?.result === 'Valid')
    const { uid } = state()?.metadata ?? {}
    store.delete(STATES, NAMESPACE, 'controller')
    await until(
      'made anew',
      () => state()?.status?.result === 'Valid' && state()?.metadata.uid !== uid,
    )
    store.patchStatus(STATES, NAMESPACE, 'controller', { status: { result: 'Unknown' } })
    await until('put right', () => state()?.status?.result === 'Valid')
    const before = stateWrites()
    pool('another', { addresses: ['10.0.2.1-10.0.2.3'] })
    await until('another is counted', () => Boolean(store.get(POOLS, NAMESPACE, 'another')?.status))
    assert.equal(stateWrites(), before)
  })

  test('where definitions have no conditions nothing is written again and again', async t => {
    const { herald, pool, state, statusOf, poolWrites, advertisement, api } = await world(t, true)
    pool('bad', { addresses: ['10.0.2.9-10.0.2.1'] })
    advertisement('bad', {
      nodeSelectors: [{ matchExpressions: [{ key: 'a', operator: 'Like' }] }],
    })
    await herald.start('watcher')
    await until('Invalid', () => state()?.status?.result === 'Invalid')
    await until('a status', () => statusOf('bad')?.assignedIPv4 === 0)
    pool('good', { addresses: ['10.0.1.1-10.0.1.3'] })
    await until('the next look', () => statusOf('good')?.availableIPv4 === 3)
    assert.equal(statusOf('bad')?.conditions, undefined)
    assert.equal(poolWrites(), 2)
    const written = { verb: 'patch', resource: 'l2advertisements/status' }
    assert.equal(api.counters.requests(written), 1)
  })
})
