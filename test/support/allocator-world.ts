/** An allocator's world on a real Redis, without processes: bells are answered one by one, as they were rung. */
import assert from 'node:assert/strict'
import type { Configuration } from '../../functions/model/configuration.ts'
import type { Announcer, Endpoints, Node } from '../../functions/model/node.ts'
import type { Service } from '../../functions/model/service.ts'
import { scriptsOf } from '../../infra/redis/scripts.ts'
import { stateOf } from '../../infra/redis/state.ts'
import { onAllocate } from '../../workers/on-allocate.ts'
import { onPlace, type PlaceWorld } from '../../workers/on-place.ts'
import { adoptNothing } from './claims.ts'
import { type PrivateRedis, privateRedis } from './redis.ts'
import type { Scope } from './undo.ts'

export interface AllocatorOptions {
  readonly clusters: readonly string[]
  readonly coolDownMs: number
  readonly quarantineMs: number
  readonly nodeAddresses: readonly string[]
  /** To be emptied and used; its own if not given. */
  readonly server: PrivateRedis
}

/** Real Redis and scripts; bells are answered here one by one, as an allocator would. */
export async function allocatorWorld(t: Scope, options: Partial<AllocatorOptions> = {}) {
  const server = options.server ?? (await privateRedis(t))
  const redis = server.connect({ batched: true })
  await redis.flushall()
  const scripts = scriptsOf(redis, '{herald}')
  const state = stateOf(redis, '{herald}')
  const clusters = options.clusters ?? ['default']
  for (const cluster of clusters) await adoptNothing(scripts, cluster)
  // As if this life of Redis had begun long ago: placing does not wait for reports.
  const clock = await scripts.clock()
  await redis.hset(state.keys.epoch, 'sinceMs', clock.nowMs - 60_000)

  const lapsed: string[] = []
  const bells: [string, string][] = []
  const place: PlaceWorld = {
    state,
    scripts,
    clusters,
    coolDownMs: options.coolDownMs ?? 0,
    quarantineMs: options.quarantineMs ?? 600_000,
    nodeAddresses: async () => options.nodeAddresses ?? [],
    ring: async (queue, keys) => {
      bells.push(...keys.map((key): [string, string] => [queue, key]))
    },
    ringSoon: async () => {}, // the counters of pools are nobody's here
    lapsed: async () => lapsed,
    later: () => assert.fail('nothing is to be put off'),
  }
  const answerAll = async () => {
    for (let bell = bells.shift(); bell; bell = bells.shift()) {
      if (bell[0] === 'allocate') await onAllocate(bell[1], place)
      if (bell[0] === 'place') await onPlace(bell[1], place)
    }
  }
  const learn = (records: string, field: string, version: string, value: object | null) =>
    scripts.learn({
      records,
      field,
      resourceVersion: version,
      value: value && JSON.stringify(value),
      bell: { queue: 'allocate', key: `default/${field}` },
    })
  let revision = 0
  return {
    redis,
    scripts,
    state,
    lapsed,
    place,
    bells,
    learn,
    server,
    path: server.path,
    refusal: async (name: string) =>
      (await state.allocation('default', `default/${name}`))?.refusal?.message ?? '',
    notices: async (name: string) =>
      (await state.allocation('default', `default/${name}`))?.notices?.map(one => one.reason) ?? [],
    configure: (configuration: Configuration) =>
      scripts.configure('default', ++revision, configuration),
    async ringAndAnswer(queue: string, keys: readonly string[]) {
      await place.ring(queue, keys)
      await answerAll()
    },
    async serve(service: Service) {
      const name = `${service.namespace}/${service.name}`
      await learn(state.keys.services('default'), name, service.resourceVersion, service)
      await this.ringAndAnswer('allocate', [`default/${name}`])
    },
    async gone(name: string, version = '99') {
      await learn(state.keys.services('default'), `default/${name}`, version, null)
      await this.ringAndAnswer('allocate', [`default/default/${name}`])
    },
    endpoints: (name: string, endpoints: Endpoints, version = '1') =>
      scripts.learn({
        records: state.keys.endpoints('default'),
        field: `default/${name}`,
        resourceVersion: version,
        value: JSON.stringify(endpoints),
        bell: null,
      }),
    /** A node, and its announcer's renewal; also again, with other interfaces. */
    async join(name: string, interfaces: readonly string[] = ['eth0']) {
      const node: Node = {
        name,
        uid: name,
        resourceVersion: '',
        labels: {},
        networkUnavailable: false,
        addresses: [],
      }
      await scripts.learn({
        records: state.keys.nodes('default'),
        field: name,
        resourceVersion: '1',
        value: JSON.stringify(node),
        bell: null,
      })
      const announcer: Announcer = {
        node: name,
        session: 's',
        epoch: 0,
        hears: [],
        interfaces: interfaces.map(name => ({ name, mac: '02:00:00:00:00:01', prefixes: [] })),
      }
      const renewed = await scripts.renew(
        'default',
        announcer,
        { ms: 600_000, incarnation: '' },
        {
          placements: [],
          all: true,
        },
      )
      await place.ring(
        'place',
        renewed.groups.map(group => `default/${group}`),
      )
      await answerAll()
    },
    held: (...names: string[]) =>
      Promise.all(
        names.map(
          async name =>
            (await state.allocation('default', `default/${name}`))?.addresses.join() ?? '',
        ),
      ),
    owner: async (group: string) => (await state.placement('default', group))?.owner?.node ?? null,
  }
}
