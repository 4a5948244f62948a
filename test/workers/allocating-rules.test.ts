import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { onAllocate } from '../../workers/on-allocate.ts'
import { allocatorWorld } from '../support/allocator-world.ts'
import { aPool } from '../support/claims.ts'
import { aConfiguration, aDualService, aService, asking, sharer } from '../support/services.ts'
import { violations } from '../support/violations.ts'

const pair = aPool('pair', ['10.0.0.1-10.0.0.2'])
const wide = aPool('wide', ['10.0.5.0/24'])
describe('changes', () => {
  test('two Services that ask for each other\u2019s address both get it', async t => {
    const herald = await allocatorWorld(t)
    await herald.configure(aConfiguration(pair))
    await herald.serve(aService('a'))
    await herald.serve(aService('b'))
    await herald.serve(asking('a', '10.0.0.2'))
    assert.deepEqual(await herald.held('a'), ['10.0.0.1'])
    await herald.serve(asking('b', '10.0.0.1'))
    assert.deepEqual(await herald.held('a', 'b'), ['10.0.0.2', '10.0.0.1'])
    assert.equal(await herald.redis.hlen(herald.state.keys.wishes), 0)
  })

  test('three that ask for each other\u2019s full pools in a ring all move', async t => {
    const herald = await allocatorWorld(t)
    const names = ['x', 'y', 'z']
    await herald.configure(
      aConfiguration(...names.map((name, i) => aPool(name, [`10.${i}.0.1/32`]))),
    )
    const inPool = (name: string, pool: string, version: string) =>
      aService(name, { resourceVersion: version, annotations: { 'metallb.io/address-pool': pool } })
    for (const name of names) await herald.serve(inPool(name, name, '1'))
    await herald.serve(inPool('x', 'y', '2'))
    await herald.serve(inPool('y', 'z', '2'))
    assert.deepEqual(await herald.held(...names), ['10.0.0.1', '10.1.0.1', '10.2.0.1'])
    await herald.serve(inPool('z', 'x', '2'))
    assert.deepEqual(await herald.held(...names), ['10.1.0.1', '10.2.0.1', '10.0.0.1'])
  })

  test('keeps what it holds when the pool asked for is full, and moves when it has room', async t => {
    const herald = await allocatorWorld(t)
    const one = aPool('one', ['10.1.0.1/32'])
    await herald.configure(aConfiguration(one, wide))
    await herald.serve(aService('a', { annotations: { 'metallb.io/address-pool': 'one' } }))
    await herald.serve(aService('b'))
    const moving = { resourceVersion: '2', annotations: { 'metallb.io/address-pool': 'one' } }
    await herald.serve(aService('b', moving))
    assert.deepEqual(await herald.held('b'), ['10.0.5.0'])
    assert.match(await herald.refusal('b'), /"one" is full/)
    await herald.gone('a')
    assert.deepEqual(await herald.held('b'), ['10.1.0.1'])
    assert.equal(await herald.refusal('b'), '')
  })

  test('a change of type frees the address for who waits, and changing back waits in turn', async t => {
    const herald = await allocatorWorld(t)
    await herald.configure(aConfiguration(aPool('one', ['10.1.0.1/32'])))
    await herald.serve(aService('a'))
    await herald.serve(aService('b'))
    await herald.serve(aService('a', { resourceVersion: '2', type: 'ClusterIP' }))
    assert.deepEqual(await herald.held('a', 'b'), ['', '10.1.0.1'])
    await herald.serve(aService('a', { resourceVersion: '3' }))
    assert.deepEqual(await herald.held('a', 'b'), ['', '10.1.0.1'])
    await herald.serve(aService('a', { resourceVersion: '4', type: 'NodePort' }))
    assert.equal(await herald.redis.zcard(herald.state.keys.waiting), 0)
  })

  test('a pool that shrinks revokes with a notice, a pool renamed keeps, all pools gone clears', async t => {
    const herald = await allocatorWorld(t)
    const again = () => herald.ringAndAnswer('allocate', ['default/*'])
    await herald.configure(aConfiguration(pair))
    await herald.serve(aService('a'))
    await herald.configure(aConfiguration({ ...pair, name: 'renamed' }))
    await again()
    assert.equal((await herald.state.allocation('default', 'default/a'))?.pool, 'renamed')
    assert.deepEqual(await herald.notices('a'), [])
    await herald.configure(aConfiguration({ ...pair, addresses: ['10.0.0.2/32'] }))
    await again()
    assert.deepEqual(await herald.held('a'), ['10.0.0.2'])
    assert.deepEqual(await herald.notices('a'), ['ClearAssignment'])
    await herald.configure({ source: 'none', pools: [], advertisements: [] })
    await again()
    assert.deepEqual(await herald.held('a'), [''])
    assert.match(await herald.refusal('a'), /there is no address pool/)
    await again()
    assert.deepEqual(await herald.notices('a'), ['ClearAssignment'], 'still to be said')
    assert.deepEqual(await violations(herald.redis), [])
  })

  test('the second family is waited for, said, and added when it is there', async t => {
    const herald = await allocatorWorld(t)
    const dual = aPool('dual', ['10.0.0.0/24', '2001:db8::1/128'])
    await herald.configure(aConfiguration(dual))
    await herald.serve(aService('six', { clusterIPs: ['fd00::1'] }))
    await herald.serve(aDualService('both', 'PreferDualStack'))
    assert.deepEqual(await herald.held('six', 'both'), ['2001:db8::1', '10.0.0.0'])
    assert.deepEqual(await herald.notices('both'), ['AdditionalAssignFailed'])
    await herald.gone('six')
    assert.deepEqual(await herald.held('both'), ['10.0.0.0,2001:db8::1'])
    assert.equal(await herald.redis.zcard(herald.state.keys.waiting), 0)
  })
})

