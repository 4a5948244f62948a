/**
 * One cluster with Herald at work on it, to be disturbed: API server and Redis of its own, an allocator, a watcher that may
 * do what infra/deploy/rbac.yaml says and nothing else.
 */
import assert from 'node:assert/strict'
import { readCrds, readRbac } from '../../infra/deploy/manifests.ts'
import { decidingOf } from '../../infra/redis/decisions.ts'
import { stateOf } from '../../infra/redis/state.ts'
import type { ApiObject } from '../../infra/sandbox/apiserver/object.ts'
import { apiServer } from './apiserver.ts'
import { addressesOf, putConfigMap, putService, serviceOf } from './cluster.ts'
import { herald, type Settings } from './herald.ts'
import { type PrivateRedis, privateRedis } from './redis.ts'
import { type Scope, undoing } from './undo.ts'
import { until } from './until.ts'

export const WIDE = `address-pools:
- name: wide
  protocol: layer2
  addresses: [10.20.0.0/21]
`

export type Watched = Awaited<ReturnType<typeof watched>>

/** As the store calls it: "roles.rbac.authorization.k8s.io". */
export function resourceOf({ apiVersion, kind }: ApiObject): string {
  const group = apiVersion.includes('/') ? `.${apiVersion.split('/')[0]}` : ''
  return `${kind.toLowerCase()}s${group}`
}

/** What the API server refused for want of a right, in its words. */
export const denied = ({ log }: Watched): string[] =>
  log.lines
    .map(({ message, fields }) => `${message} ${fields.error ?? ''}`)
    .filter(text => /: 403 |is forbidden|permission is missing/.test(text))

/** Nothing runs yet, so that a test can furnish the cluster first. */
export async function watched(
  t: Scope,
  settings: Partial<Settings> = {},
  keeps: PrivateRedis | { readonly appendonly: boolean } = { appendonly: true },
) {
  const scope = undoing(t) // the processes end before the servers they talk to
  const [redis, api] = await Promise.all([
    'path' in keeps ? keeps : privateRedis(scope, keeps),
    apiServer(scope, { rbac: true }),
  ])
  for (const object of [...readCrds(), ...readRbac()]) api.store.create(resourceOf(object), object)
  const client = redis.connect()
  const state = stateOf(client, '{herald}')
  const deciding = decidingOf(client, '{herald}')
  const kubeconfig = api.issueToken('metallb-system', 'herald-watcher').kubeconfigPath
  const { start, log } = herald(scope, {
    redisUrl: redis.path,
    kubeconfig,
    coolDown: '0',
    ...settings,
  })
  const cluster = settings.cluster ?? 'default'
  return {
    scope,
    api,
    kubeconfig,
    redis,
    client,
    state,
    deciding,
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
    /** An allocator and a watcher; what is returned stops both. */
    async startBoth(): Promise<() => Promise<unknown>> {
      const running = [await start('allocator'), await start('watcher')]
      return () => Promise.all(running.map(one => one.stop()))
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
