/** Answers `publish-<cluster>`: writes to Kubernetes what a Service holds, and says why not more. */
import { Fault } from '../functions/model/fault.ts'
import type { Service } from '../functions/model/service.ts'
import { publish, type StatusPatch, shownAfter, shownBy } from '../functions/publish/publish.ts'
import { projectService } from '../functions/watch/project.ts'
import { recordOf } from '../functions/watch/record.ts'
import { ApiError } from '../infra/kubernetes/client.ts'
import { isOutOfDate, patchServiceStatus } from '../infra/kubernetes/write.ts'
import { ANNOUNCED_KEY, EVENTS_KEY, type Intent, type Known } from '../infra/redis/publishing.ts'
import { step } from '../infra/tracing.ts'
import { learnAll, type Sight, serviceSight } from './mirror.ts'
import { publishAllAnnounced, publishAnnounced } from './on-announced.ts'
import { publishConfiguration } from './on-configuration.ts'
import { publishConflict } from './on-conflict.ts'
import { publishPools } from './on-pools.ts'
import type { PublishWorld } from './publish-world.ts'
import { sayAll } from './say.ts'
import { ringAnnounced } from './sightings.ts'

/** Somebody else writes to the Service at the same time: read and decide again, but not for ever. */
const CONFLICTS_MOST = 10

/**
 * The key is service/namespace/name; pool/name or pool/* for the status of pools; `configuration` for what is to be said of
 * it; conflict/address, for what is to be said of who else has it; `events` for whatever is to be said; `announced` for
 * whatever was placed anew, announced/namespace/name for one Service.
 */
export async function onPublish(key: string, world: PublishWorld): Promise<void> {
  if (key === EVENTS_KEY) return sayAll(world)
  if (key === 'configuration') return publishConfiguration(world)
  if (key === ANNOUNCED_KEY) return publishAllAnnounced(world)
  if (key.startsWith(`${ANNOUNCED_KEY}/`)) {
    return publishAnnounced(key.slice(ANNOUNCED_KEY.length + 1), world)
  }
  if (key.startsWith('conflict/')) return publishConflict(key, world)
  if (key.startsWith('pool/')) return publishPools(key.slice('pool/'.length), world)
  return publishService(key.slice('service/'.length), world)
}

async function publishService(name: string, world: PublishWorld): Promise<void> {
  for (let attempt = 0; attempt < CONFLICTS_MOST; attempt++) {
    if (await publishOnce(name, world)) return
  }
  throw new Fault('Contended', {
    what: `The status of Service ${name} met ${CONFLICTS_MOST} conflicts`,
    why: 'somebody else rewrites the Service all the time',
    remedy: 'It is tried again by itself; look for a controller that fights over it',
    retry: true,
  })
}

/** False: the Service changed meanwhile; decide again. */
async function publishOnce(name: string, world: PublishWorld): Promise<boolean> {
  const known = await world.publishing.load(name)
  const { version, record } = known.service
  if (!record) return settle(name, known, null, world) // gone, or none of our business
  const service = { ...record, resourceVersion: version }
  const { patch, events } = publish(service, known.allocation, new Date().toISOString())
  const intent = intentOf(service, known.intent, patch, events, world)
  if (!patch) return settle(name, { ...known, intent }, null, world)
  if (intent) await world.publishing.intend({ name, intent })
  try {
    const after = await step('patch', {}, () =>
      world.traffic.during(() => patchServiceStatus(world.api, service, patch)),
    )
    if (patch.status?.loadBalancer?.ingress === null) await ringAnnounced([name], world.seen, world)
    const sight = sightOf(projectService(after), world, false) // our own change: nothing to allocate
    world.written.set(name, sight.resourceVersion)
    return settle(name, { ...known, intent }, sight, world)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    // Deleted meanwhile: the watch will say so.
    if (error.status === 404) return settle(name, { ...known, intent: NOTHING }, null, world)
    if (!isOutOfDate(error)) throw error
    await reread(service, world) // a Service that is gone decides nothing any more: the watch will say so
    return false
  }
}

const NOTHING: Intent = { v: 1, shows: '', events: [] }

/**
 * What is to be said once the Service shows it. An intent of before is kept only if the Service shows it already: whoever
 * had it was ended before he could say so. Null: there is no intent and never was one.
 */
function intentOf(
  service: Service,
  before: Intent | null,
  patch: StatusPatch | null,
  texts: ReturnType<typeof publish>['events'],
  { instance }: PublishWorld,
): Intent | null {
  const { namespace, name, uid } = service
  const regarding = { apiVersion: 'v1', kind: 'Service', namespace, name, uid }
  const late = before?.shows === shownBy(service) ? before.events : []
  const events = texts.map(text => ({ ...text, regarding, reportingInstance: instance }))
  if (!before && events.length === 0) return null
  const shows = patch ? shownAfter(service, patch) : shownBy(service)
  return { v: 1, shows, events: [...late, ...events] }
}

async function settle(
  name: string,
  { dirty, intent }: Pick<Known, 'dirty' | 'intent'>,
  learned: Sight | null,
  world: PublishWorld,
): Promise<true> {
  if (dirty === null && !intent && !learned) return true
  const key = `service/${name}`
  const events = intent?.events ?? []
  const settled = { key, dirty, name, learned, hadIntent: intent !== null, events }
  if (await world.publishing.settle(settled)) {
    await world.ring(`publish-${world.cluster}`, [EVENTS_KEY])
  }
  return true
}

async function reread(service: Service, world: PublishWorld): Promise<void> {
  const path = `/api/v1/namespaces/${service.namespace}/services/${service.name}`
  try {
    // The watch will bring this version too, and find it known: whatever its specification asks for is rung here.
    await learnAll([sightOf(projectService(await world.api.request({ path })), world, true)], world)
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error
  }
}

/** What the API server has just answered is newer than what the watch has brought. */
function sightOf(service: Service, world: PublishWorld, bell: boolean): Sight {
  const sight = serviceSight(world.cluster, service, world.state, bell)
  return recordOf(service, world.loadBalancerClass) ? sight : { ...sight, value: null }
}
