/**
 * What a complete list of a kind means, and changes of it: it is kept (sightings.ts) and written down in Redis (mirror.ts),
 * and what hangs on it is rung or judged anew. What a list lacks is gone.
 */
import type { ConfigurationObject } from '../functions/model/configuration.ts'
import type { Service } from '../functions/model/service.ts'
import type { ConfigurationState } from '../functions/publish/configuration-state.ts'
import type { L2Status } from '../functions/publish/l2-status.ts'
import type { Slice } from '../functions/watch/project.ts'
import { recordOf } from '../functions/watch/record.ts'
import type { FollowOptions } from '../infra/kubernetes/watch.ts'
import { learnAll, type Sight } from './mirror.ts'
import {
  put,
  replace,
  ringAnnounced,
  type Seen,
  type Shelf,
  type SightWorld,
  sightOfDeletedService,
  sightOfEndpoints,
  sightOfObject,
  sightsOfService,
} from './sightings.ts'

type Taken<P> = Pick<FollowOptions<P>, 'listed' | 'changed'>

interface Named {
  readonly name: string
  readonly resourceVersion: string
}

/** A kind that is known by its name alone; `learned` is called when all of it is written down. */
export function onNamed<P extends Named>(
  shelf: Shelf<P>,
  sight: (name: string, version: string, item: P | null, world: SightWorld) => Sight,
  world: SightWorld,
  learned: () => Promise<void> = async () => {},
): Taken<P> {
  return {
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
      await learned()
    },
    async changed(changes) {
      const sights = changes.map(change => {
        const { name } = change.item
        return sight(name, change.resourceVersion, put(shelf, name, change), world)
      })
      await learnAll(sights, world)
      await learned()
    },
  }
}

export function onServices(seen: Seen, world: SightWorld): Taken<Service> {
  const keyOf = (one: { namespace: string; name: string }) => `${one.namespace}/${one.name}`
  return {
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
      const sights = changes.flatMap(change => {
        const { item, resourceVersion } = change
        const name = keyOf(item)
        const present = put(seen.services, name, change)
        const known = world.written.get(name) === resourceVersion
        world.written.delete(name)
        if (!present) return [sightOfDeletedService(name, resourceVersion, world)]
        return known ? [] : sightsOfService(present, seen, world)
      })
      await learnAll(sights, world)
      const deleted = changes
        .filter(({ type }) => type === 'DELETED')
        .map(({ item }) => keyOf(item))
      await ringAnnounced(deleted, seen, world)
    },
  }
}

export function onSlices(seen: Seen, world: SightWorld): Taken<Slice> {
  const { slices, services } = seen
  const learn = (names: Iterable<string>) =>
    learnAll(
      [...names]
        .filter(name => isServed(services.items.get(name), world))
        .map(name => sightOfEndpoints(name, seen, world)),
      world,
    )
  return {
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
  }
}

export function onObjects(
  kind: ConfigurationObject['kind'],
  { objects }: Seen,
  world: SightWorld,
  judge: () => Promise<void>,
): Taken<ConfigurationObject> {
  const mine = () => [...objects.items].filter(([key]) => key.startsWith(`${kind}/`))
  return {
    async listed(items, version) {
      const present = new Map(items.map(one => [`${kind}/${one.name}`, one]))
      const known = await world.state.objectKeys(world.cluster)
      const gone = [
        ...mine().map(([key]) => key),
        ...known.filter(key => key.startsWith(`${kind}/`)),
      ].filter(key => !present.has(key))
      for (const key of gone) objects.items.delete(key)
      for (const [key, one] of present) objects.items.set(key, one)
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
      const sights = changes.map(change => {
        const key = `${kind}/${change.item.name}`
        return sightOfObject(key, change.resourceVersion, put(objects, key, change), world)
      })
      await learnAll(sights, world)
      await judge()
    },
  }
}

/** The one object of ours; whoever edits or deletes it rings for its repair. */
export function onStates({ states }: Seen, world: SightWorld): Taken<ConfigurationState> {
  const ring = () => world.ring(`publish-${world.cluster}`, ['configuration'])
  return {
    async listed(items, version) {
      replace(
        states,
        items.map(one => [one.name, one]),
        version,
      )
      await ring()
    },
    async changed(changes) {
      for (const change of changes) put(states, change.item.name, change)
      await ring()
    },
  }
}

/** Written by us: who deletes one has it made again, and what is left of Services that are gone goes. */
export function onL2Statuses({ l2, services }: Seen, world: SightWorld): Taken<L2Status> {
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
  return {
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
  }
}

const isServed = (service: Service | undefined, world: SightWorld): boolean =>
  service !== undefined && recordOf(service, world.loadBalancerClass) !== null
