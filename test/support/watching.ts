/** One cluster with Herald at work on it, to be disturbed: API server and Redis of its own, an allocator, a watcher. */
import assert from 'node:assert/strict'
import { stateOf } from '../../infra/redis/state.ts'
import { apiServer } from './apiserver.ts'
import { addressesOf, putConfigMap, putService, serviceOf } from './cluster.ts'
import { herald, type Settings } from './herald.ts'
import { privateRedis } from './redis.ts'
import { type Scope, undoing } from './undo.ts'
import { until } from './until.ts'

export const WIDE = `address-pools:
- name: wide
  protocol: layer2
  addresses: [10.20.0.0/21]
`

export type Watched = Awaited<ReturnType<typeof watched>>

/** Nothing runs yet, so that a test can furnish the cluster first. */
export async function watched(t: Scope, settings: Partial<Settings> = {}) {
  const scope = undoing(t) // the processes end before the servers they talk to
  const [redis, api] = await Promise.all([
    privateRedis(scope, { appendonly: true }),
    apiServer(scope),
  ])
  const client = redis.connect()
  const state = stateOf(client, '{herald}')
  const { start, log } = herald(scope, {
    redisUrl: redis.path,
    kubeconfig: api.kubeconfigPath,
    coolDown: '0',
    ...settings,
  })
  const cluster = settings.cluster ?? 'default'
  return {
    scope,
    api,
    redis,
    client,
    state,
    log,
    start,
    cluster,
    address: (name: string) => addressesOf(api, name),
    addresses: (names: readonly string[]) => names.map(name => addressesOf(api, name)),
    /** Who holds it according to Redis. */
    holders: async (address: string) =>
      Object.keys((await state.addressRecord(address))?.holders ?? {}),
    async hasAddress(name: string, limitMs?: number): Promise<string> {
      await until(`${name} has an address`, () => addressesOf(api, name) !== '', limitMs)
      return addressesOf(api, name)
    },
    async holdsNothing(name: string): Promise<void> {
      await until(`${name} holds nothing`, async () => {
        const allocation = await state.allocation(cluster, `default/${name}`)
        return (allocation?.addresses ?? []).length === 0
      })
    },
    versionOf: (name: string) => {
      const object = serviceOf(api, name)
      assert.ok(object, `${name} is there`)
      return (object as unknown as { metadata: { resourceVersion: string } }).metadata
        .resourceVersion
    },
    /** With a wide pool, an allocator and a watcher, and a Service that has its address. */
    async atWork() {
      putConfigMap(api, WIDE)
      await start('allocator')
      const watcher = await start('watcher')
      putService(api, 'steady')
      await until('the first address', () => addressesOf(api, 'steady') !== '')
      await until('all is ready', async () =>
        Object.values(await watcher.ready()).every(why => why === null),
      )
      return watcher
    },
  }
}
