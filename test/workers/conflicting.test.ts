/** What becomes of an address that another host on the LAN turns out to have. */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { locate, rangesOf } from '../../functions/allocate/windows.ts'
import type { Service } from '../../functions/model/service.ts'
import { decidingOf } from '../../infra/redis/decisions.ts'
import { explainAddress } from '../../workers/explain.ts'
import { allocatorWorld } from '../support/allocator-world.ts'
import { needs } from '../support/capabilities.ts'
import { aPool } from '../support/claims.ts'
import { commands } from '../support/cli.ts'
import { aConfiguration, aDualService, aService } from '../support/services.ts'
import { undoing } from '../support/undo.ts'

const MINUTE_MS = 60_000
const MAC = '02:aa:bb:cc:dd:ee'
const foreign = { mac: MAC, interface: 'eth0' }
const BOTH = aPool('both', ['10.0.0.1-10.0.0.3', 'fd00::1-fd00::3'])
const POOLS = aConfiguration(BOTH)

async function world(t: TestContext, quarantineMs = 10 * MINUTE_MS) {
  const allocator = await allocatorWorld(undoing(t), { quarantineMs })
  const { scripts, state, redis, place } = allocator
  await allocator.configure(POOLS)
  const finder = { cluster: 'default', clusters: ['default'], node: 'node-b' }
  const deciding = decidingOf(redis, '{herald}')
  return {
    ...allocator,
    deciding,
    finder,
    serve: (service: Service) => allocator.serve(service),
    gone: (name: string, version?: string) => allocator.gone(name, version),
    /** What the LAN shows, reported by node-b; then whoever was rung is answered. */
    async finds(address: string, mac: string | null = MAC, probing = true) {
      const found = mac === null ? null : { ...foreign, mac }
      const { outcomes, placed, told } = await scripts.found(finder, [
        { address, probing, foreign: found },
      ])
      await allocator.ringAndAnswer('place', placed)
      return [outcomes[0], ...told]
    },
    unprobed: async (address: string) => {
      const [record] = await state.lan([address])
      return record && 'unprobed' in record ? record.unprobed : null
    },
    release: (address: string) => {
      const at = locate(address)
      assert.ok(at)
      return deciding.reserve({ cluster: 'default', clusters: ['default'], ...at })
    },
    /** How many addresses of the pool count as reserved. */
    counted: async () => (await state.tally(rangesOf(BOTH, 'IPv4'))).reserved,
    wakeUp: () => allocator.ringAndAnswer('allocate', ['default/waiting']),
    place,
  }
}

describe('an address that is claimed', needs('redis'), () => {
  test('is to be probed until it was, by whatever it was asked for', async t => {
    const { serve, finds, unprobed } = await world(t)
    await serve(aService('a'))
    await serve(aService('b', { loadBalancerIP: '10.0.0.3' }))
    assert.deepEqual(
      [await unprobed('10.0.0.1'), await unprobed('10.0.0.3')],
      ['automatic', 'named'],
    )
    assert.deepEqual(await finds('10.0.0.1', null), ['free'])
    await serve(aService('a', { resourceVersion: '2', ports: [{ protocol: 'TCP', port: 81 }] }))
    assert.equal(await unprobed('10.0.0.1'), null, 'also when its ports have changed since')
  })

  test('is to be probed again by the next one who gets it, and not after it is given up', async t => {
    const { serve, gone, finds, unprobed } = await world(t)
    await serve(aService('a'))
    await finds('10.0.0.1', null)
    await gone('a')
    assert.equal(await unprobed('10.0.0.1'), null)
    await serve(aService('b'))
    assert.equal(await unprobed('10.0.0.1'), 'automatic')
    await gone('b')
    assert.equal(await unprobed('10.0.0.1'), null)
  })

  test('is not new when it is adopted, shown by its status, or shared with who has it', async t => {
    const { serve, finds, unprobed, scripts, redis, state } = await world(t)
    const shared = { annotations: { 'metallb.io/allow-shared-ip': 'k' } }
    await serve(aService('shown', { addresses: ['10.0.0.2'] }))
    await serve(aService('a', shared))
    await finds('10.0.0.1', null)
    await serve(aService('b', { ...shared, ports: [{ protocol: 'TCP', port: 81 }] }))
    assert.deepEqual([await unprobed('10.0.0.1'), await unprobed('10.0.0.2')], [null, null])
    await serve(aService('c'))
    assert.equal(await unprobed('10.0.0.3'), 'automatic')
    await redis.hdel(state.keys.adopted, 'default')
    const adoption = scripts.adoption('default', 'again')
    assert.equal(await adoption.begin(), 'begun')
    const place = { address: '10.0.0.3', page: '4:0a00', offset: 3 }
    const item = { service: 'default/c', uid: 'uid-c', addresses: [place], pool: 'both' }
    const terms = { sharing: '', backend: '', ports: ['TCP/80'], sinceMs: 1 }
    assert.deepEqual(await adoption.adopt([{ ...item, ...terms }]), [])
    assert.ok(await adoption.end())
    assert.equal(await unprobed('10.0.0.3'), null, 'its status shows it')
  })

  test('is not new to whoever takes over its group on the LAN', async t => {
    const { serve, unprobed, scripts } = await world(t)
    await serve(aService('x', { loadBalancerIP: '10.0.0.1' }))
    await serve(aService('y', { loadBalancerIP: '10.0.0.2' }))
    await serve(aService('c'))
    assert.equal(await unprobed('10.0.0.3'), 'automatic')
    await scripts.renew(
      'default',
      { node: 'node-a', session: 's', epoch: 0, hears: [], interfaces: [] },
      { ms: MINUTE_MS, incarnation: '' },
      {
        placements: [
          {
            v: 1,
            group: '10.0.0.3',
            addresses: ['10.0.0.3'],
            epoch: { number: 7, node: 'node-a' },
            owner: { node: 'node-a', interfaces: null },
            standbys: [],
            reason: 'taken over on the LAN',
            sinceMs: 1,
          },
        ],
        all: true,
      },
    )
    assert.equal(await unprobed('10.0.0.3'), null, 'announced by who has taken it over')
  })
})

