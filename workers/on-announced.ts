/**
 * Answers `announced` and `announced/NAMESPACE/NAME` of a publish queue: which node announces a Service, in MetalLB's
 * ServiceL2Status and an event. What was placed anew lies in a set of its own until it has been told.
 */
import type { PlacedNode } from '../functions/model/placement.ts'
import type { Service } from '../functions/model/service.ts'
import { alarmEvents } from '../functions/publish/alarm.ts'
import { assignedTo, atHome, l2Changes, unannounced } from '../functions/publish/l2-status.ts'
import type { EventText } from '../functions/publish/publish.ts'
import { ApiError } from '../infra/kubernetes/client.ts'
import { applyL2Status, deleteL2Status } from '../infra/kubernetes/write.ts'
import { type Group, groupOf, judge, surroundings } from './on-place.ts'
import type { PublishWorld } from './publish-world.ts'
import { owe } from './say.ts'

/** Services told of at once; their statuses come first. */
const LANES = 4

export async function publishAllAnnounced(world: PublishWorld): Promise<void> {
  const { cluster, state } = world
  await sayAlarms(world)
  const queue = state.announcedOf(cluster)
  const todo = await state.dirtyKeys(queue)
  const lane = async () => {
    for (let next = todo.shift(); next; next = todo.shift()) {
      const [group, version] = next
      await world.traffic.quiet()
      const known = await groupOf(cluster, group, state)
      for (const name of known.services) {
        const { record } = await state.service(cluster, name)
        if (record) await tell(record, known, world)
      }
      await state.answered(queue, group, version)
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
}

/** On the nodes that announcers cannot hear rightly, or whose kernel answers too; names that are no node's are made up. */
async function sayAlarms(world: PublishWorld): Promise<void> {
  const { seen, state, cluster } = world
  const current = new Set<string>()
  for (const announcer of await state.announcers(cluster)) {
    for (const { node: name, event } of alarmEvents(announcer)) {
      current.add(event.name)
      const uid = seen.nodes.items.get(name)?.uid
      if (uid === undefined || seen.alarms.has(event.name)) continue
      await owe(event, { apiVersion: 'v1', kind: 'Node', namespace: null, name, uid }, world)
      seen.alarms.add(event.name)
    }
  }
  for (const name of seen.alarms) if (!current.has(name)) seen.alarms.delete(name)
}

export async function publishAnnounced(name: string, world: PublishWorld): Promise<void> {
  const { cluster, state, seen } = world
  const [{ record: service }, allocation] = await Promise.all([
    state.service(cluster, name),
    state.allocation(cluster, name),
  ])
  if (!service || !allocation) {
    // Redis may have lost it; it is gone when Kubernetes says so.
    if (!seen.services.items.has(name)) await show(name, null, world)
    return
  }
  const [address] = allocation.addresses
  if (address) await tell(service, await groupOf(cluster, address, state), world)
  else await show(name, null, world)
}

/** Which node announces a Service that has addresses. */
async function tell(
  service: Service,
  { addresses: together, services }: Group,
  world: PublishWorld,
): Promise<void> {
  const { cluster, state } = world
  const name = `${service.namespace}/${service.name}`
  const [group = ''] = together
  const [allocation, placement, isWanting] = await Promise.all([
    state.allocation(cluster, name),
    state.placement(cluster, group),
    state.isWanting(cluster, group),
  ])
  if (!placement && !isWanting) return // it is not known yet who announces it
  const addresses = allocation?.addresses ?? []
  const placed = placement?.owner
  if (placed) {
    const owner = atHome(placed, addresses, await state.announcer(cluster, placed.node))
    await show(name, owner, world, () =>
      say(assignedTo(service, owner.node, String(placement.epoch.number)), service, world),
    )
    return
  }
  await show(name, null, world)
  if (!(await state.endpoints(cluster, name))?.any) return // there is nothing to announce
  const around = await surroundings(cluster, state)
  if (!around) return
  const { candidates, reason } = await judge(cluster, services, around, state)
  if (candidates.length === 0) await say(unannounced(service, addresses, reason), service, world)
}

/** `news`: said of another node than is shown; before that is written, for whoever repeats the write says nothing new. */
async function show(
  name: string,
  owner: PlacedNode | null,
  { api, namespace, seen }: PublishWorld,
  news: () => Promise<void> = async () => {},
): Promise<void> {
  const shown = [...(seen.l2.items.get(name)?.values() ?? [])]
  const { write, remove } = l2Changes(name, owner, shown)
  if (write && !shown.some(one => one.node === owner?.node)) await news()
  for (const one of remove) await unlessAbsent(deleteL2Status({ api, namespace, name: one }))
  if (write) await unlessAbsent(applyL2Status({ api, namespace, status: write }))
}

function say(
  event: EventText,
  { namespace, name, uid }: Service,
  world: PublishWorld,
): Promise<void> {
  return owe(event, { apiVersion: 'v1', kind: 'Service', namespace, name, uid }, world)
}

/** The kind, the namespace or the object is not there: then nobody looks for it either. */
async function unlessAbsent(writing: Promise<unknown>): Promise<void> {
  await writing.catch((error: unknown) => {
    if (!(error instanceof ApiError && error.status === 404)) throw error
  })
}