describe('sharing', () => {
  test('a sharer whose port collides loses the address alone, gets another, and the others keep theirs', async t => {
    const herald = await allocatorWorld(t)
    await herald.configure(aConfiguration(pair))
    await herald.serve(sharer('a', 80))
    await herald.serve(sharer('b', 81))
    assert.deepEqual(await herald.held('a', 'b'), ['10.0.0.1', '10.0.0.1'])
    await herald.serve(sharer('b', 80, { resourceVersion: '2' }))
    assert.deepEqual(await herald.held('a', 'b'), ['10.0.0.1', '10.0.0.2'])
    assert.deepEqual(await herald.notices('b'), ['ClearAssignment'])
  })

  test('a sharer that no longer fits is not kept by a request that cannot be had', async t => {
    const herald = await allocatorWorld(t)
    await herald.configure(aConfiguration(pair))
    await herald.serve(sharer('a', 80))
    await herald.serve(sharer('b', 81))
    await herald.serve(aService('c'))
    await herald.serve(sharer('b', 80, { resourceVersion: '2', loadBalancerIP: '10.0.0.2' }))
    assert.deepEqual(await herald.held('a', 'b', 'c'), ['10.0.0.1', '', '10.0.0.2'])
    assert.deepEqual(await violations(herald.redis), [])
  })

  test('the ports of a Service that keeps its address under a refused request still count', async t => {
    const herald = await allocatorWorld(t)
    await herald.configure(aConfiguration(aPool('one', ['10.0.0.1/32'])))
    await herald.serve(sharer('a', 80))
    await herald.serve(sharer('a', 90, { resourceVersion: '2', loadBalancerIP: '172.16.0.1' }))
    await herald.serve(sharer('b', 90))
    await herald.serve(sharer('c', 80))
    assert.deepEqual(await herald.held('a', 'b', 'c'), ['10.0.0.1', '', '10.0.0.1'])
  })

  test('who waits for a port, or for a key, is served when the sole owner changes in place', async t => {
    const herald = await allocatorWorld(t)
    await herald.configure(aConfiguration(aPool('one', ['10.0.0.1/32'])))
    await herald.serve(aService('a'))
    await herald.serve(sharer('b', 80))
    assert.deepEqual(await herald.held('a', 'b'), ['10.0.0.1', ''])
    await herald.serve(sharer('a', 80, { resourceVersion: '2' }))
    assert.deepEqual(await herald.held('a', 'b'), ['10.0.0.1', ''])
    await herald.serve(sharer('a', 81, { resourceVersion: '3' }))
    assert.deepEqual(await herald.held('a', 'b'), ['10.0.0.1', '10.0.0.1'])
  })

  test('Local and Cluster do not share unless the selector is empty; TCP and UDP of one port do', async t => {
    const herald = await allocatorWorld(t)
    await herald.configure(aConfiguration(wide))
    await herald.serve(sharer('a', 53))
    await herald.serve(sharer('b', 54, { externalTrafficPolicy: 'Local' }))
    await herald.serve(sharer('c', 55, { externalTrafficPolicy: 'Local', selector: {} }))
    await herald.serve(sharer('d', 53, { ports: [{ protocol: 'UDP', port: 53 }] }))
    assert.deepEqual(await herald.held('a', 'b', 'c', 'd'), [
      '10.0.5.0',
      '10.0.5.1',
      '10.0.5.0',
      '10.0.5.0',
    ])
  })

  test('twenty sharers of five ports race: never one port twice on an address', async t => {
    const herald = await allocatorWorld(t)
    await herald.configure(aConfiguration(aPool('four', ['10.0.0.0/30'])))
    const services = Array.from({ length: 20 }, (_, i) => sharer(`s${i}`, 80 + (i % 5)))
    for (const one of services) {
      await herald.learn(herald.state.keys.services('default'), `default/${one.name}`, '1', one)
    }
    await Promise.all(services.map(one => onAllocate(`default/default/${one.name}`, herald.place)))
    assert.deepEqual(await violations(herald.redis), [])
    const held = await herald.held(...services.map(one => one.name))
    assert.ok(!held.includes(''), 'four addresses have room for twenty')
  })
})

