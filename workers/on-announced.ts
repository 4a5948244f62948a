/**
 * Answers `announced` and `announced/NAMESPACE/NAME` of a publish queue: which node announces a Service, in MetalLB's
 * ServiceL2Status and an event. What was placed anew lies in a set of its own until it has been told.
 */
import { alarmEvent } from '../functions/publish/alarm.ts'
import { assignedTo, atHome, l2Changes, unannounced } from '../functions/publish/l2-status.ts'
import type { EventText } from '../functions/publish/publish.ts'
import { ApiError } from '../infra/kubernetes/client.ts'
import type { EventToWrite } from '../infra/kubernetes/event.ts'
import { applyL2Status, deleteL2Status } from '../infra/kubernetes/write.ts'
import { EVENTS_KEY } from '../infra/redis/publishing.ts'
import { groupOf, judge } from './on-place.ts'
import type { PublishWorld } from './on-publish.ts'

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
      const { services } = await groupOf(cluster, group, state)
      for (const service of services) await publishAnnounced(service, world)
      await state.answered(queue, group, version)
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
}

/** On the nodes that announcers cannot hear rightly; names that are no node's are made up. */
async function sayAlarms(world: PublishWorld): Promise<void> {
  const { seen, state, cluster } = world
  const current = new Set<string>()
  for (const announcer of await state.announcers(cluster)) {
    for (const alarm of announcer.alarms ?? []) {
      const event = alarmEvent(announcer, alarm)
      current.add(event.name)
      const uid = seen.nodes.items.get(alarm.node)?.uid
      if (uid === undefined || seen.alarms.has(event.name)) continue
      const { node: name } = alarm
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
  const addresses = (service && allocation?.addresses) ?? []
  const [address] = addresses
  const { addresses: together, services } = address
    ? await groupOf(cluster, address, state)
    : { addresses: [], services: [] }
  const placement = await state.placement(cluster, together[0] ?? '')
  const placed = address ? placement?.owner : null
  const owner = placed
    ? atHome(placed, addresses, await state.announcer(cluster, placed.node))
    : null
  const shown = [...(seen.l2.items.get(name)?.values() ?? [])]
  const { write, remove } = l2Changes(name, owner, shown)
  const writing = { api: world.api, namespace: world.namespace }
  for (const one of remove) await unlessAbsent(deleteL2Status({ ...writing, name: one }))
  if (write) await unlessAbsent(applyL2Status({ ...writing, status: write }))
  if (!service || !address) return
  if (owner && write && !shown.some(one => one.node === owner.node)) {
    await say(assignedTo(service, owner.node, String(placement?.epoch.number)), service, world)
  }
  if (owner || !(await state.endpoints(cluster, name))?.any) return // without endpoints there is nothing to announce
  const judged = await judge(cluster, services, state)
  if (!judged || judged.candidates.length > 0) return
  await say(unannounced(service, addresses, judged.reason), service, world)
}

async function say(
  event: EventText,
  { namespace, name, uid }: { namespace: string; name: string; uid: string },
  world: PublishWorld,
): Promise<void> {
  await owe(event, { apiVersion: 'v1', kind: 'Service', namespace, name, uid }, world)
}

async function owe(
  event: EventText,
  regarding: EventToWrite['regarding'],
  { publishing, instance, ring, cluster }: PublishWorld,
): Promise<void> {
  await publishing.owe({ ...event, regarding, reportingInstance: instance })
  await ring(`publish-${cluster}`, [EVENTS_KEY])
}

/** The kind, the namespace or the object is not there: then nobody looks for it either. */
async function unlessAbsent(writing: Promise<unknown>): Promise<void> {
  await writing.catch((error: unknown) => {
    if (!(error instanceof ApiError && error.status === 404)) throw error
  })
}
