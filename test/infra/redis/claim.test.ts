import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { locate, windowsOf } from '../../../functions/allocate/windows.ts'
import type { ClaimAnswer } from '../../../infra/redis/scripts.ts'
import { scriptsOf } from '../../../infra/redis/scripts.ts'
import { stateOf } from '../../../infra/redis/state.ts'
import { aClaim, adoptNothing, aPool, forget } from '../../support/claims.ts'
import { privateRedis } from '../../support/redis.ts'
import { violations } from '../../support/violations.ts'

const held = (answer: ClaimAnswer) => ('addresses' in answer ? answer.addresses.join() : '')
const ten = aPool('ten', ['192.168.50.211-192.168.50.220'])

describe('claim', async () => {
  const world = async (t: Parameters<typeof privateRedis>[0]) => {
    const server = await privateRedis(t)
    const redis = server.connect()
    const scripts = scriptsOf(redis, '{herald}')
    await adoptNothing(scripts)
    return { redis, scripts, state: stateOf(redis, '{herald}') }
  }

  test('hands out the lowest free address, and says the same to a repeated claim', async t => {
    const { scripts, state } = await world(t)
    assert.equal(held(await scripts.claim(aClaim('a/one', ten))), '192.168.50.211')
    assert.equal(held(await scripts.claim(aClaim('a/two', ten))), '192.168.50.212')
    assert.equal((await scripts.claim(aClaim('a/one', ten))).outcome, 'changed')
    const record = await state.allocation('default', 'a/one')
    assert.deepEqual(record?.addresses, ['192.168.50.211'])
    assert.equal(record?.pool, 'ten')
    const again = aClaim('a/one', ten, {
      expected: ['192.168.50.211'],
      options: [{ pool: 'ten', parts: [{ exact: place('192.168.50.211') }] }],
    })
    assert.equal((await scripts.claim(again)).outcome, 'kept')
  })

  test('says full when the pool is full, lets the Service wait, and wakes it on release', async t => {
    const { scripts } = await world(t)
    const one = aPool('one', ['10.0.0.5/32'])
    await scripts.claim(aClaim('a/first', one))
    const refused = await scripts.claim(aClaim('a/second', one))
    assert.equal(refused.outcome, 'refused')
    assert.deepEqual('reasons' in refused && refused.reasons, ['full 1'])
    const gone = await forget(scripts, aClaim('a/first', one), ['10.0.0.5'])
    assert.deepEqual('rung' in gone && gone.rung, ['default/a/second'])
    assert.equal(held(await scripts.claim(aClaim('a/second', one))), '10.0.0.5')
  })

  test('refuses while adoption is not complete in this life of Redis', async t => {
    const { redis, scripts } = await world(t)
    await redis.flushall()
    assert.equal((await scripts.claim(aClaim('a/one', ten))).outcome, 'unadopted')
  })

  test('skips .0 and .255 under avoidBuggyIPs', async t => {
    const { scripts } = await world(t)
    const pool = aPool('buggy', ['10.0.0.254-10.0.1.1'], { avoidBuggyIPs: true })
    assert.equal(held(await scripts.claim(aClaim('a/1', pool))), '10.0.0.254')
    assert.equal(held(await scripts.claim(aClaim('a/2', pool))), '10.0.1.1')
    assert.equal(held(await scripts.claim(aClaim('a/3', pool))), '')
  })

  test('keeps what is held when what is asked for is taken, and swaps in one step when it is free', async t => {
    const { scripts } = await world(t)
    await scripts.claim(aClaim('a/one', ten))
    await scripts.claim(aClaim('a/two', ten))
    const wanted = (address: string, expected: string) =>
      aClaim('a/one', ten, {
        expected: [expected],
        options: [{ pool: 'ten', parts: [{ exact: place(address) }] }],
      })
    const asked = wanted('192.168.50.212', '192.168.50.211')
    const refused = await scripts.claim(asked)
    assert.equal(held(refused), '192.168.50.211')
    assert.deepEqual('reasons' in refused && refused.reasons, [
      'taken default/a/two 192.168.50.212',
    ])
    const kept = await scripts.conclude({ ...asked, order: 'keep', keepPool: 'ten' })
    assert.deepEqual([kept.outcome, held(kept)], ['refused', '192.168.50.211'])
    assert.equal(
      held(await scripts.claim(wanted('192.168.50.215', '192.168.50.211'))),
      '192.168.50.215',
    )
    assert.equal(held(await scripts.claim(aClaim('a/three', ten))), '192.168.50.211')
  })

  test('shares an address between Services of one key with different ports, and no others', async t => {
    const { scripts } = await world(t)
    const sharer = (name: string, port: string, sharing = 'k') =>
      aClaim(name, ten, { sharing, ports: [port] })
    assert.equal(held(await scripts.claim(sharer('a/dns-tcp', 'TCP/53'))), '192.168.50.211')
    assert.equal(held(await scripts.claim(sharer('b/dns-udp', 'UDP/53'))), '192.168.50.211')
    assert.equal(held(await scripts.claim(sharer('a/other', 'TCP/53'))), '192.168.50.212')
    assert.equal(held(await scripts.claim(sharer('a/stranger', 'TCP/99', 'z'))), '192.168.50.213')
  })

  test('takes both families or none', async t => {
    const { scripts } = await world(t)
    const pool = aPool('dual', ['10.0.0.1/32', '2001:db8::/127'])
    const dual = (name: string) =>
      aClaim(name, pool, {
        options: [
          {
            pool: 'dual',
            parts: (['IPv4', 'IPv6'] as const).map(family => ({
              windows: [...windowsOf(pool, family)],
              buggy: false,
            })),
          },
        ],
      })
    assert.equal(held(await scripts.claim(dual('a/one'))), '10.0.0.1,2001:db8::')
    const second = await scripts.claim(dual('a/two'))
    assert.equal(held(second), '')
    assert.equal(
      held(
        await scripts.claim(
          aClaim('a/three', aPool('v6', ['2001:db8::/127']), {
            options: [
              { pool: 'v6', parts: [{ windows: [...windowsOf(pool, 'IPv6')], buggy: false }] },
            ],
          }),
        ),
      ),
      '2001:db8::1',
    )
  })
})

