import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CATALOG, type Metric } from '../../../infra/metrics/catalog.ts'
import { openMetrics } from '../../../infra/metrics/metrics.ts'
import { claimTimer, timed } from '../../../infra/metrics/redis.ts'
import { scriptsOf } from '../../../infra/redis/scripts.ts'
import { needs } from '../../support/capabilities.ts'
import { aClaim, adoptNothing, aPool } from '../../support/claims.ts'
import { keptLog } from '../../support/log.ts'
import { privateRedis } from '../../support/redis.ts'
import { scraped } from '../../support/scrape.ts'
import { until } from '../../support/until.ts'

const open = () => openMetrics(keptLog())
const read = async (metrics: ReturnType<typeof open>) => scraped((await metrics.scrape()).text)

test('nothing is shown that nobody measures', async () => {
  const names = (await read(open())).map(one => one.name)
  assert.deepEqual(
    names.filter(name => name in CATALOG),
    [],
  )
})

test('a counter, a gauge and a histogram are shown with their labels and help', async () => {
  const metrics = open()
  metrics.count('herald_placements_total', { change: 'moved' })
  metrics.count('herald_placements_total', { change: 'moved' }, 2)
  metrics.set('herald_services_waiting', {}, 7)
  metrics.observe('herald_claim_duration_seconds', { outcome: 'kept' }, 0.002)
  metrics.observe('herald_claim_duration_seconds', { outcome: 'kept' }, 0.0025)
  metrics.observe('herald_claim_duration_seconds', { outcome: 'kept' }, 7)
  const samples = await read(metrics)
  const value = (name: string) => samples.find(one => one.name === name)?.value
  assert.equal(value('herald_placements_total'), 3)
  assert.equal(value('herald_services_waiting'), 7)
  assert.equal(value('herald_claim_duration_seconds_count'), 3)
  const buckets = samples.filter(one => one.name === 'herald_claim_duration_seconds_bucket')
  const bucket = (le: string) => buckets.find(one => one.labels.le === le)?.value
  assert.deepEqual(['0.001', '0.0025', '5', '+Inf'].map(bucket), [0, 2, 2, 3])
  assert.match((await metrics.scrape()).text, /# HELP herald_placements_total Groups that /)
})

test('what Node uses is shown too', async () => {
  const names = (await read(open())).map(one => one.name)
  assert.ok(names.includes('process_resident_memory_bytes'))
})

test('what is asked for at a scrape and fails is left out, the rest is shown', async () => {
  const metrics = open()
  metrics.beforeScrape(() => Promise.reject(new Error('Redis is away')))
  metrics.beforeScrape(async () => metrics.set('herald_services_waiting', {}, 1))
  assert.ok((await read(metrics)).some(one => one.name === 'herald_services_waiting'))
})

test('a scrape does not wait for what hangs', async () => {
  const metrics = open()
  metrics.beforeScrape(() => new Promise(() => {}))
  metrics.count('herald_placements_total', { change: 'moved' })
  assert.ok((await read(metrics)).some(one => one.name === 'herald_placements_total'))
})

test('two processes in one do not share anything', async () => {
  const [one, two] = [open(), open()]
  one.count('herald_placements_total', { change: 'moved' })
  assert.ok(!(await read(two)).some(sample => sample.name === 'herald_placements_total'))
})

test('names say the unit, as Prometheus wants it; MetalLB’s are kept as they are', () => {
  const wrong = Object.entries<Metric>(CATALOG).filter(([name, { type, buckets }]) => {
    if (name.startsWith('metallb_')) return false
    if (type === 'counter') return !/^herald_[a-z0-9_]+_total$/.test(name)
    if (type === 'histogram') return !/^herald_[a-z0-9_]+_seconds$/.test(name) || !buckets
    return !/^herald_[a-z0-9_]+$/.test(name) || name.endsWith('_total')
  })
  assert.deepEqual(wrong, [])
})

test(
  'claims are counted and measured, and so are the answers of Redis',
  needs('redis'),
  async t => {
    const redis = (await privateRedis(t)).connect()
    const metrics = open()
    const scripts = scriptsOf(timed(redis, metrics), '{herald}', claimTimer(metrics))
    await adoptNothing(scripts)
    await scripts.claim(aClaim('default/a', aPool('one', ['10.0.0.1/32'])))
    const samples = await read(metrics)
    const claims = samples.filter(one => one.name === 'herald_claim_duration_seconds_count')
    assert.deepEqual(
      claims.map(({ labels, value }) => ({ labels, value })),
      [{ labels: { outcome: 'claimed' }, value: 1 }],
    )
    await until('Redis was asked', async () => {
      const count = 'herald_redis_ping_seconds_count'
      return (await read(metrics)).some(one => one.name === count && one.value >= 2)
    })
  },
)