describe('an address that another host has', needs('redis'), () => {
  test('is quarantined, and the Service gets another one and is told why', async t => {
    const { serve, finds, held, state, unprobed, counted } = await world(t)
    await serve(aService('a'))
    assert.deepEqual(await finds('10.0.0.1'), ['taken'])
    assert.deepEqual(await held('a'), ['10.0.0.2'])
    assert.equal(await unprobed('10.0.0.2'), 'automatic')
    const { notices = [], refusal } = (await state.allocation('default', 'default/a')) ?? {}
    assert.equal(refusal, null)
    assert.deepEqual(notices, [
      {
        reason: 'AddressConflict',
        message: `10.0.0.1 is in use by another host on the LAN, with the MAC ${MAC}, and was not announced`,
      },
    ])
    const [quarantine] = await state.quarantines(['10.0.0.1'])
    assert.equal(quarantine?.mac, MAC)
    assert.ok((await state.addressRecord('10.0.0.1'))?.after?.reserved)
    assert.equal(await counted(), 1)
    const { lines } = await explainAddress({ state, cluster: 'default' }, '10.0.0.1')
    const said = lines.map(([head, text]) => `${head}: ${text}`).join('\n')
    assert.match(
      said,
      /^held: by nobody: it is quarantined until .* with the MAC 02:aa:bb:cc:dd:ee/m,
    )
    await serve(aService('b'))
    assert.deepEqual(await held('b'), ['10.0.0.3'], 'nobody gets it')
  })

  test('is quarantined once, however many allocators are told of it', async t => {
    const { serve, scripts, finder } = await world(t)
    await serve(aService('a'))
    await scripts.found(finder, [{ address: '10.0.0.1', probing: true, foreign }])
    const quarantine = () => scripts.quarantine('default', ['10.0.0.1'], MINUTE_MS)
    assert.deepEqual([await quarantine(), await quarantine()], [['default/default/a'], []])
  })

  test('costs a Service of both families no more than that address', async t => {
    const { serve, finds, held } = await world(t)
    await serve(aService('first', { loadBalancerIP: '10.0.0.1' }))
    await serve(aDualService('a', 'RequireDualStack', { resourceVersion: '1' }))
    assert.deepEqual(await held('a'), ['10.0.0.2,fd00::1'])
    assert.deepEqual(await finds('fd00::1'), ['taken'])
    assert.deepEqual(await held('a'), ['10.0.0.2,fd00::2'])
  })

  test('is given up by all who share it, and they share the next', async t => {
    const { serve, finds, held } = await world(t)
    const shared = { annotations: { 'metallb.io/allow-shared-ip': 'k' } }
    await serve(aService('a', shared))
    await serve(aService('b', { ...shared, ports: [{ protocol: 'TCP', port: 81 }] }))
    assert.deepEqual(await held('a', 'b'), ['10.0.0.1', '10.0.0.1'])
    await finds('10.0.0.1')
    assert.deepEqual(await held('a', 'b'), ['10.0.0.2', '10.0.0.2'])
  })

  test('leaves a Service waiting where there is no other, and its condition has the MAC', async t => {
    const { serve, finds, held, refusal, notices, release, wakeUp } = await world(t)
    for (const name of ['x', 'y', 'a']) await serve(aService(name))
    await finds('10.0.0.3')
    assert.deepEqual(await held('a'), [''])
    assert.match(await refusal('a'), /no free IP/)
    assert.deepEqual(await notices('a'), ['AddressConflict'])
    await serve(aService('asks', { loadBalancerIP: '10.0.0.3' }))
    assert.match(
      await refusal('asks'),
      /quarantined, as another host.*02:aa:bb:cc:dd:ee \("herald release 10\.0\.0\.3" ends that\)/,
    )
    const { outcome } = await release('10.0.0.3')
    assert.equal(outcome, 'released')
    await wakeUp()
    assert.deepEqual((await held('a', 'asks')).sort(), ['', '10.0.0.3'], 'whoever waited longest')
  })

  test('is released by hand, for nobody', async t => {
    const { serve, finds, path } = await world(t)
    await serve(aService('a'))
    await finds('10.0.0.1')
    const { said } = await commands(t, path)('release', '10.0.0.1', '-o', 'json')
    assert.deepEqual(JSON.parse(said), { address: '10.0.0.1', service: null, holder: null })
  })

  test('is handed out again when its quarantine is over', async t => {
    const { serve, finds, held, gone } = await world(t, 1)
    await serve(aService('a'))
    await finds('10.0.0.1')
    assert.deepEqual(await held('a'), ['10.0.0.2'])
    await gone('a')
    await serve(aService('b'))
    assert.deepEqual(await held('b'), ['10.0.0.1'])
  })

  test('is kept when it was asked for by name, or was announced before', async t => {
    const { serve, finds, held, state } = await world(t)
    await serve(aService('named', { loadBalancerIP: '10.0.0.3' }))
    await serve(aService('a'))
    await finds('10.0.0.1', null)
    assert.deepEqual(await finds('10.0.0.3'), ['kept', 'conflict/10.0.0.3'])
    assert.deepEqual(await finds('10.0.0.1', MAC, false), ['kept', 'conflict/10.0.0.1'])
    assert.deepEqual(await held('named', 'a'), ['10.0.0.3', '10.0.0.1'])
    assert.deepEqual(await finds('10.0.0.1', MAC, false), ['kept'], 'said once')
    const { lines } = await explainAddress({ state, cluster: 'default' }, '10.0.0.1')
    assert.match(lines.map(([, text]) => text).join('\n'), /^claimed too by another host.*node-b/m)
    const [record] = await state.lan(['10.0.0.1'])
    assert.ok(record && 'claimed' in record)
    assert.deepEqual([record.claimed.mac, record.claimed.node], [MAC, 'node-b'])
    assert.deepEqual(await finds('10.0.0.1', '02:aa:bb:cc:dd:ef', false), [
      'kept',
      'conflict/10.0.0.1',
    ])
  })

  test('is none of a foreign host when the MAC is one of our nodes', async t => {
    const { serve, finds, held, join, unprobed } = await world(t)
    await join('node-c') // 02:00:00:00:00:01
    await serve(aService('a'))
    assert.deepEqual(await finds('10.0.0.1', '02:00:00:00:00:01'), ['ours'])
    assert.deepEqual([await held('a'), await unprobed('10.0.0.1')], [['10.0.0.1'], null])
  })

  test('is nobody’s matter once its Service is gone', async t => {
    const { serve, finds, gone, held } = await world(t)
    await serve(aService('a'))
    await gone('a')
    assert.deepEqual(await finds('10.0.0.1'), ['gone'])
    await serve(aService('b'))
    assert.deepEqual(await held('b'), ['10.0.0.1'])
  })

  test('stays quarantined in a Redis that lost everything', async t => {
    const { serve, finds, held, deciding, scripts, redis, state, configure, counted } =
      await world(t)
    await serve(aService('a'))
    await finds('10.0.0.1')
    const decisions = await deciding.decisions('default')
    assert.ok(decisions)
    await redis.flushall()
    const adoption = scripts.adoption('default', 'again')
    await adoption.begin()
    assert.ok(await adoption.restore(decisions))
    await adoption.end()
    await configure(POOLS)
    const { nowMs } = await scripts.clock()
    await redis.hset(state.keys.epoch, 'sinceMs', nowMs - MINUTE_MS)
    await serve(aService('b'))
    assert.deepEqual(await held('b'), ['10.0.0.2'])
    assert.equal(await counted(), 1)
  })
})
