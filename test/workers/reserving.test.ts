import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { locate, rangesOf } from '../../functions/allocate/windows.ts'
import type { Service } from '../../functions/model/service.ts'
import { decidingOf } from '../../infra/redis/decisions.ts'
import { allocatorWorld } from '../support/allocator-world.ts'
import { needs } from '../support/capabilities.ts'
import { adoptNothing, aPool } from '../support/claims.ts'
import { herald } from '../support/cli.ts'
import { privateRedis } from '../support/redis.ts'
import { aConfiguration, aService } from '../support/services.ts'
import { undoing } from '../support/undo.ts'

const DAY_MS = 86_400_000
const TWO = aPool('two', ['10.0.0.1-10.0.0.2'])
const two = aConfiguration(TWO)

function place(address: string) {
  const found = locate(address)
  assert.ok(found)
  return found
}

async function world(t: TestContext, coolDownMs = 0) {
  const allocator = await allocatorWorld(undoing(t), { coolDownMs })
  await allocator.configure(two)
  const deciding = decidingOf(allocator.redis, '{herald}')
  const common = { cluster: 'default', clusters: ['default'] }
  return {
    ...allocator,
    deciding,
    serve: (service: Service) => allocator.serve(service),
    gone: (name: string, version?: string) => allocator.gone(name, version),
    reserve: (address: string, name: string, forMs = DAY_MS) =>
      deciding.reserve({
        ...common,
        ...place(address),
        service: `default/default/${name}`,
        forMs,
      }),
    release: (address: string) => deciding.reserve({ ...common, ...place(address) }),
    wakeUp: () => allocator.ringAndAnswer('allocate', ['default/waiting']),
  }
}

describe('an address reserved by hand', needs('redis'), () => {
  test('goes to nobody else, and to its Service before any other', async t => {
    const { reserve, serve, held, refusal, state } = await world(t)
    assert.equal((await reserve('10.0.0.1', 'vip')).outcome, 'reserved')
    const counted = async () => (await state.tally(rangesOf(TWO, 'IPv4'))).reserved
    assert.equal(await counted(), 1)
    for (const name of ['a', 'b']) await serve(aService(name))
    await serve(aService('asks', { loadBalancerIP: '10.0.0.1' }))
    await serve(aService('vip'))
    assert.deepEqual(await held('a', 'b', 'asks', 'vip'), ['10.0.0.2', '', '', '10.0.0.1'])
    assert.equal(await counted(), 0, 'it is held')
    assert.match(
      await refusal('asks'),
      /reserved for default\/vip \("herald release 10\.0\.0\.1" ends that\)/,
    )
  })

  test('stays reserved when its Service has had it and is gone, again and again', async t => {
    const { reserve, serve, gone, held } = await world(t)
    await serve(aService('vip'))
    await reserve('10.0.0.1', 'vip', -1)
    for (const round of [1, 2]) {
      await gone('vip', `${round}0`)
      await serve(aService(`other${round}`))
      await serve(aService('vip', { uid: `vip${round}`, resourceVersion: `${round}5` }))
      assert.deepEqual(await held('vip'), ['10.0.0.1'])
    }
    assert.deepEqual(await held('other1', 'other2'), ['10.0.0.2', ''])
  })

  test('is free when it is released, and who waits gets it', async t => {
    const { reserve, release, serve, held, wakeUp } = await world(t)
    await reserve('10.0.0.1', 'vip')
    for (const name of ['a', 'b']) await serve(aService(name))
    assert.deepEqual(await release('10.0.0.1'), {
      outcome: 'released',
      service: 'default/default/vip',
      holder: null,
    })
    await wakeUp()
    assert.deepEqual(await held('a', 'b'), ['10.0.0.2', '10.0.0.1'])
    assert.deepEqual(await release('10.0.0.1'), { outcome: 'unreserved' })
  })

  test('is free when its time is over', async t => {
    const { reserve, serve, held } = await world(t)
    await reserve('10.0.0.1', 'vip', 1)
    await reserve('10.0.0.2', 'vip')
    await serve(aService('a'))
    assert.deepEqual(await held('a'), ['10.0.0.1'])
  })

  test('is not one that another Service holds or has reserved', async t => {
    const { reserve, serve } = await world(t)
    await serve(aService('a'))
    assert.deepEqual(await reserve('10.0.0.1', 'vip'), {
      outcome: 'held',
      by: 'default/default/a',
    })
    await reserve('10.0.0.2', 'b')
    assert.deepEqual(await reserve('10.0.0.2', 'vip'), {
      outcome: 'elsewhere',
      by: 'default/default/b',
    })
  })

  test('rests no longer, whosever it was before', async t => {
    const { reserve, serve, gone, held } = await world(t, DAY_MS)
    await serve(aService('a'))
    await gone('a')
    await reserve('10.0.0.1', 'vip')
    await serve(aService('b'))
    await serve(aService('a', { uid: 'again', resourceVersion: '100' }))
    await serve(aService('vip'))
    assert.deepEqual(await held('b', 'a', 'vip'), ['10.0.0.2', '', '10.0.0.1'])
  })

  test('is none before the addresses found in status are known', async t => {
    const { reserve, release, redis, scripts } = await world(t)
    await redis.flushall()
    assert.deepEqual(await reserve('10.0.0.1', 'vip'), { outcome: 'unadopted' })
    assert.deepEqual(await release('10.0.0.1'), { outcome: 'unadopted' })
    await adoptNothing(scripts)
    assert.equal((await reserve('10.0.0.1', 'vip')).outcome, 'reserved')
  })
})

