import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Service } from '../../functions/model/service.ts'
import { onAllocate } from '../../workers/on-allocate.ts'
import { allocatorWorld } from '../support/allocator-world.ts'
import { aPool } from '../support/claims.ts'
import { aConfiguration, aDualService, aService, asking, sharer } from '../support/services.ts'
import { violations } from '../support/violations.ts'

const pair = aPool('pair', ['10.0.0.1-10.0.0.2'])
const wide = aPool('wide', ['10.0.5.0/24'])

describe('beyond MetalLB', () => {
  test('an address rests before another Service gets it, and returns to its own at once', async t => {
    const herald = await allocatorWorld(t, { coolDownMs: 600_000 })
    await herald.configure(aConfiguration(wide))
    await herald.serve(aService('a'))
    await herald.gone('a')
    await herald.serve(aService('b'))
    assert.deepEqual(await herald.held('b'), ['10.0.5.1'])
    await herald.serve(aService('a', { uid: 'again', resourceVersion: '100' }))
    assert.deepEqual(await herald.held('a'), ['10.0.5.0'])
    assert.deepEqual(await violations(herald.redis), [])
  })

  test('an address at rest is given to who asks for it by name, and when nothing else is free', async t => {
    const herald = await allocatorWorld(t, { coolDownMs: 600_000 })
    await herald.configure(aConfiguration(pair))
    await herald.serve(aService('a'))
    await herald.serve(aService('b'))
    await herald.gone('a')
    await herald.gone('b')
    await herald.serve(asking('c', '10.0.0.2'))
    await herald.serve(aService('d'))
    assert.deepEqual(await herald.held('c', 'd'), ['10.0.0.2', '10.0.0.1'])
  })

  test('the cool-down of the pool wins, and ends', async t => {
    const herald = await allocatorWorld(t, { coolDownMs: 600_000 })
    const annotations = { 'herald.io/cool-down': '1ms' }
    await herald.configure(aConfiguration({ ...wide, annotations }))
    await herald.serve(aService('a'))
    await herald.gone('a')
    const ended = await herald.redis.zrange(herald.state.keys.resting, '0', '-1', 'WITHSCORES')
    while ((await herald.scripts.clock()).nowMs <= Number(ended.flat()[1])) {}
    await herald.serve(aService('b'))
    assert.deepEqual(await herald.held('b'), ['10.0.5.0'])
    assert.equal(await herald.redis.hlen(herald.state.keys.returning), 0)
  })

  test('a reserved address waits for its Service, also when nothing else is free', async t => {
    const herald = await allocatorWorld(t)
    await herald.configure(aConfiguration(aPool('one', ['10.0.0.1/32'])))
    const kept = { annotations: { 'herald.io/reserve': 'forever' } }
    await herald.serve(aService('a', kept))
    await herald.gone('a')
    await herald.serve(aService('b'))
    await herald.serve(asking('c', '10.0.0.1'))
    assert.deepEqual(await herald.held('b', 'c'), ['', ''])
    assert.match(await herald.refusal('c'), /10\.0\.0\.1 is reserved for default\/a/)
    await herald.serve(aService('a', { ...kept, uid: 'again', resourceVersion: '100' }))
    assert.deepEqual(await herald.held('a'), ['10.0.0.1'])
  })

  test('excluded addresses and those of nodes are passed by', async t => {
    const herald = await allocatorWorld(t, { nodeAddresses: ['10.0.5.2'] })
    const annotations = { 'herald.io/exclude': '10.0.5.0-10.0.5.1,10.0.5.4/31' }
    await herald.configure(aConfiguration({ ...wide, annotations }))
    const names = ['a', 'b', 'c']
    for (const name of names) await herald.serve(aService(name))
    assert.deepEqual(await herald.held(...names), ['10.0.5.3', '10.0.5.6', '10.0.5.7'])
  })

  test('two clusters on one Redis: never one address twice, a key never matches across, both adopt first', async t => {
    const herald = await allocatorWorld(t, { clusters: ['default', 'east'] })
    await herald.configure(aConfiguration(wide))
    await herald.scripts.configure('east', 1, aConfiguration({ ...wide, name: 'eastern' }))
    const inEast = async (service: Service) => {
      await herald.learn(
        herald.state.keys.services('east'),
        `default/${service.name}`,
        '1',
        service,
      )
      await herald.ringAndAnswer('allocate', [`east/default/${service.name}`])
      return (await herald.state.allocation('east', `default/${service.name}`))?.addresses.join()
    }
    await herald.serve(sharer('a', 80))
    assert.equal(await inEast(sharer('a', 81)), '10.0.5.1')
    assert.equal(await inEast(aService('b', { loadBalancerIP: '10.0.5.0' })), '')
    await herald.gone('a')
    const b = await herald.state.allocation('east', 'default/b')
    assert.equal(b?.addresses.join(), '10.0.5.0', 'it was told when the other cluster let go')
    await herald.redis.hdel(herald.state.keys.adopted, 'default')
    assert.equal(await inEast(aService('late')), undefined)
  })

  describe('namespace quota', () => {
    const two = { ...wide, annotations: { 'herald.io/namespace-quota': '2' } }
    const elsewhere = (name: string) => aService(name, { namespace: 'other' })

    test('a namespace gets no more of a pool than that, another has its own, and room is given on', async t => {
      const herald = await allocatorWorld(t)
      await herald.configure(aConfiguration(two))
      for (const name of ['a', 'b', 'c']) await herald.serve(aService(name))
      assert.deepEqual(await herald.held('a', 'b', 'c'), ['10.0.5.0', '10.0.5.1', ''])
      assert.match(
        await herald.refusal('c'),
        /"wide" gives a namespace no more than 2, and this one holds 2 \(annotation herald\.io\/namespace-quota\)\. Raise that quota/,
      )
      await herald.serve(elsewhere('c'))
      const other = await herald.state.allocation('default', 'other/c')
      assert.deepEqual(other?.addresses, ['10.0.5.2'])
      await herald.gone('a')
      assert.deepEqual(await herald.held('c'), ['10.0.5.0'])
    })

    test('an address that is shared counts once, also when a lower one is free', async t => {
      const herald = await allocatorWorld(t)
      await herald.configure(aConfiguration(two))
      await herald.serve(asking('low', '10.0.5.0', '1'))
      await herald.serve(sharer('a', 80))
      await herald.gone('low')
      await herald.serve(asking('high', '10.0.5.9', '1'))
      await herald.serve(sharer('b', 81))
      await herald.serve(sharer('c', 80))
      assert.deepEqual(await herald.held('a', 'b', 'c'), ['10.0.5.1', '10.0.5.1', ''])
      assert.deepEqual(await violations(herald.redis), [])
    })

    test('who is at the quota may move, by name or to another pool, but not grow', async t => {
      const herald = await allocatorWorld(t)
      const one = { 'herald.io/namespace-quota': '1' }
      const dual = aPool('dual', ['10.0.6.0/24', '2001:db8::/120'], { annotations: one })
      await herald.configure(aConfiguration(dual))
      await herald.serve(aService('a'))
      await herald.serve(asking('a', '10.0.6.7'))
      assert.deepEqual(await herald.held('a'), ['10.0.6.7'])
      await herald.serve(aDualService('a', 'PreferDualStack', { resourceVersion: '3' }))
      assert.deepEqual(await herald.held('a'), ['10.0.6.7'])
      await herald.configure(aConfiguration({ ...dual, annotations: {} }))
      await herald.ringAndAnswer('allocate', ['default/*'])
      assert.deepEqual(await herald.held('a'), ['10.0.6.7,2001:db8::'])
    })

    test('a quota set below what is held revokes nothing', async t => {
      const herald = await allocatorWorld(t)
      await herald.configure(aConfiguration(wide))
      for (const name of ['a', 'b', 'c']) await herald.serve(aService(name))
      await herald.configure(aConfiguration(two))
      await herald.ringAndAnswer('allocate', ['default/*'])
      for (const name of ['a', 'b', 'c']) {
        await herald.serve(aService(name, { resourceVersion: '2', ports: [] }))
      }
      assert.deepEqual(await herald.held('a', 'b', 'c'), ['10.0.5.0', '10.0.5.1', '10.0.5.2'])
      await herald.serve(aService('d'))
      assert.match(await herald.refusal('d'), /this one holds 3/)
    })

    test('twenty allocators at once give no more than the quota', async t => {
      const herald = await allocatorWorld(t)
      await herald.configure(aConfiguration(two))
      const services = Array.from({ length: 20 }, (_, i) => aService(`s${i}`))
      for (const one of services) {
        await herald.learn(herald.state.keys.services('default'), `default/${one.name}`, '1', one)
      }
      await Promise.all(
        services.map(one => onAllocate(`default/default/${one.name}`, herald.place)),
      )
      const held = await herald.held(...services.map(one => one.name))
      assert.equal(held.filter(one => one !== '').length, 2)
    })
  })

  test('the history says who got and lost what, from which pool, and why', async t => {
    const herald = await allocatorWorld(t)
    await herald.configure(aConfiguration(wide))
    await herald.serve(aService('a'))
    await herald.gone('a')
    const entries = (await herald.redis.xrange(herald.state.keys.history, '-', '+')) as unknown[]
    const told = entries.map(entry => String((entry as unknown[])[1]))
    assert.match(
      told[0] ?? '',
      /what,claimed,service,default\/default\/a,uid,uid-a,addresses,10\.0\.5\.0,pool,wide,why,automatic assignment/,
    )
    assert.match(told[1] ?? '', /what,released,.*pool,wide,why,the Service was deleted/)
  })
})
