import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { apiServer } from '../support/apiserver.ts'
import { addressesOf, putConfigMap, putService } from '../support/cluster.ts'
import { herald } from '../support/herald.ts'
import { privateRedis } from '../support/redis.ts'
import { undoing } from '../support/undo.ts'
import { until } from '../support/until.ts'

const POOL = `address-pools:
- name: wide
  protocol: layer2
  addresses: [10.20.0.0/23]
`
const names = Array.from({ length: 200 }, (_, index) => `s${index}`)

describe('holds under fire', () => {
  test('Redis comes back empty with two watchers running: nothing cleared, moved or doubled', async t => {
    const scope = undoing(t)
    const [redis, api] = await Promise.all([privateRedis(scope), apiServer(scope)])
    const { start } = herald(scope, { redisUrl: redis.path, kubeconfig: api.kubeconfigPath })
    putConfigMap(api, POOL)
    await start('allocator')
    await start('watcher')
    await start('watcher')
    for (const name of names) putService(api, name)
    const all = () => names.map(name => addressesOf(api, name))
    await until('all have an address', () => !all().includes(''), 60_000)
    const before = all()

    await redis.stop()
    api.store.delete('services', 'default', 's0')
    putService(api, 'between')
    await redis.start()
    await until('who came in between has one', () => addressesOf(api, 'between') !== '', 60_000)
    assert.deepEqual(all().slice(1), before.slice(1))
    assert.ok(!before.slice(1).includes(addressesOf(api, 'between')), 'nobody else has it')
    assert.equal(new Set(before).size, names.length)
  })
})
