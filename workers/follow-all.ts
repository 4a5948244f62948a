/** Follows every kind the watcher needs, keeps what it sees (sightings.ts) and writes it down in Redis. */
import type { ConfigurationObject } from '../functions/model/configuration.ts'
import type { Service } from '../functions/model/service.ts'
import { STATE_NAME } from '../functions/publish/configuration-state.ts'
import type { L2Status } from '../functions/publish/l2-status.ts'
import {
  projectConfiguration,
  projectConfigurationState,
  projectL2Status,
  projectNamespace,
  projectNode,
  projectService,
  projectSlice,
} from '../functions/watch/project.ts'
import { recordOf } from '../functions/watch/record.ts'
import type { KubernetesApi } from '../infra/kubernetes/client.ts'
import { type Followed, follow } from '../infra/kubernetes/watch.ts'
import type { World } from '../infra/process.ts'
import { learnAll, type Sight } from './mirror.ts'
import {
  ringAnnounced,
  type Seen,
  type Shelf,
  type SightWorld,
  sightOfDeletedService,
  sightOfEndpoints,
  sightOfNamespace,
  sightOfNode,
  sightOfObject,
  sightsOfService,
} from './sightings.ts'

interface Options {
  readonly namespace: string
  readonly log: World['log']
  /** Judges the configuration anew. */
  judge(): Promise<void>
  readonly watchSeconds?: number
}

export function followAll(
  api: KubernetesApi,
  seen: Seen,
  world: SightWorld,
  options: Options,
): Followed[] {
  let known = ''
  // A node that joins, or gets another address, may have one that a pool contains.
  const judgeAddresses = async () => {
    const addresses = [...seen.nodes.items.values()].map(one => one.addresses.join())
    if (addresses.join() === known) return
    known = addresses.join()
    await options.judge()
  }
  const nodes = { ...options, learned: judgeAddresses }
  return [
    followNamed(api, '/api/v1/nodes', projectNode, seen.nodes, world, nodes, sightOfNode),
    followNamed(
      api,
      '/api/v1/namespaces',
      projectNamespace,
      seen.namespaces,
      world,
      options,
      sightOfNamespace,
    ),
    followSlices(api, seen, world, options),
    followServices(api, seen, world, options),
    followObjects(api, 'IPAddressPool', seen, world, options),
    followObjects(api, 'L2Advertisement', seen, world, options),
    followObjects(api, 'ConfigMap', seen, world, options),
    followStates(api, seen, world, options),
    followL2Statuses(api, seen, world, options),
  ]
}

interface Named {
  readonly name: string
  readonly resourceVersion: string
}

/** Kinds that are known by their name alone. */
function followNamed<P extends Named>(
  api: KubernetesApi,
  path: string,
  project: (object: unknown) => P,
  shelf: Shelf<P>,
  world: SightWorld,
  { log, watchSeconds, learned }: Options & { learned?: () => Promise<void> },
  sight: (name: string, version: string, item: P | null, world: SightWorld) => Sight,
): Followed {
  return follow<P>(api, {
    path,
    project,
    log,
    ...(watchSeconds && { watchSeconds }),
    async listed(items, version) {
      const gone = replace(
        shelf,
        items.map(one => [one.name, one]),
        version,
      )
      await learnAll(
        [
          ...items.map(one => sight(one.name, one.resourceVersion, one, world)),
          ...gone.map(name => sight(name, version, null, world)),
        ],
        world,
      )
      await learned?.()
    },
    async changed(changes) {
      const sights = changes.map(({ type, item, resourceVersion }) => {
        const present = put(shelf, item.name, type === 'DELETED' ? null : item, resourceVersion)
        return sight(item.name, resourceVersion, present, world)
      })
      await learnAll(sights, world)
      await learned?.()
    },
  })
}

