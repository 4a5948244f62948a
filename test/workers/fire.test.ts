import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { needs } from '../support/capabilities.ts'
import { putConfigMap, putService } from '../support/cluster.ts'
import { undoing } from '../support/undo.ts'
import { until } from '../support/until.ts'
import { denied, type Watched, WIDE, watched } from '../support/watching.ts'

/** By hand: HERALD_FIRE_SERVICES=1000 HERALD_FIRE_AWAY_MS=60000 node test/run.mjs workers/fire */
const COUNT = Number(process.env.HERALD_FIRE_SERVICES ?? 300)
/** How long Redis is away: longer than every lease, lock and silence that Herald knows of but one (a minute, by hand). */
const AWAY_MS = Number(process.env.HERALD_FIRE_AWAY_MS ?? 6000)
const LIMIT_MS = 120_000

const numbered = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`)

/** Two of each process, and everybody has an address. */
async function underFire(herald: Watched, names: readonly string[]) {
  const { api, start } = herald
  putConfigMap(api, WIDE)
  const processes = await Promise.all([
    start('allocator'),
    start('allocator'),
    start('watcher'),
    start('watcher'),
  ])
  for (const name of names) putService(api, name)
  await until('all have an address', () => !herald.addresses(names).includes(''), LIMIT_MS)
  const changes: string[] = []
  const kept = new Map(names.map(name => [name, herald.address(name)]))
  api.store.subscribe(({ object: { metadata }, type }) => {
    const before = kept.get(metadata.name)
    const now = herald.address(metadata.name)
    if (before !== undefined && type !== 'DELETED' && now !== before) {
      changes.push(`${metadata.name}: ${before} became ${now || 'nothing'}`)
    }
  }, 'services')
  return { processes, changes }
}

/** Whoever came in between has an address that nobody has; to all others nothing was written. */
async function assertHeld(
  herald: Watched,
  all: readonly string[],
  { changes, newcomers, versions }: { changes: string[]; newcomers: string[]; versions: string[] },
): Promise<void> {
  for (const name of newcomers) await herald.hasAddress(name, LIMIT_MS)
  assert.deepEqual(changes, [], 'no status is cleared, no address moves')
  const addresses = herald.addresses([...all, ...newcomers])
  assert.equal(new Set(addresses).size, addresses.length, 'none is held twice')
  assert.deepEqual(all.map(herald.versionOf), versions, 'nothing is written that changes nothing')
}

describe('holds under fire', needs('redis'), () => {
  test(`${COUNT} Services: Redis flushed, away, older, empty; everything down: nothing is cleared, moved or doubled`, async t => {
    // Its snapshots are made by the test: whoever starts it again finds the last one.
    const herald = await watched(undoing(t), {}, { appendonly: false })
    const { api, redis, client } = herald
    const all = numbered('s', COUNT)
    const begunMs = performance.now()
    const { processes, changes } = await underFire(herald, all)
    t.diagnostic(`all assigned after ${Math.round(performance.now() - begunMs)} ms`)
    const round = async (name: string, disturb: () => Promise<unknown>) => {
      const versions = all.map(herald.versionOf)
      const newcomers = numbered(`${name}-`, 4)
      const startMs = performance.now()
      for (const one of newcomers.slice(0, 2)) putService(api, one)
      await disturb()
      for (const one of newcomers.slice(2)) putService(api, one)
      await assertHeld(herald, all, { changes, newcomers, versions })
      all.push(...newcomers)
      t.diagnostic(`${name}: held after ${Math.round(performance.now() - startMs)} ms`)
    }

    await round('flushed', () => client.flushall())
    await round('away', async () => {
      await client.save()
      await redis.stop()
      await new Promise(wake => setTimeout(wake, AWAY_MS))
      await redis.start()
    })
    await client.save()
    // A round of its own: it is unknown to the snapshot.
    await round('unsaved', async () => {})
    await round('older', async () => {
      await redis.stop()
      await redis.start()
    })
    await round('empty', async () => {
      await client.flushall()
      await client.save()
      await redis.stop()
      await redis.start()
    })

    await Promise.all(processes.map(one => one.stop()))
    const [gone = '', ...rest] = all
    const freed = herald.address(gone)
    api.store.delete('services', 'default', gone)
    await client.flushall()
    const versions = rest.map(herald.versionOf)
    await Promise.all([herald.start('allocator'), herald.start('watcher')])
    putService(api, 'heir', { loadBalancerIP: freed })
    await assertHeld(herald, rest, { changes, newcomers: ['heir'], versions })
    assert.equal(herald.address('heir'), freed, 'what was given up while everything was down')
    assert.deepEqual(denied(herald), [])
  })
})
