/** What the allocator that sweeps shows of the state in Redis, when somebody scrapes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openMetrics } from '../../infra/metrics/metrics.ts'
import { measureState } from '../../workers/measure.ts'
import { allocatorWorld } from '../support/allocator-world.ts'
import { needs } from '../support/capabilities.ts'
import { keptLog } from '../support/log.ts'
import { scraped } from '../support/scrape.ts'

test(
  'a node that was removed from the cluster is not silent, and has no queue',
  needs('redis'),
  async t => {
    const world = await allocatorWorld(t)
    const metrics = openMetrics(keptLog())
    const empty = { waiting: 0, active: 0, delayed: 0, failed: 0, oldestMs: null }
    const about = { cluster: 'default', clusters: ['default'], depth: async () => empty }
    measureState({ ...world.place, ...about }, metrics, () => true)
    const shown = async () => {
      const samples = scraped((await metrics.scrape()).text)
      const silent = samples.find(one => one.name === 'herald_leases_lapsed')?.value
      const queues = samples.filter(one => one.labels.queue === 'announce-default-node-a')
      return [silent, queues.length > 0]
    }
    await world.join('node-a')
    assert.deepEqual(await shown(), [0, true])

    const { leases, nodes } = world.state.keys
    await world.redis.zadd(leases('default'), 1, 'node-a')
    world.lapsed.push('node-a')
    assert.deepEqual(await shown(), [1, true])

    const removed = {
      records: nodes('default'),
      field: 'node-a',
      resourceVersion: '2',
      value: null,
    }
    await world.scripts.learn({ ...removed, bell: null })
    assert.deepEqual(await shown(), [0, false])
  },
)