describe('adopt', () => {
  test('takes over what status shows, older first, and reports who may not have it', async t => {
    const server = await privateRedis(t)
    const redis = server.connect()
    const scripts = scriptsOf(redis, '{herald}')
    const adoption = scripts.adoption('default', 'nonce')
    assert.equal(await adoption.begin(), 'begun')
    assert.equal(await scripts.adoption('default', 'other').begin(), 'busy')
    const item = (service: string, address: string) => ({
      service,
      uid: `uid-${service}`,
      addresses: [place(address)],
      pool: 'ten',
      sharing: '',
      backend: '',
      ports: ['TCP/80'],
      sinceMs: 1,
    })
    const conflicts = await adoption.adopt([
      item('a/old', '192.168.50.211'),
      item('a/late', '192.168.50.211'),
      item('a/fine', '192.168.50.213'),
    ])
    assert.deepEqual(conflicts, ['a/late 192.168.50.211 default/a/old'])
    assert.equal(await adoption.end(), true)
    assert.equal(await adoption.begin(), 'current')
    assert.deepEqual(await violations(redis), [])
    assert.equal(held(await scripts.claim(aClaim('a/new', ten))), '192.168.50.212')
    assert.equal(held(await scripts.claim(aClaim('a/next', ten))), '192.168.50.214')
  })

  test('what status shows is held, also where an older Redis says that it rests', async t => {
    const server = await privateRedis(t)
    const redis = server.connect()
    const scripts = scriptsOf(redis, '{herald}')
    await adoptNothing(scripts)
    const one = aPool('one', ['10.0.0.5/32'])
    await scripts.claim(aClaim('a/one', one))
    await forget(scripts, aClaim('a/one', one), ['10.0.0.5'], { restMs: 600_000 })
    await redis.del('{herald}:adopted')
    const adoption = scripts.adoption('default', 'nonce')
    await adoption.begin()
    const item = { uid: 'u', sharing: '', backend: '', ports: ['TCP/80'], sinceMs: 1, pool: 'one' }
    await adoption.adopt([{ ...item, service: 'a/two', addresses: [place('10.0.0.5')] }])
    await adoption.end()
    const record = await stateOf(redis, '{herald}').addressRecord('10.0.0.5')
    assert.deepEqual(Object.keys(record?.holders ?? {}), ['default/a/two'])
    assert.equal(record?.after, undefined)
    assert.equal(held(await scripts.claim(aClaim('a/one', one, { rested: true }))), '')
  })

  test('is void when Redis was flushed in the middle', async t => {
    const server = await privateRedis(t)
    const redis = server.connect()
    const adoption = scriptsOf(redis, '{herald}').adoption('default', 'nonce')
    await adoption.begin()
    await redis.flushall()
    assert.equal(await adoption.adopt([]), null)
    assert.equal(await adoption.end(), false)
  })
})

function place(address: string) {
  const found = locate(address)
  assert.ok(found)
  return found
}
