import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { needs } from '../support/capabilities.ts'
import { putConfigMap, putService } from '../support/cluster.ts'
import { undoing } from '../support/undo.ts'
import { until } from '../support/until.ts'
import { type Watched, watched } from '../support/watching.ts'

const COMMON = `address-pools:
- name: common
  protocol: layer2
  addresses: [10.40.0.1-10.40.0.40]
`
const KEY = { 'metallb.io/allow-shared-ip': 'together' }
const numbered = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`)

describe('two clusters with one Redis', needs('redis'), () => {
  test('never hold one address twice, share nothing, and wait for each other on an empty Redis', async t => {
    const scope = undoing(t)
    const a = await watched(scope, { cluster: 'a', clusters: 'a,b' })
    const b = await watched(scope, { cluster: 'b', clusters: 'a,b' }, a.redis)
    for (const one of [a, b]) {
      putConfigMap(one.api, COMMON)
      await one.start('allocator')
      await one.start('watcher')
    }
    const names = numbered('s', 15)
    for (const name of names) for (const one of [a, b]) putService(one.api, name)
    for (const one of [a, b]) {
      for (const [index, name] of ['shares0', 'shares1'].entries()) {
        putService(one.api, name, { ports: [{ port: 80 + index }] }, KEY)
      }
    }
    const all = [...names, 'shares0', 'shares1']
    const held = (one: Watched) => one.addresses(all)
    await until('all have an address', () => ![...held(a), ...held(b)].includes(''), 60_000)
    const [ofA, ofB] = [held(a), held(b)]
    const clashes = ofA.filter(address => ofB.includes(address))
    assert.deepEqual(clashes, [], 'neither by chance nor by sharing key')
    for (const one of [ofA, ofB]) {
      assert.equal(one.at(-1), one.at(-2), 'within a cluster the key is honoured')
      assert.equal(new Set(one).size, names.length + 1)
    }

    // Cluster b cannot say what it holds: nobody gets anything, though a has adopted.
    await b.api.stop()
    await a.client.flushall()
    await until(
      'a has adopted',
      async () => (await a.client.hget(a.state.keys.adopted, 'a')) !== null,
    )
    putService(a.api, 'early', { loadBalancerIP: ofB[0] })
    putService(a.api, 'any')
    await until('the newcomers are known', async () => {
      const known = await a.client.hkeys(a.state.keys.services('a'))
      return known.includes('default/any') && known.includes('default/early')
    })
    await until('their bells are rung and stay unanswered', async () => {
      const bells = await a.state.dirtyKeys('allocate')
      return ['a/default/early', 'a/default/any'].every(id => bells.some(([key]) => key === id))
    })
    assert.deepEqual(a.addresses(['early', 'any']), ['', ''])
    await b.api.start()
    await a.hasAddress('any', 60_000)
    assert.ok(![...ofA, ...ofB].includes(a.address('any')), 'a newcomer gets what nobody holds')
    assert.equal(a.address('early'), '', 'what the other cluster holds is not given away')
    assert.deepEqual([held(a), held(b)], [ofA, ofB])
  })
})
