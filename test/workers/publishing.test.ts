import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { stateOf } from '../../infra/redis/state.ts'
import { apiServer } from '../support/apiserver.ts'
import { herald as command } from '../support/cli.ts'
import {
  ARTICLE_CONFIG,
  addressesOf,
  eventsOf,
  putConfigMap,
  putService,
  serviceOf,
} from '../support/cluster.ts'
import { herald } from '../support/herald.ts'
import { privateRedis } from '../support/redis.ts'
import { undoing } from '../support/undo.ts'
import { until } from '../support/until.ts'

const EVENTS = { verb: 'create', resource: 'events' }
const PATCHES = { verb: 'patch', resource: 'services/status' }
const ALLOCATED = 'IPAllocated: Assigned IP "192.168.50.211" from pool "my-ip-space"'

async function world(t: TestContext) {
  const scope = undoing(t) // the processes end before the servers they talk to
  const [redis, api] = await Promise.all([privateRedis(scope), apiServer(scope)])
  putConfigMap(api, ARTICLE_CONFIG)
  const settings = { redisUrl: redis.path, kubeconfig: api.kubeconfigPath }
  return {
    scope,
    redis,
    api,
    state: stateOf(redis.connect(), '{herald}'),
    herald: herald(scope, settings),
    /** A watcher that can be killed. */
    watcherProcess: () =>
      command(scope, ['watcher', '--redis-url', redis.path, '--kubeconfig', api.kubeconfigPath], {
        HERALD_HEALTH_ADDRESS: 'off',
      }),
  }
}

describe('a status and its event are one publication', () => {
  test('while events are refused statuses are written, and each event comes once when they are not', async t => {
    const { api, herald } = await world(t)
    const remove = api.faults.add({ kind: 'status', code: 500, match: EVENTS })
    await herald.start('allocator')
    await herald.start('watcher')
    for (const name of ['one', 'two', 'three']) putService(api, name)
    await until('three addresses', () =>
      ['one', 'two', 'three'].every(name => addressesOf(api, name) !== ''),
    )
    await until('an event was refused', () => api.counters.requests(EVENTS) > 0)
    remove()
    for (const name of ['one', 'two', 'three']) {
      await until(`the event of ${name}`, () => eventsOf(api, name).length > 0)
      assert.match(eventsOf(api, name).join(), /^IPAllocated: [^,]*$/)
    }
  })

  test('a watcher that is killed between the two leaves the event to the next one', async t => {
    const { api, herald, watcherProcess } = await world(t)
    const remove = api.faults.add({ kind: 'silence', match: EVENTS })
    await herald.start('allocator')
    const killed = watcherProcess()
    putService(api, 'web')
    await until('an address', () => addressesOf(api, 'web') !== '', 60_000)
    await until('the event is under way', () => api.counters.requests(EVENTS) > 0)
    await killed.stop('SIGKILL')
    remove()
    assert.deepEqual(eventsOf(api, 'web'), [])
    await herald.start('watcher')
    await until('the event', () => eventsOf(api, 'web').join() === ALLOCATED)
  })

  test('and so does one that is killed before it knew that the status was written', async t => {
    const { api, redis, state, herald } = await world(t)
    await herald.start('allocator')
    const watcher = await herald.start('watcher')
    putService(api, 'web')
    await until('the event', () => eventsOf(api, 'web').join() === ALLOCATED)
    await watcher.stop()
    // As it stands in Redis and Kubernetes just after the API server has written the status.
    for (const { metadata } of api.store.list('events')) {
      api.store.delete('events', 'default', metadata.name)
    }
    const client = redis.connect()
    const { message } = serviceOf(api, 'web')?.status?.conditions?.[0] ?? {}
    const intent = {
      v: 1,
      shows: `192.168.50.211 ${message}`,
      events: [
        {
          name: 'web.0123456789abcdef',
          type: 'Normal',
          reason: 'IPAllocated',
          action: 'Allocate',
          note: ALLOCATED.slice('IPAllocated: '.length),
          regarding: {
            apiVersion: 'v1',
            kind: 'Service',
            namespace: 'default',
            name: 'web',
            uid: 'u',
          },
          reportingInstance: 'killed',
        },
      ],
    }
    await client.hset(state.keys.intents('default'), 'default/web', JSON.stringify(intent))
    await client.zadd(state.keys.dirty('publish-default'), 1, 'service/default/web')
    await herald.start('watcher')
    await until('the event', () => eventsOf(api, 'web').join() === ALLOCATED, 30_000)
    assert.equal(await client.hlen(state.keys.intents('default')), 0)
    assert.equal(await client.hlen(state.keys.unsaid('default')), 0)
  })

  test('nothing is said or written anew after FLUSHALL, a restart, or with a second watcher', async t => {
    const { api, redis, state, herald } = await world(t)
    await herald.start('allocator')
    const watcher = await herald.start('watcher')
    for (let index = 0; index < 9; index++) putService(api, `s${index}`)
    putService(api, 'refused', { loadBalancerIP: '172.16.0.1' })
    await until('ten events', () => api.store.list('events').length === 10)
    const written = () => api.counters.requests(PATCHES) + api.counters.requests(EVENTS)
    const before = written()
    const settled = async () =>
      (await state.dirtyKeys('allocate')).length +
        (await state.dirtyKeys('publish-default')).length ===
      0

    await redis.connect().flushall()
    putService(api, 'late-1')
    await until('the first of the late ones', () => eventsOf(api, 'late-1').length > 0)
    await herald.start('watcher')
    await watcher.stop()
    putService(api, 'late-2', { loadBalancerIP: '172.16.0.1' })
    await until('the second of the late ones', () => eventsOf(api, 'late-2').length > 0)
    await until('all bells are answered', settled)
    assert.equal(written() - before, 4, 'a status and an event for each late one')
    assert.equal(api.counters.requests(PATCHES), 12)
  })
})

describe('a Service that is ours no more', () => {
  for (const [what, spec] of [
    ['that has an address', {}],
    ['that waits for one', { loadBalancerIP: '172.16.0.1' }],
  ] as const) {
    test(`${what} loses all that was said of it when it is made a ClusterIP`, async t => {
      const { api, herald } = await world(t)
      await herald.start('allocator')
      await herald.start('watcher')
      putService(api, 'web', spec)
      await until('a condition', () => (serviceOf(api, 'web')?.status?.conditions ?? []).length > 0)
      api.store.patch('services', 'default', 'web', { spec: { type: 'ClusterIP' } })
      await until(
        'nothing is left',
        () =>
          (serviceOf(api, 'web')?.status?.conditions ?? []).length === 0 &&
          Object.keys(serviceOf(api, 'web')?.metadata.annotations ?? {}).length === 0,
      )
      assert.equal(addressesOf(api, 'web'), '')
    })
  }
})
