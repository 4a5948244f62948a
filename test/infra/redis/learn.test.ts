import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as after } from 'node:timers/promises'
import { scriptsOf } from '../../../infra/redis/scripts.ts'
import { stateOf } from '../../../infra/redis/state.ts'
import { needs } from '../../support/capabilities.ts'
import { privateRedis } from '../../support/redis.ts'
import { undoing } from '../../support/undo.ts'

const HOUR_MS = 3_600_000

async function book(t: TestContext) {
  const redis = (await privateRedis(undoing(t))).connect()
  const scripts = scriptsOf(redis, '{herald}')
  const state = stateOf(redis, '{herald}')
  const learn = (records: string, field: string, resourceVersion: string, value: string | null) =>
    scripts.learn({ records, field, resourceVersion, value, bell: null })
  return {
    redis,
    state,
    learn,
    purge: (lifeMs: number) => scripts.purge(['a', 'b'], lifeMs),
    services: state.keys.services('a'),
  }
}

test(
  'of two who lag behind each other the newer news wins, whatever comes last',
  needs('redis'),
  async t => {
    const { learn, services, redis } = await book(t)
    assert.equal(await learn(services, 'd/s', '99', '1'), true)
    assert.equal(await learn(services, 'd/s', '100', '2'), true)
    assert.equal(await learn(services, 'd/s', '99', '1'), null)
    assert.equal(await learn(services, 'd/s', '101', '2'), false, 'only the version is newer')
    assert.equal(await learn(services, 'd/s', '102', null), true)
    assert.equal(await learn(services, 'd/s', '101', '2'), null, 'nothing comes back from the dead')
    assert.equal(await redis.hget(services, 'd/s'), '102 null')
    // Beyond what a double can tell apart.
    assert.equal(await learn(services, 'd/s', '9007199254740993', '4'), true)
    assert.equal(await learn(services, 'd/s', '9007199254740992', '5'), null)
  },
)

test(
  'of one resourceVersion, what a watcher of another version or with other settings sees in it holds when it comes last',
  needs('redis'),
  async t => {
    const { learn, services, redis } = await book(t)
    await learn(services, 'd/s', '100', '{"old":1}')
    assert.equal(await learn(services, 'd/s', '100', '{"old":1}'), null, 'it is known')
    assert.equal(await learn(services, 'd/s', '100', '{"old":1,"new":2}'), true)
    assert.equal(await learn(services, 'd/s', '100', null), true, 'it is ours no more')
    assert.equal(await redis.zcard('{herald}:tombstones'), 1)
    assert.equal(await learn(services, 'd/s', '100', '{"old":1}'), true, 'it is ours again')
    assert.equal(await redis.zcard('{herald}:tombstones'), 0)
    assert.equal(await learn(services, 'd/s', '99', '{"new":2}'), null)
  },
)

test(
  'tombstones of every kind are removed when they have served their time, and not before',
  needs('redis'),
  async t => {
    const { learn, purge, redis, state } = await book(t)
    const hashes = [
      state.keys.services('a'),
      state.keys.nodes('a'),
      state.keys.namespaces('b'),
      state.keys.objects('b'),
    ]
    for (const hash of hashes) {
      await learn(hash, 'gone', '1', '{}')
      await learn(hash, 'gone', '2', null)
      await learn(hash, 'stays', '1', '{}')
    }
    await learn(state.keys.endpoints('a'), 'gone', '1', '{}')
    await learn(state.keys.endpoints('a'), 'stays', '1', '{}')
    assert.equal(await purge(HOUR_MS), 0)
    await after(2) // the clock goes on
    assert.equal(await purge(1), hashes.length)
    for (const hash of [...hashes, state.keys.endpoints('a')]) {
      assert.deepEqual(await redis.hkeys(hash), ['stays'])
    }
    assert.equal(await redis.zcard(state.keys.tombstones), 0)
  },
)

test('who came back meanwhile stays, and is not purged later either', needs('redis'), async t => {
  const { learn, purge, redis, services, state } = await book(t)
  await learn(services, 'd/s', '1', '{}')
  await learn(services, 'd/s', '2', null)
  await learn(services, 'd/s', '3', '{}')
  assert.equal(await redis.zcard(state.keys.tombstones), 0)
  assert.equal(await purge(0), 0)
  assert.equal(await redis.hget(services, 'd/s'), '3 {}')
})

test(
  'a Service whose addresses nobody has released keeps its tombstone, and its bell is dirty again',
  needs('redis'),
  async t => {
    const { learn, purge, redis, services, state } = await book(t)
    await learn(services, 'd/s', '1', '{}')
    await redis.hset(state.keys.allocations('a'), 'd/s', '{}')
    await learn(services, 'd/s', '2', null)
    assert.equal(await purge(0), 0)
    assert.equal(await redis.hget(services, 'd/s'), '2 null')
    assert.notEqual(await state.dirty('allocate', 'a/d/s'), null)
    await redis.hdel(state.keys.allocations('a'), 'd/s')
    assert.equal(await purge(0), 1)
  },
)
