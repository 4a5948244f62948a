import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { apiServer } from '../support/apiserver.ts'
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

/** Patches of a Service's status. */
const PATCHES = { verb: 'patch', resource: 'services/status' }

async function world(t: TestContext) {
  const scope = undoing(t) // the processes end before the servers they talk to
  const [redis, api] = await Promise.all([
    privateRedis(scope, { appendonly: true }),
    apiServer(scope),
  ])
  return {
    redis,
    api,
    herald: herald(scope, { redisUrl: redis.path, kubeconfig: api.kubeconfigPath }),
  }
}

describe('a Service gets its address', () => {
  test('from the ConfigMap of the article: status, annotation, event; and loses it on delete', async t => {
    const { api, herald } = await world(t)
    putConfigMap(api, ARTICLE_CONFIG)
    await herald.start('allocator')
    const watcher = await herald.start('watcher')
    putService(api, 'nginx')
    await until('an address in status', () => addressesOf(api, 'nginx') === '192.168.50.211')
    const pool = serviceOf(api, 'nginx')?.metadata.annotations?.[
      'metallb.io/ip-allocated-from-pool'
    ]
    assert.equal(pool, 'my-ip-space')
    await until('an event', () => eventsOf(api, 'nginx').some(one => one.startsWith('IPAllocated')))
    assert.deepEqual(await watcher.ready(), { redis: null, kubernetes: null, adoption: null })

    api.store.delete('services', 'default', 'nginx')
    putService(api, 'other', { loadBalancerIP: '192.168.50.211' })
    await until('the address is given on', () => addressesOf(api, 'other') === '192.168.50.211')
  })

  test('and keeps it through FLUSHALL, a restart of Redis, and a restart of everything', async t => {
    const { api, redis, herald } = await world(t)
    putConfigMap(api, ARTICLE_CONFIG)
    const allocator = await herald.start('allocator')
    const watcher = await herald.start('watcher')
    for (let i = 0; i < 10; i++) putService(api, `s${i}`)
    const names = Array.from({ length: 10 }, (_, i) => `s${i}`)
    const all = () => names.map(name => addressesOf(api, name)).join(' ')
    await until('ten addresses', () => !all().split(' ').includes(''))
    const before = all()

    await redis.connect().flushall()
    putService(api, 'newcomer')
    await until('the newcomer is refused: the pool is full', () =>
      eventsOf(api, 'newcomer').some(one => /AllocationFailed.*is full/.test(one)),
    )
    assert.equal(all(), before)

    await redis.stop()
    await redis.start()
    api.store.delete('services', 'default', 's0')
    await until('room for the newcomer', () => addressesOf(api, 'newcomer') !== '')
    await Promise.all([allocator.stop(), watcher.stop()])
    const patches = api.counters.requests(PATCHES)
    api.store.delete('services', 'default', 's1')
    await herald.start('allocator')
    await herald.start('watcher')
    putService(api, 'late')
    await until('what was deleted meanwhile is given on', () => addressesOf(api, 'late') !== '')
    assert.equal(
      api.counters.requests(PATCHES) - patches,
      1,
      'nothing is written that changes nothing',
    )
  })

  test('and is told what to do when its request makes no sense', async t => {
    const { api, herald } = await world(t)
    putConfigMap(api, ARTICLE_CONFIG)
    await herald.start('allocator')
    await herald.start('watcher')
    putService(api, 'outside', { loadBalancerIP: '172.16.0.1' })
    await until('a Warning', () =>
      eventsOf(api, 'outside').some(one => /no pool contains it/.test(one)),
    )
    const condition = serviceOf(api, 'outside')?.status?.conditions?.[0]
    assert.equal(condition?.status, 'False')
    assert.match(condition?.message ?? '', /Add the address to an IPAddressPool/)
  })

  test('but not when another class is asked for: it is not touched', async t => {
    const { api, herald } = await world(t)
    putConfigMap(api, ARTICLE_CONFIG)
    await herald.start('allocator')
    await herald.start('watcher')
    putService(api, 'foreign', { loadBalancerClass: 'example.com/other' })
    putService(api, 'mine')
    await until('ours has one', () => addressesOf(api, 'mine') !== '')
    assert.equal(addressesOf(api, 'foreign'), '')
    assert.deepEqual(eventsOf(api, 'foreign'), [])
  })
})
