import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { allocatorWorld as world } from '../support/allocator-world.ts'
import { aPool } from '../support/claims.ts'
import { aConfiguration, aService } from '../support/services.ts'

const blue = aPool('blue', ['192.168.50.211-192.168.50.212'])

describe('allocator', () => {
  test('assigns, lets wait, and serves who waits when room appears', async t => {
    const herald = await world(t)
    await herald.configure(aConfiguration(blue))
    for (const name of ['one', 'two', 'three']) await herald.serve(aService(name))
    assert.deepEqual(await herald.held('one', 'two', 'three'), [
      '192.168.50.211',
      '192.168.50.212',
      '',
    ])
    const refusal = (await herald.state.allocation('default', 'default/three'))?.refusal
    assert.match(refusal?.message ?? '', /no free IP: "blue" is full/)
    await herald.gone('one')
    assert.deepEqual(await herald.held('one', 'two', 'three'), [
      '',
      '192.168.50.212',
      '192.168.50.211',
    ])
    assert.equal(await herald.redis.zcard(herald.state.keys.dirty('allocate')), 0)
  })

  test('keeps the address of a Service whose request cannot be had, and gives it over when it can', async t => {
    const herald = await world(t)
    await herald.configure(aConfiguration(blue))
    await herald.serve(aService('one'))
    await herald.serve(aService('two'))
    await herald.serve(aService('two', { resourceVersion: '2', loadBalancerIP: '192.168.50.211' }))
    assert.deepEqual(await herald.held('two'), ['192.168.50.212'])
    const refusal = (await herald.state.allocation('default', 'default/two'))?.refusal
    assert.match(refusal?.message ?? '', /192\.168\.50\.211 is held by default\/one/)
    await herald.gone('one')
    assert.deepEqual(await herald.held('two'), ['192.168.50.211'])
  })

  test('decides nothing before the adoption is complete, and leaves the bell dirty', async t => {
    const herald = await world(t)
    await herald.configure(aConfiguration(blue))
    await herald.redis.del(herald.state.keys.adopted)
    await herald.serve(aService('one'))
    assert.deepEqual(await herald.held('one'), [''])
    assert.notEqual(await herald.state.dirty('allocate', 'default/default/one'), null)
  })

  test('revokes when the pool goes, and assigns again from another', async t => {
    const herald = await world(t)
    await herald.configure(aConfiguration(blue))
    await herald.serve(aService('one'))
    await herald.configure(aConfiguration(aPool('red', ['10.0.0.0/30'])))
    await herald.ringAndAnswer('allocate', ['default/*'])
    assert.deepEqual(await herald.held('one'), ['10.0.0.0'])
  })

  test('places a group on a live node, keeps it there, and moves it only when the lease has lapsed', async t => {
    const herald = await world(t)
    await herald.configure(aConfiguration(blue))
    for (const name of ['a', 'b']) await herald.join(name)
    await herald.endpoints('one', { any: true, nodes: [] })
    await herald.serve(aService('one'))
    const first = await herald.owner('192.168.50.211')
    assert.equal(first, 'a')
    await herald.ringAndAnswer('place', ['default/default/one'])
    assert.equal(await herald.owner('192.168.50.211'), 'a')
    herald.lapsed.push('a')
    await herald.ringAndAnswer('place', ['default/192.168.50.211'])
    assert.equal(await herald.owner('192.168.50.211'), 'b')
    herald.lapsed.pop()
    await herald.ringAndAnswer('place', ['default/192.168.50.211'])
    assert.equal(await herald.owner('192.168.50.211'), 'b', 'nothing returns by itself')
  })

  test('spreads groups over the nodes, and withdraws a group that no endpoint can serve', async t => {
    const herald = await world(t)
    await herald.configure(aConfiguration(aPool('wide', ['10.0.0.0/24'])))
    for (const name of ['a', 'b', 'c']) await herald.join(name)
    for (let i = 0; i < 9; i++) {
      await herald.endpoints(`s${i}`, { any: true, nodes: [] })
      await herald.serve(aService(`s${i}`))
    }
    const counts = await Promise.all(
      ['a', 'b', 'c'].map(async node => (await herald.state.groupsOf('default', node)).length),
    )
    assert.deepEqual(counts, [3, 3, 3])
    await herald.endpoints('s0', { any: false, nodes: [] }, '2')
    await herald.ringAndAnswer('place', ['default/default/s0'])
    assert.equal(await herald.owner('10.0.0.0'), null)
  })
})
