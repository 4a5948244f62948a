import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { locate } from '../../functions/allocate/windows.ts'
import type { Running } from '../../infra/process.ts'
import type { ApiServer } from '../../infra/sandbox/apiserver/server.ts'
import { needs } from '../support/capabilities.ts'
import { eventsOf, putConfigMap, putService } from '../support/cluster.ts'
import { undoing } from '../support/undo.ts'
import { until } from '../support/until.ts'
import { denied, type Watched, watched } from '../support/watching.ts'

const NARROW = `address-pools:
- name: narrow
  protocol: layer2
  addresses: [10.30.0.1-10.30.0.6]
`

interface StateMap {
  readonly data?: { readonly configuration?: string; readonly reservations?: string }
}

const stateMap = ({ store }: ApiServer): StateMap['data'] =>
  (store.get('configmaps', 'metallb-system', 'herald-state') as unknown as StateMap | null)?.data

async function reserve({ deciding }: Watched, address: string, service: string) {
  const place = locate(address)
  assert.ok(place)
  const common = { cluster: 'default', clusters: ['default'], ...place }
  const answer = await deciding.reserve({ ...common, service, forMs: -1 })
  assert.equal(answer.outcome, 'reserved')
}

/** A pool of six: 1 is held, 2 is reserved since its holder was deleted, 3 by hand. Then the configuration goes bad. */
async function decided(herald: Watched): Promise<Running[]> {
  const { api, start } = herald
  putConfigMap(api, NARROW)
  const running = [await start('allocator'), await start('watcher')]
  putService(api, 'holder')
  assert.equal(await herald.hasAddress('holder'), '10.30.0.1')
  putService(api, 'deleted', {}, { 'herald.io/reserve': 'forever' })
  assert.equal(await herald.hasAddress('deleted'), '10.30.0.2')
  api.store.delete('services', 'default', 'deleted')
  await herald.holdsNothing('deleted')
  await reserve(herald, '10.30.0.3', 'default/default/awaited')
  await until('all of it is written down', () => {
    const { configuration = '', reservations = '' } = stateMap(api) ?? {}
    return /10\.30\.0\.1-10/.test(configuration) && /10\.30\.0\.2.*10\.30\.0\.3/.test(reservations)
  })
  putConfigMap(api, 'address-pools: [{ name: narrow')
  await until('the new one is refused', () =>
    eventsOf(api, 'config').some(one => /ConfigurationRefused/.test(one)),
  )
  return running
}

/** Newcomers get 4 and 5; those whom an address was kept for get it. */
async function assertKept(herald: Watched): Promise<void> {
  const { api } = herald
  for (const name of ['new1', 'new2', 'deleted', 'awaited']) putService(api, name)
  const names = ['holder', 'deleted', 'awaited', 'new1', 'new2']
  for (const name of names) await herald.hasAddress(name, 40_000)
  const [holder, deleted, awaited, ...others] = herald.addresses(names)
  assert.deepEqual([holder, deleted, awaited], ['10.30.0.1', '10.30.0.2', '10.30.0.3'])
  assert.deepEqual(others.sort(), ['10.30.0.4', '10.30.0.5'])
}

describe('what was decided and no status shows', needs('redis'), () => {
  test('outlives FLUSHALL with a bad configuration: the last good one serves, what is reserved is kept', async t => {
    const herald = await watched(undoing(t))
    await decided(herald)
    await herald.client.flushall()
    await assertKept(herald)
    assert.deepEqual(denied(herald), [])
  })

  test('outlives the loss of Redis while nothing of Herald runs', async t => {
    const herald = await watched(undoing(t))
    const running = await decided(herald)
    await Promise.all(running.map(one => one.stop()))
    await herald.client.flushall()
    await herald.start('allocator')
    await herald.start('watcher')
    await assertKept(herald)
  })

  test('is written once: two watchers that restart write nothing', async t => {
    const herald = await watched(undoing(t))
    await decided(herald)
    const written = () => herald.api.counters.requests({ verb: 'patch', resource: 'configmaps' })
    const before = written()
    const watchers = [await herald.start('watcher'), await herald.start('watcher')]
    for (const one of watchers) {
      await until('it is ready', async () =>
        Object.values(await one.ready()).every(why => why === null),
      )
    }
    putService(herald.api, 'later')
    await herald.hasAddress('later')
    assert.equal(written(), before)
  })
})
