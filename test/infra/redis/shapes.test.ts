import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { locate } from '../../../functions/allocate/windows.ts'
import { hasRedis, readConfig } from '../../../infra/config.ts'
import { openMetrics } from '../../../infra/metrics/metrics.ts'
import { answer, openBells } from '../../../infra/queue/queues.ts'
import { waitForRedis } from '../../../infra/redis/check.ts'
import { connectRedis, type RedisRole } from '../../../infra/redis/connect.ts'
import { scriptsOf } from '../../../infra/redis/scripts.ts'
import { stateOf } from '../../../infra/redis/state.ts'
import { needs } from '../../support/capabilities.ts'
import { claimingUnderLoad } from '../../support/claiming.ts'
import { aClaim, adoptNothing, aPool, forget } from '../../support/claims.ts'
import { keptLog } from '../../support/log.ts'
import { cluster, plain, type Shape, sentinel, tls } from '../../support/redis-shapes.ts'
import { type Scope, undoing } from '../../support/undo.ts'
import { until } from '../../support/until.ts'
import { violations } from '../../support/violations.ts'

const two = aPool('two', ['10.0.0.1-10.0.0.2'])
/** A killed master is missed after 1.5 to 2 s, an election takes as long; this machine may be busy. */
const FAILOVER_LIMIT_MS = 90_000

const SHAPES: readonly [string, (t: Scope) => Promise<Shape>][] = [
  ['plain', plain],
  ['TLS with a password', tls],
  ['Sentinel', sentinel],
  ['Cluster', cluster],
]

for (const [name, open] of SHAPES) {
  describe(`Redis: ${name}`, needs('redis'), async () => {
    test('the very settings of a user lead to claims, bells and adoption', async t => {
      const undo = undoing(t)
      const shape = await open(undo)
      const world = await connect(undo, shape)
      await t.test('claim: each address once, then full, then whoever waits', () => claims(world))
      await t.test('queue: a ring during the answer is one more answer', () => bells(undo, world))
      await t.test('adopt: what status shows is held, conflicts are told', () => adopts(world))
      if (!shape.sever) return
      await t.test(
        'the master dies under load, its last writes lost: no address is held twice',
        () => failsOver(undo, world, shape),
      )
    })
  })
}

type World = Awaited<ReturnType<typeof connect>>

/** As the processes do it: settings, connection, check. */
async function connect(undo: Scope, shape: Shape) {
  const config = readConfig('allocator', shape.settings)
  assert.ok(hasRedis(config))
  const log = keptLog()
  const open = (role: RedisRole) => {
    const redis = connectRedis(config.redis, role, log)
    undo.after(() => redis.disconnect())
    return redis
  }
  const redis = open('commands')
  const { signal } = new AbortController()
  await waitForRedis(redis, { config, log, signal, waitingFor: () => {} })
  return { redis, open, log }
}

async function claims({ redis }: World): Promise<void> {
  const scripts = scriptsOf(redis, '{claim}')
  await adoptNothing(scripts)
  const all = await Promise.all(
    ['a/1', 'a/2', 'a/3'].map(service => scripts.claim(aClaim(service, two))),
  )
  const given = all.flatMap(one => ('addresses' in one ? one.addresses : []))
  assert.deepEqual(given.sort(), ['10.0.0.1', '10.0.0.2'])
  const held = await stateOf(redis, '{claim}').allocation('default', 'a/1')
  const expected = held?.addresses ?? []
  const gone = await forget(scripts, aClaim('a/1', two), expected)
  assert.deepEqual('rung' in gone && gone.rung, ['default/a/3'])
  const served = await scripts.claim(aClaim('a/3', two))
  assert.deepEqual('addresses' in served && served.addresses, expected)
}

async function bells(undo: Scope, { redis, open, log }: World): Promise<void> {
  const ringing = openBells(redis, '{queue}', log)
  undo.after(() => ringing.close())
  const heard: string[] = []
  let go = () => {}
  const gate = new Promise<void>(resolve => {
    go = resolve
  })
  const connection = open('blocking')
  const answering = answer(
    'allocate',
    async key => {
      heard.push(key)
      if (key === 'default/a/1') await gate
    },
    { connection, prefix: '{queue}', concurrency: 2, log, metrics: openMetrics(log) },
  )
  undo.after(() => answering.stop(1000))
  await ringing.ring('allocate', ['default/a/1', 'default/a/2'])
  await until('both are heard', () => heard.length === 2)
  for (let n = 0; n < 3; n++) await ringing.ring('allocate', ['default/a/1'])
  go()
  await until('the first is heard again', () => heard.length === 3)
  assert.deepEqual(heard.sort(), ['default/a/1', 'default/a/1', 'default/a/2'])
}

async function adopts({ redis }: World): Promise<void> {
  const scripts = scriptsOf(redis, '{adopt}')
  assert.equal((await scripts.claim(aClaim('a/early', two))).outcome, 'unadopted')
  const adoption = scripts.adoption('default', 'nonce')
  assert.equal(await adoption.begin(), 'begun')
  const conflicts = await adoption.adopt([item('a/old', 1), item('a/late', 2)])
  assert.deepEqual(conflicts, ['a/late 10.0.0.1 default/a/old'])
  assert.equal(await adoption.end(), true)
  const answered = await scripts.claim(aClaim('a/new', two))
  assert.deepEqual('addresses' in answered && answered.addresses, ['10.0.0.2'])
}

async function failsOver(undo: Scope, { redis, open, log }: World, shape: Shape): Promise<void> {
  const load = claimingUnderLoad(redis)
  undo.after(() => load.stop())
  const ringing = openBells(redis, '{herald}', log)
  undo.after(() => ringing.close())
  const heard = new Set<string>()
  const answering = answer('allocate', async key => void heard.add(key), {
    ...{ connection: open('blocking'), prefix: '{herald}', concurrency: 4, log },
    metrics: openMetrics(log),
  })
  undo.after(() => answering.stop(1000))
  await until('claims are answered', () => load.claimed() > 300)
  await ringing.ring('allocate', ['before'])
  await until('bells are answered', () => heard.has('before'))

  await shape.sever?.()
  const known = load.claimed()
  load.move()
  await until('the claims that count will all be lost', () => {
    return load.claimed() > known + 300 && load.moved()
  })
  load.halve()
  await shape.killMaster()
  const rung = ringing.ring('allocate', ['meanwhile'])
  const [claimed, adoptions] = [load.claimed(), load.adoptions()]
  await until('it is adopted again', () => load.adoptions() > adoptions, FAILOVER_LIMIT_MS)
  await until('claims go on', () => load.claimed() > claimed + 300, FAILOVER_LIMIT_MS)
  await rung
  await until('bells are answered again', () => heard.has('meanwhile'), FAILOVER_LIMIT_MS)

  await load.stop()
  assert.deepEqual(await violations(redis), [])
  for (const [service, address] of load.status) {
    const held = await stateOf(redis, '{herald}').allocation('default', service)
    assert.deepEqual(held?.addresses, [address], `${service} has kept what its status shows`)
  }
  assert.equal(new Set(load.status.values()).size, load.status.size)
}

function item(service: string, sinceMs: number) {
  const place = locate('10.0.0.1')
  assert.ok(place)
  const rest = { pool: 'two', sharing: '', backend: '', ports: ['TCP/80'] }
  return { service, uid: service, addresses: [place], sinceMs, ...rest }
}
