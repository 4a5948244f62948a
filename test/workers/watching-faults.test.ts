import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Running } from '../../infra/process.ts'
import type { PlannedFault } from '../../infra/sandbox/apiserver/faults.ts'
import type { ApiServer } from '../../infra/sandbox/apiserver/server.ts'
import { needs } from '../support/capabilities.ts'
import { putService, serviceOf } from '../support/cluster.ts'
import { undoing } from '../support/undo.ts'
import { until } from '../support/until.ts'
import { type Watched, watched } from '../support/watching.ts'

const SERVICES = { resource: 'services' }
const WATCHES = { verb: 'watch' }

/** What an API server does to its clients. */
const FAULTS: readonly [string, (api: ApiServer) => void][] = [
  [
    'says 410 when watches are opened',
    api => {
      api.faults.add({ kind: 'gone', match: WATCHES, times: 7 })
      api.endWatches('close')
    },
  ],
  ['says 410 in the middle of its watches', api => api.endWatches('gone')],
  [
    'has forgotten everything before now',
    api => {
      api.dropHistory()
      api.endWatches('close')
    },
  ],
  ['resets its connections', api => api.endWatches('disconnect')],
  [
    'resets them again and again, lists too',
    api => {
      api.faults.add({ kind: 'disconnect', times: 20 })
      api.endWatches('disconnect')
    },
  ],
  [
    'never answers a watch of Services',
    api => {
      api.faults.add({ kind: 'silence', match: { ...SERVICES, ...WATCHES }, times: 1 })
      api.endWatches('close', SERVICES)
    },
  ],
  [
    'leaves the connection half open',
    api => {
      api.faults.add({ kind: 'half-open', match: { ...SERVICES, ...WATCHES }, times: 1 })
      api.endWatches('close', SERVICES)
    },
  ],
  [
    'says 429, and when to come back',
    api => {
      api.faults.add({ kind: 'status', code: 429, retryAfterSeconds: 1, times: 10 })
      api.endWatches('close')
    },
  ],
  [
    'fails with 500 in a burst',
    api => {
      api.faults.add({ kind: 'status', code: 500, times: 15 })
      api.endWatches('close')
    },
  ],
  [
    'fails with 503 and forgets meanwhile',
    api => {
      api.faults.add({ kind: 'status', code: 503, times: 15 })
      api.dropHistory()
      api.endWatches('close')
    },
  ],
  [
    'takes 300 ms for everything',
    api => {
      api.faults.add({ kind: 'slow', delayMs: 300, times: 40 })
      api.endWatches('close')
    },
  ],
]

describe('a watcher survives an API server that', needs('redis'), () => {
  const scope = undoing({ after })
  let herald: Watched
  let watcher: Running
  before(async () => {
    herald = await watched(scope)
    watcher = await herald.atWork()
    putService(herald.api, 'old0')
    await herald.hasAddress('old0')
  })

  for (const [index, [name, strike]] of FAULTS.entries()) {
    test(name, async () => {
      const { api } = herald
      const steady = herald.versionOf('steady')
      strike(api)
      putService(api, `old${index + 1}`)
      api.store.delete('services', 'default', `old${index}`)
      await herald.hasAddress(`old${index + 1}`, 30_000)
      await herald.holdsNothing(`old${index}`)
      api.faults.clear()
      assert.equal(herald.versionOf('steady'), steady, 'nothing is written to who is not concerned')
      await until('all is ready', async () =>
        Object.values(await watcher.ready()).every(why => why === null),
      )
    })
  }

  test('is away while Services are deleted, change their type and come', async () => {
    const { api } = herald
    for (const one of ['gone', 'retyped', 'stays']) putService(api, one)
    for (const one of ['gone', 'retyped', 'stays']) await herald.hasAddress(one)
    const kept = herald.address('stays')
    await api.stop()
    api.store.delete('services', 'default', 'gone')
    api.store.patch('services', 'default', 'retyped', { spec: { type: 'ClusterIP' } })
    putService(api, 'new')
    api.dropHistory()
    await api.start()
    await herald.hasAddress('new', 30_000)
    await herald.holdsNothing('gone')
    await herald.holdsNothing('retyped')
    await until('nothing is left of it', () => isPlain(api, 'retyped'))
    assert.equal(herald.address('stays'), kept)
  })
})

const isPlain = (api: ApiServer, name: string): boolean => {
  const service = serviceOf(api, name)
  const { annotations = {} } = service?.metadata ?? {}
  return (
    !service?.status?.loadBalancer?.ingress && !('metallb.io/ip-allocated-from-pool' in annotations)
  )
}

describe('a list', needs('redis'), () => {
  test('of more than a thousand Services comes by pages; one that fails half way deletes nothing', async t => {
    const herald = await watched(undoing(t))
    const { api } = herald
    for (let i = 0; i < 1100; i++) putService(api, `s${i}`, { type: 'ClusterIP' })
    putService(api, 'zz-last')
    await herald.atWork()
    const held = await herald.hasAddress('zz-last')
    const lists = () => api.counters.requests({ verb: 'list', ...SERVICES })
    assert.ok(lists() >= 6, 'three pages, at the start and for the adoption')
    const version = herald.versionOf('zz-last')
    const halfWay: readonly PlannedFault[] = [
      { kind: 'status', code: 500, times: 5 }, // as often as one page is asked for
      { kind: 'gone', times: 1 },
      { kind: 'disconnect', times: 5 },
    ]
    for (const [index, fault] of halfWay.entries()) {
      const before = lists()
      api.faults.add({ ...fault, match: { ...SERVICES, laterPage: true } })
      api.dropHistory()
      api.endWatches('close', SERVICES)
      await until('the list has failed half way', () => lists() > before + 1)
      assert.deepEqual(await herald.holders(held), ['default/default/zz-last'])
      putService(api, `new${index}`)
      await herald.hasAddress(`new${index}`, 30_000)
      assert.deepEqual(await herald.holders(held), ['default/default/zz-last'])
    }
    assert.equal(herald.versionOf('zz-last'), version, 'and nothing is written to it')
  })
})