function followServices(
  api: KubernetesApi,
  seen: Seen,
  world: SightWorld,
  { log, watchSeconds }: Options,
): Followed {
  const keyOf = (one: { namespace: string; name: string }) => `${one.namespace}/${one.name}`
  return follow(api, {
    path: '/api/v1/services',
    project: projectService,
    log,
    ...(watchSeconds && { watchSeconds }),
    async listed(items, version) {
      const present = new Map(items.map(one => [keyOf(one), one]))
      replace(seen.services, [...present], version)
      // Redis may know of Services that were deleted while nobody watched.
      const gone: string[] = []
      for await (const names of world.state.serviceNames(world.cluster)) {
        gone.push(...names.filter(name => !present.has(name)))
      }
      await learnAll(
        [
          ...items.flatMap(one => sightsOfService(one, seen, world)),
          ...gone.map(name => sightOfDeletedService(name, version, world)),
        ],
        world,
      )
      await ringAnnounced(gone, seen, world)
    },
    async changed(changes) {
      const sights = changes.flatMap(({ type, item, resourceVersion }) => {
        const [name, gone] = [keyOf(item), type === 'DELETED']
        put(seen.services, name, gone ? null : item, resourceVersion)
        const known = world.written.get(name) === resourceVersion
        world.written.delete(name)
        if (gone) return [sightOfDeletedService(name, resourceVersion, world)]
        return known ? [] : sightsOfService(item, seen, world)
      })
      await learnAll(sights, world)
      const deleted = changes
        .filter(({ type }) => type === 'DELETED')
        .map(({ item }) => keyOf(item))
      await ringAnnounced(deleted, seen, world)
    },
  })
}

function followSlices(
  api: KubernetesApi,
  seen: Seen,
  world: SightWorld,
  { log, watchSeconds }: Options,
): Followed {
  const { slices, services } = seen
  const learn = (names: Iterable<string>) =>
    learnAll(
      [...names]
        .filter(name => isServed(services.items.get(name), world))
        .map(name => sightOfEndpoints(name, seen, world)),
      world,
    )
  return follow(api, {
    path: '/apis/discovery.k8s.io/v1/endpointslices',
    project: projectSlice,
    log,
    ...(watchSeconds && { watchSeconds }),
    async listed(items, version) {
      const before = [...slices.items.keys()]
      slices.items.clear()
      slices.resourceVersion = version
      for (const slice of items) {
        const name = `${slice.namespace}/${slice.service}`
        const known = slices.items.get(name) ?? new Map()
        slices.items.set(name, known.set(slice.name, slice))
      }
      await learn(new Set([...before, ...slices.items.keys()]))
    },
    async changed(changes) {
      const names = changes.map(({ type, item, resourceVersion }) => {
        const name = `${item.namespace}/${item.service}`
        const known = slices.items.get(name) ?? new Map()
        if (type === 'DELETED') known.delete(item.name)
        else known.set(item.name, item)
        if (known.size > 0) slices.items.set(name, known)
        else slices.items.delete(name)
        slices.resourceVersion = resourceVersion
        return name
      })
      await learn(new Set(names))
    },
  })
}

function followObjects(
  api: KubernetesApi,
  kind: ConfigurationObject['kind'],
  seen: Seen,
  world: SightWorld,
  { namespace, log, judge, watchSeconds }: Options,
): Followed {
  const paths = {
    IPAddressPool: `/apis/metallb.io/v1beta1/namespaces/${namespace}/ipaddresspools`,
    L2Advertisement: `/apis/metallb.io/v1beta1/namespaces/${namespace}/l2advertisements`,
    ConfigMap: `/api/v1/namespaces/${namespace}/configmaps`,
  }
  const mine = () => [...seen.objects.items].filter(([key]) => key.startsWith(`${kind}/`))
  return follow(api, {
    path: paths[kind],
    ...(kind === 'ConfigMap' ? { query: { fieldSelector: 'metadata.name=config' } } : {}),
    project: object => projectConfiguration(kind, object),
    log,
    ...(watchSeconds && { watchSeconds }),
    async listed(items, version) {
      const present = new Map(items.map(one => [`${kind}/${one.name}`, one]))
      const known = await world.state.objectKeys(world.cluster)
      const gone = [
        ...mine().map(([key]) => key),
        ...known.filter(key => key.startsWith(`${kind}/`)),
      ].filter(key => !present.has(key))
      for (const key of gone) seen.objects.items.delete(key)
      for (const [key, one] of present) seen.objects.items.set(key, one)
      await learnAll(
        [
          ...[...present].map(([key, one]) => sightOfObject(key, one.resourceVersion, one, world)),
          ...[...new Set(gone)].map(key => sightOfObject(key, version, null, world)),
        ],
        world,
      )
      await judge()
    },
    async changed(changes) {
      const sights = changes.map(({ type, item, resourceVersion }) => {
        const key = `${kind}/${item.name}`
        const present = put(seen.objects, key, type === 'DELETED' ? null : item, resourceVersion)
        return sightOfObject(key, resourceVersion, present, world)
      })
      await learnAll(sights, world)
      await judge()
    },
  })
}

