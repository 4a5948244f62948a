/**
 * What the watcher has seen of the cluster, kept as projections, and how each sight is written down in
 * Redis: which record, and which bell when its content changed.
 */
import type { ConfigurationObject } from '../functions/model/configuration.ts'
import type { Namespace, Node } from '../functions/model/node.ts'
import type { Service } from '../functions/model/service.ts'
import type { ConfigurationState } from '../functions/publish/configuration-state.ts'
import type { L2Status } from '../functions/publish/l2-status.ts'
import { type Slice, sumSlices } from '../functions/watch/project.ts'
import { recordOf } from '../functions/watch/record.ts'
import type { Change } from '../infra/kubernetes/watch.ts'
import { type MirrorWorld, type Sight, serviceSight } from './mirror.ts'

/** One kind of object: all seen of it, by key, and the version its stream has reached. */
export interface Shelf<P> {
  readonly items: Map<string, P>
  resourceVersion: string
}

const emptyShelf = <P>(): Shelf<P> => ({ items: new Map(), resourceVersion: '0' })

/** Puts a complete list in place of what was known; says which keys are gone. */
export function replace<P>(
  shelf: Shelf<P>,
  entries: readonly [string, P][],
  version: string,
): string[] {
  const present = new Set(entries.map(([key]) => key))
  const gone = [...shelf.items.keys()].filter(key => !present.has(key))
  shelf.items.clear()
  for (const [key, item] of entries) shelf.items.set(key, item)
  shelf.resourceVersion = version
  return gone
}

/** What there is now; null: it is gone. */
export function put<P>(
  shelf: Shelf<P>,
  key: string,
  { type, item, resourceVersion }: Change<P>,
): P | null {
  const gone = type === 'DELETED'
  if (gone) shelf.items.delete(key)
  else shelf.items.set(key, item)
  shelf.resourceVersion = resourceVersion
  return gone ? null : item
}

export interface Seen {
  readonly services: Shelf<Service>
  /** By namespace/name of the Service, then by name of the slice. */
  readonly slices: Shelf<Map<string, Slice>>
  readonly nodes: Shelf<Node>
  readonly namespaces: Shelf<Namespace>
  readonly objects: Shelf<ConfigurationObject>
  /** Written by us; not in Redis. */
  readonly states: Shelf<ConfigurationState>
  /** Likewise; by namespace/name of the Service, then by name of the object. */
  readonly l2: Shelf<Map<string, L2Status>>
  /** Names of events about nodes that were said. */
  readonly alarms: Set<string>
}

export const nothingSeen = (): Seen => ({
  services: emptyShelf(),
  slices: emptyShelf(),
  nodes: emptyShelf(),
  namespaces: emptyShelf(),
  objects: emptyShelf(),
  states: emptyShelf(),
  l2: emptyShelf(),
  alarms: new Set(),
})

export interface SightWorld extends MirrorWorld {
  readonly loadBalancerClass: string | null
  /** Service name -> resourceVersion that we wrote ourselves, which the watch has not brought yet. */
  readonly written: Map<string, string>
}

/** Services that are announced no more, as far as they show that they are. */
export async function ringAnnounced(
  names: readonly string[],
  { l2 }: Seen,
  { ring, cluster }: MirrorWorld,
): Promise<void> {
  const shown = names.filter(name => l2.items.has(name))
  await ring(
    `publish-${cluster}`,
    shown.map(name => `announced/${name}`),
  )
}

/** A Service as Redis is to know it, and with it where it can be served. */
export function sightsOfService(service: Service, seen: Seen, world: SightWorld): Sight[] {
  const sight = serviceSight(world.cluster, service, world.state)
  if (!recordOf(service, world.loadBalancerClass)) return [{ ...sight, value: null }]
  return [sightOfEndpoints(`${service.namespace}/${service.name}`, seen, world), sight]
}

export function sightOfDeletedService(name: string, version: string, world: SightWorld): Sight {
  return {
    records: world.state.keys.services(world.cluster),
    field: name,
    resourceVersion: version,
    value: null,
    bell: { queue: 'allocate', key: `${world.cluster}/${name}` },
  }
}

/** Summed over the slices; the version is the one their stream has reached, so that the later sum wins. */
export function sightOfEndpoints(name: string, { slices }: Seen, world: SightWorld): Sight {
  return {
    records: world.state.keys.endpoints(world.cluster),
    field: name,
    resourceVersion: slices.resourceVersion,
    value: JSON.stringify(sumSlices([...(slices.items.get(name)?.values() ?? [])])),
    bell: { queue: 'place', key: `${world.cluster}/${name}` },
  }
}

export function sightOfNode(
  name: string,
  version: string,
  node: Node | null,
  world: SightWorld,
): Sight {
  return {
    records: world.state.keys.nodes(world.cluster),
    field: name,
    resourceVersion: version,
    value: node && JSON.stringify({ ...node, resourceVersion: '' }),
    bell: { queue: 'place', key: `${world.cluster}/*` },
  }
}

export function sightOfNamespace(
  name: string,
  version: string,
  namespace: Namespace | null,
  world: SightWorld,
): Sight {
  return {
    records: world.state.keys.namespaces(world.cluster),
    field: name,
    resourceVersion: version,
    value: namespace && JSON.stringify(namespace.labels),
    bell: { queue: 'allocate', key: `${world.cluster}/*` },
  }
}

export function sightOfObject(
  key: string,
  version: string,
  object: ConfigurationObject | null,
  world: SightWorld,
): Sight {
  return {
    records: world.state.keys.objects(world.cluster),
    field: key,
    resourceVersion: version,
    value: object && JSON.stringify({ ...object, resourceVersion: '', status: null }),
    bell: null, // the configuration is judged as a whole, and rings when it changed
    counter: world.state.keys.objectsRevision(world.cluster),
  }
}