describe('decisions', needs('redis'), () => {
  test('of reservations by annotation and by hand are kept up to date', async t => {
    const { reserve, serve, gone, deciding } = await world(t)
    const list = async () =>
      (await deciding.decisions('default'))?.reservations?.list.map(
        ({ address, service, byHand }) => `${address} ${service} ${byHand}`,
      ) ?? []
    const annotations = { 'herald.io/reserve': '24h' }
    await serve(aService('vip', { annotations }))
    assert.deepEqual(await list(), [])
    await gone('vip')
    assert.deepEqual(await list(), ['10.0.0.1 default/default/vip false'])
    await reserve('10.0.0.2', 'other')
    assert.equal((await list()).length, 2)
    await serve(aService('vip', { uid: 'again', resourceVersion: '100' }))
    assert.deepEqual(await list(), ['10.0.0.2 default/default/other true'])
  })

  test('are brought back to a Redis that is empty or older, and not to a newer one', async t => {
    const { reserve, release, scripts, deciding, redis, state, serve, gone, held } = await world(t)
    await serve(aService('kept'))
    await reserve('10.0.0.1', 'kept')
    await reserve('10.0.0.2', 'vip')
    const earlier = await deciding.decisions('default')
    assert.ok(earlier)
    await release('10.0.0.2')
    const later = await deciding.decisions('default')
    assert.ok(later)

    const restore = async (decisions: typeof earlier) => {
      await redis.hdel(state.keys.adopted, 'default')
      const adoption = scripts.adoption('default', 'nonce')
      await adoption.begin()
      assert.equal(await adoption.restore(decisions), true)
      await adoption.end()
    }
    await restore(earlier)
    assert.deepEqual(await deciding.decisions('default'), later, 'this Redis is newer')
    await redis.flushall()
    await scripts.clock()
    await redis.hset(state.keys.epoch, 'sinceMs', 1) // placing does not wait for reports
    await restore(earlier)
    assert.deepEqual(await deciding.decisions('default'), earlier)
    assert.equal(await redis.getbit(`${state.keys.page}4:0a00`, 2), 1)
    await restore(later)
    assert.deepEqual(await deciding.decisions('default'), later)
    assert.equal(await redis.getbit(`${state.keys.page}4:0a00`, 2), 0, 'released since')
    await serve(aService('a', { resourceVersion: '5' }))
    await serve(aService('kept', { resourceVersion: '5' }))
    assert.deepEqual(await held('a', 'kept'), ['10.0.0.2', '10.0.0.1'])
    await gone('kept')
    assert.equal((await state.addressRecord('10.0.0.1'))?.after?.reserved, true)
  })
})

describe('herald reserve and herald release', needs('redis'), () => {
  test('say what they did, or what to do instead', async t => {
    const scope = undoing(t)
    const allocator = await allocatorWorld(scope)
    await allocator.configure(two)
    await allocator.serve(aService('a'))
    const gone = await privateRedis(scope)
    await gone.stop()
    const at = ['--redis-url', allocator.path]
    const vip = ['--service', 'default/vip']
    const runs: readonly [readonly string[], number, RegExp][] = [
      [['reserve', '10.0.0.2', ...vip, ...at], 0, /reserved +10\.0\.0\.2 for default\/vip until 2/],
      [['reserve', '10.0.0.1', ...vip, ...at], 1, /held by or reserved for default\/a/],
      [['reserve', 'nginx', ...vip, ...at], 2, /"nginx" is no address/],
      [['reserve', '10.0.0.2', ...at], 2, /--service is missing/],
      [['reserve', '10.0.0.2', ...vip, '--for', 'soon', ...at], 2, /it must be "forever"/],
      [['reserve', '10.0.0.2', '--service', 'vip', ...at], 2, /namespace\/name/],
      [['reserve', '10.0.0.2', ...vip, '--redis-url', gone.path], 1, /Redis at .* cannot be used/],
      [['release', '10.0.0.1', ...at], 1, /is not reserved: it is held by default\/a/],
    ]
    const started = runs.map(([args, code, words]) => ({ cli: herald(scope, args), code, words }))
    for (const { cli, code, words } of started) {
      assert.equal(await cli.exit, code, cli.said())
      assert.match(cli.said(), words)
    }
    const json = herald(scope, ['release', '10.0.0.2', '-o', 'json', ...at])
    assert.equal(await json.exit, 0)
    assert.deepEqual(JSON.parse(json.said()), {
      address: '10.0.0.2',
      service: 'default/vip',
      holder: null,
    })
  })
})