/** The one object of ours; whoever edits or deletes it rings for its repair. */
function followStates(
  api: KubernetesApi,
  { states }: Seen,
  world: SightWorld,
  { namespace, log, watchSeconds }: Options,
): Followed {
  const ring = () => world.ring(`publish-${world.cluster}`, ['configuration'])
  return follow(api, {
    path: `/apis/metallb.io/v1beta1/namespaces/${namespace}/configurationstates`,
    query: { fieldSelector: `metadata.name=${STATE_NAME}` },
    project: projectConfigurationState,
    log,
    ...(watchSeconds && { watchSeconds }),
    async listed(items, version) {
      replace(
        states,
        items.map(one => [one.name, one]),
        version,
      )
      await ring()
    },
    async changed(changes) {
      for (const { type, item, resourceVersion } of changes) {
        put(states, item.name, type === 'DELETED' ? null : item, resourceVersion)
      }
      await ring()
    },
  })
}

/** Written by us: who deletes one has it made again, and what is left of Services that are gone goes. */
function followL2Statuses(
  api: KubernetesApi,
  { l2, services }: Seen,
  world: SightWorld,
  { namespace, log, watchSeconds }: Options,
): Followed {
  const forget = ({ service, name }: L2Status) => {
    l2.items.get(service)?.delete(name)
    if (l2.items.get(service)?.size === 0) l2.items.delete(service)
  }
  // It is made first, and its status is written then: one without is not of anybody yet.
  const keep = (one: L2Status) => {
    if (one.node === '') return
    const known = l2.items.get(one.service) ?? new Map()
    l2.items.set(one.service, known.set(one.name, one))
  }
  const ring = (names: readonly string[]) =>
    world.ring(
      `publish-${world.cluster}`,
      names.map(name => `announced/${name}`),
    )
  return follow(api, {
    path: `/apis/metallb.io/v1beta1/namespaces/${namespace}/servicel2statuses`,
    project: projectL2Status,
    log,
    ...(watchSeconds && { watchSeconds }),
    async listed(items, version) {
      l2.items.clear()
      l2.resourceVersion = version
      items.forEach(keep)
      // Before the Services have been listed none is known to be gone.
      const complete = services.items.size > 0
      await ring([...l2.items.keys()].filter(name => complete && !services.items.has(name)))
    },
    async changed(changes) {
      for (const { type, item } of changes) {
        if (type === 'DELETED') forget(item)
        else keep(item)
      }
      const deleted = changes.filter(({ type }) => type === 'DELETED')
      await ring(deleted.map(({ item }) => item.service))
    },
  })
}

const isServed = (service: Service | undefined, world: SightWorld): boolean =>
  service !== undefined && recordOf(service, world.loadBalancerClass) !== null

/** Puts a complete list in place of what was known; says which keys are gone. */
function replace<P>(shelf: Shelf<P>, entries: readonly [string, P][], version: string): string[] {
  const present = new Set(entries.map(([key]) => key))
  const gone = [...shelf.items.keys()].filter(key => !present.has(key))
  shelf.items.clear()
  for (const [key, item] of entries) shelf.items.set(key, item)
  shelf.resourceVersion = version
  return gone
}

function put<P>(shelf: Shelf<P>, key: string, item: P | null, version: string): P | null {
  if (item === null) shelf.items.delete(key)
  else shelf.items.set(key, item)
  shelf.resourceVersion = version
  return item
}