describe('room', () => {
  const fill = async (herald: Awaited<ReturnType<typeof allocatorWorld>>, pages: string[]) => {
    const full = Buffer.alloc(8192, 0xff)
    for (const page of pages) await herald.redis.set(`${herald.state.keys.page}${page}`, full)
  }
  const calls = async (herald: Awaited<ReturnType<typeof allocatorWorld>>) =>
    Number(/cmdstat_evalsha:calls=(\d+)/.exec(await herald.redis.info('commandstats'))?.[1] ?? 0)

  test('the last address of a full /8 is found in five calls', async t => {
    const herald = await allocatorWorld(t)
    await herald.configure(aConfiguration(aPool('eight', ['10.0.0.0/8'])))
    const pages = Array.from({ length: 256 }, (_, i) => `4:0a${i.toString(16).padStart(2, '0')}`)
    await fill(herald, pages)
    await herald.redis.setbit(`${herald.state.keys.page}4:0aff`, 65_535, 0)
    await herald.serve(aService('a'))
    assert.deepEqual(await herald.held('a'), ['10.255.255.255'])
    const before = await calls(herald)
    await herald.serve(aService('b'))
    assert.match(await herald.refusal('b'), /"eight" is full/)
    assert.ok((await calls(herald)) - before <= 8, 'a full /8 costs a handful of calls')
  })

  test('an IPv6 /48 beside a full IPv4 /8 is refused at once, not searched for ever', async t => {
    const herald = await allocatorWorld(t)
    await herald.configure(aConfiguration(aPool('dual', ['10.0.0.0/8', '2001:db8::/48'])))
    await fill(
      herald,
      Array.from({ length: 256 }, (_, i) => `4:0a${i.toString(16).padStart(2, '0')}`),
    )
    await herald.serve(aDualService('a', 'RequireDualStack'))
    assert.match(await herald.refusal('a'), /"dual" has no free IPv4 address/)
    await herald.serve(aDualService('b', 'PreferDualStack'))
    assert.deepEqual(await herald.held('b'), ['2001:db8::'])
  })

  test('one release serves one of three hundred that wait, and the longest waiting first', async t => {
    const herald = await allocatorWorld(t)
    await herald.configure(aConfiguration(aPool('one', ['10.0.0.1/32'])))
    await herald.serve(aService('first'))
    for (let i = 0; i < 300; i++) await herald.serve(aService(`w${i}`))
    await herald.gone('first')
    assert.deepEqual(await herald.held('w0'), ['10.0.0.1'])
    assert.equal(await herald.redis.zcard(herald.state.keys.waiting), 299)
  })
})
