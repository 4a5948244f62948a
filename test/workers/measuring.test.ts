/** What each process shows to Prometheus while it does its work, as it is run on a cluster. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { CATALOG, type Metric } from '../../infra/metrics/catalog.ts'
import { needs } from '../support/capabilities.ts'
import { eventually } from '../support/eventually.ts'
import { type Lab, lab } from '../support/lab.ts'
import { type Sample, scraped } from '../support/scrape.ts'
import { undoing } from '../support/undo.ts'

const NODES = ['node-a', 'node-b', 'node-c']

describe('metrics', needs('netns', 'redis', 'kubectl'), () => {
  let all: Lab
  let address = ''

  const scope = undoing({ after }) // said in a hook, `after` would be of the hook
  before(async () => {
    all = await lab(scope)
    await all.serve('web')
    address = await all.addressOf('web')
  })

  const scrape = (name: string): Promise<Sample[]> =>
    eventually(async () => {
      const answer = (await all.process(name).ask('metrics?')) as { text: string } | null
      if (!answer) throw new Error(`${name} does not answer`)
      return scraped(answer.text)
    })

  /** The value of a sample; fails while it is not shown. */
  async function shownBy(process: string, name: string, labels: Sample['labels'] = {}) {
    const found = (await scrape(process)).find(
      one =>
        one.name === name &&
        Object.entries(labels).every(([key, value]) => one.labels[key] === value),
    )
    assert.ok(found, `${process} shows ${name} ${JSON.stringify(labels)}`)
    return found.value
  }

  it('every process shows only what the catalog says of it, and what Node uses', async () => {
    for (const [name, kind] of [
      ['watcher', 'watcher'],
      ['allocator', 'allocator'],
      ...NODES.map(node => [node, 'announcer'] as const),
    ] as const) {
      const samples = await scrape(name)
      assert.ok(samples.some(one => one.name === 'process_cpu_seconds_total'))
      const shown = new Set(
        samples
          .map(one => one.name.replace(/(_seconds)_(bucket|sum|count)$/, '$1'))
          .filter(one => !/^(process|nodejs)_/.test(one)),
      )
      const known: Record<string, Metric> = CATALOG
      const wrong = [...shown].filter(one => !known[one]?.by.includes(kind))
      assert.deepEqual(wrong, [], `shown by the ${kind}`)
    }
  })

  it('allocator: claims, jobs, queues and pools', async () => {
    await eventually(async () => {
      assert.ok(
        (await shownBy('allocator', 'herald_claim_duration_seconds_count', {
          outcome: 'claimed',
        })) >= 1,
      )
      const jobs = { queue: 'allocate', outcome: 'done' }
      assert.ok((await shownBy('allocator', 'herald_job_duration_seconds_count', jobs)) >= 1)
      const failed = { queue: 'announce-default-node-a', state: 'failed' }
      assert.equal(await shownBy('allocator', 'herald_queue_jobs', failed), 0)
      const placed = { change: 'placed' }
      assert.ok((await shownBy('allocator', 'herald_placements_total', placed)) >= 1)
      assert.ok((await shownBy('allocator', 'herald_redis_ping_seconds_count')) > 0)
    })
    await eventually(async () => {
      const pool = { pool: 'my-ip-space' }
      assert.equal(await shownBy('allocator', 'metallb_allocator_addresses_total', pool), 10)
      assert.equal(await shownBy('allocator', 'metallb_allocator_addresses_in_use_total', pool), 1)
      const free = { ...pool, state: 'free', cluster: 'default' }
      assert.equal(await shownBy('allocator', 'herald_pool_addresses', free), 9)
    }, 40_000)
  })

  it('watcher: configuration, requests, watches and the lag of statuses', async () => {
    assert.equal(await shownBy('watcher', 'metallb_k8s_client_config_loaded_bool'), 1)
    assert.equal(await shownBy('watcher', 'metallb_k8s_client_config_stale_bool'), 0)
    assert.ok((await shownBy('watcher', 'metallb_k8s_client_updates_total')) > 5)
    assert.ok((await shownBy('watcher', 'herald_watch_restarts_total', { kind: 'services' })) >= 0)
    const patch = { method: 'PATCH', code: '2xx' }
    const requests = 'herald_kubernetes_request_duration_seconds_count'
    assert.ok((await shownBy('watcher', requests, patch)) >= 1)
    assert.ok((await shownBy('watcher', 'herald_service_status_lag_seconds_count')) >= 1)
  })

  it('announcer: the one that owns the address says so, and counts its frames', async () => {
    await eventually(async () => {
      await all.answerers(address) // two requests, once it has been probed
      const shown = await Promise.all(
        NODES.map(async node => {
          const samples = await scrape(node)
          return samples.filter(one => one.name === 'metallb_speaker_announced')
        }),
      )
      const [only, ...others] = shown.flat()
      assert.deepEqual(others, [])
      const { node = '', ...labels } = only?.labels ?? {}
      assert.deepEqual(labels, { service: 'default/web', protocol: 'layer2', ip: address })
      const ip = { ip: address }
      assert.ok((await shownBy(node, 'metallb_layer2_requests_received', ip)) >= 2)
      assert.ok((await shownBy(node, 'metallb_layer2_responses_sent', ip)) >= 2)
      assert.ok((await shownBy(node, 'metallb_layer2_gratuitous_sent', ip)) >= 1)
      assert.ok((await shownBy(node, 'herald_announcement_lag_seconds_count')) >= 1)
      assert.equal(await shownBy(node, 'herald_announcer_interfaces'), 1)
    })
  })

  it('announcers: the beats of the others, and a failover', async () => {
    const sum = async (name: string) => {
      const values = await Promise.all(NODES.map(node => shownBy(node, name)))
      return values.reduce((total, value) => total + value, 0)
    }
    for (const node of NODES) {
      assert.ok((await shownBy(node, 'herald_beats_sent_total')) > 0)
      assert.ok((await shownBy(node, 'herald_beats_received_total')) > 0)
      const blocked = { reason: 'beatsBlocked' }
      assert.equal(await shownBy(node, 'herald_liveness_alarms_total', blocked), 0)
    }
    const before = await sum('herald_failovers_total')
    const [owner = ''] = await all.answerers(address)
    const pid = all.process(owner).pid() ?? 0
    process.kill(pid, 'SIGSTOP') // its counters go on with it
    try {
      await eventually(async () => {
        const [other] = await all.answerers(address)
        assert.ok(other && other !== owner)
      })
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await eventually(async () => assert.ok((await sum('herald_failovers_total')) > before))
    await eventually(async () => assert.equal((await all.answerers(address)).length, 1))
  })

  it('a scrape ends while Redis is away, and the address stays shown', async () => {
    await all.redis.stop()
    try {
      const shown = await Promise.all(NODES.map(scrape))
      const samples = shown.flat().filter(one => one.name === 'metallb_speaker_announced')
      assert.deepEqual(
        samples.map(one => one.labels.ip),
        [address],
      )
    } finally {
      await all.redis.start()
    }
  })
})
