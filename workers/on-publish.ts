/** Answers `publish-<cluster>`: writes to Kubernetes what a Service holds, and says why not more. */
import { Fault } from '../functions/model/fault.ts'
import type { Service } from '../functions/model/service.ts'
import { noticesOf } from '../functions/publish/notices.ts'
import { publish } from '../functions/publish/publish.ts'
import { projectService } from '../functions/watch/project.ts'
import { recordOf } from '../functions/watch/record.ts'
import type { KubernetesApi } from '../infra/kubernetes/client.ts'
import { ApiError } from '../infra/kubernetes/client.ts'
import { createEvent, isOutOfDate, patchServiceStatus } from '../infra/kubernetes/write.ts'
import { learnAll, type MirrorWorld, serviceSight } from './mirror.ts'

export interface PublishWorld extends MirrorWorld {
  readonly api: KubernetesApi
  readonly loadBalancerClass: string | null
  /** Name of this process, for events. */
  readonly instance: string
}

/** Somebody else writes to the Service at the same time: read and decide again, but not for ever. */
const CONFLICTS_MOST = 10

/** The key is service/namespace/name. */
export async function onPublish(key: string, world: PublishWorld): Promise<void> {
  const queue = `publish-${world.cluster}`
  const dirty = await world.state.dirty(queue, key)
  const name = key.slice('service/'.length)
  for (let attempt = 0; attempt < CONFLICTS_MOST; attempt++) {
    if (!(await publishOnce(name, world))) continue
    await world.state.answered(queue, key, dirty)
    return
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
  const { cluster, state, api } = world
  const [{ version, record: service }, allocation] = await Promise.all([
    state.service(cluster, name),
    state.allocation(cluster, name),
  ])
  if (!service) return true // gone, or none of our business
  const { patch, event } = publish(service, allocation, new Date().toISOString())
  if (patch) {
    try {
      const target = { ...service, resourceVersion: version }
      const after = await patchServiceStatus(api, target, patch)
      await learnFresh(projectService(after), world, false) // our own change: nothing to allocate
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      if (error.status === 404) return true // deleted meanwhile: the watch will say so
      if (!isOutOfDate(error)) throw error
      await reread(service, world) // a Service that is gone decides nothing any more: the watch will say so
      return false
    }
  }
  for (const text of [event, ...noticesOf(service, allocation, patch !== null)]) {
    if (!text) continue
    await createEvent(api, {
      ...text,
      regarding: {
        apiVersion: 'v1',
        kind: 'Service',
        namespace: service.namespace,
        name: service.name,
        uid: service.uid,
      },
      reportingInstance: world.instance,
    })
  }
  return true
}

async function reread(service: Service, world: PublishWorld): Promise<void> {
  const path = `/api/v1/namespaces/${service.namespace}/services/${service.name}`
  try {
    // The watch will bring this version too, and find it known: whatever its specification asks for is rung here.
    await learnFresh(projectService(await world.api.request({ path })), world, true)
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error
  }
}

/** What the API server has just answered is newer than what the watch has brought. */
async function learnFresh(service: Service, world: PublishWorld, bell: boolean): Promise<void> {
  const record = recordOf(service, world.loadBalancerClass)
  const sight = serviceSight(world.cluster, service, world.state, bell)
  await learnAll([record ? sight : { ...sight, value: null }], world)
}
