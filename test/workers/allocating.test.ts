import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { Configuration } from '../../functions/model/configuration.ts'
import type { Announcer, Endpoints, Node } from '../../functions/model/node.ts'
import type { Service } from '../../functions/model/service.ts'
import { scriptsOf } from '../../infra/redis/scripts.ts'
import { stateOf } from '../../infra/redis/state.ts'
import { onAllocate } from '../../workers/on-allocate.ts'
import { onPlace, type PlaceWorld } from '../../workers/on-place.ts'
import { adoptNothing, aPool } from '../support/claims.ts'
import { privateRedis } from '../support/redis.ts'
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

/** Real Redis and scripts; bells are answered here one by one, as an allocator would. */
async function world(t: TestContext) {
  const server = await privateRedis(t)
  const redis = server.connect()
  const scripts = scriptsOf(redis, '{herald}')
  const state = stateOf(redis, '{herald}')
  await adoptNothing(scripts)
  // As if this life of Redis had begun long ago: placing does not wait for reports.
  const clock = await scripts.clock()
  await redis.hset(state.keys.epoch, 'sinceMs', clock.nowMs - 60_000)

  const lapsed: string[] = []
  const bells: [string, string][] = []
  const place: PlaceWorld = {
    state,
    scripts,
    clusters: ['default'],
    coolDownMs: 0,
    nodeAddresses: async () => [],
    ring: async (queue, keys) => {
      bells.push(...keys.map((key): [string, string] => [queue, key]))
    },
    lapsed: async () => lapsed,
    later: () => assert.fail('nothing is to be put off'),
  }
  const answerAll = async () => {
    for (let bell = bells.shift(); bell; bell = bells.shift()) {
      if (bell[0] === 'allocate') await onAllocate(bell[1], place)
      if (bell[0] === 'place') await onPlace(bell[1], place)
    }
  }
  const learn = (records: string, field: string, version: string, value: object | null) =>
    scripts.learn({
      records,
      field,
      resourceVersion: version,
      value: value && JSON.stringify(value),
      bell: { queue: 'allocate', key: `default/${field}` },
    })
  let revision = 0
  return {
    redis,
    state,
    lapsed,
    configure: (configuration: Configuration) =>
      scripts.configure('default', ++revision, configuration),
    async ringAndAnswer(queue: string, keys: readonly string[]) {
      await place.ring(queue, keys)
      await answerAll()
    },
    async serve(service: Service) {
      const name = `${service.namespace}/${service.name}`
      await learn(state.keys.services('default'), name, service.resourceVersion, service)
      await this.ringAndAnswer('allocate', [`default/${name}`])
    },
    async gone(name: string) {
      await learn(state.keys.services('default'), `default/${name}`, '99', null)
      await this.ringAndAnswer('allocate', [`default/default/${name}`])
    },
    endpoints: (name: string, endpoints: Endpoints, version = '1') =>
      scripts.learn({
        records: state.keys.endpoints('default'),
        field: `default/${name}`,
        resourceVersion: version,
        value: JSON.stringify(endpoints),
        bell: null,
      }),
    async join(name: string) {
      const node: Node = {
        name,
        uid: name,
        resourceVersion: '',
        labels: {},
        networkUnavailable: false,
        addresses: [],
      }
      await scripts.learn({
        records: state.keys.nodes('default'),
        field: name,
        resourceVersion: '1',
        value: JSON.stringify(node),
        bell: null,
      })
      const announcer: Announcer = {
        node: name,
        session: 's',
        epoch: 0,
        interfaces: [{ name: 'eth0', mac: '02:00:00:00:00:01', prefixes: [] }],
      }
      await scripts.renew('default', announcer, { ms: 600_000, incarnation: '' }, [])
    },
    held: (...names: string[]) =>
      Promise.all(
        names.map(
          async name =>
            (await state.allocation('default', `default/${name}`))?.addresses.join() ?? '',
        ),
      ),
    owner: async (group: string) => (await state.placement('default', group))?.owner?.node ?? null,
  }
}
