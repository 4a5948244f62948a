import { badRequest } from './api-error.ts'
import { type ApiObject, at, isObject, type JsonObject, objectAt } from './object.ts'
import { mergePatch } from './patch.ts'
import { isDryRun } from './request.ts'
import { decode, type Write } from './write.ts'

/** autoscaling/v1 Scale of a workload. */
export function readScale(object: ApiObject): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const labels = Object.entries(objectAt(object, 'spec', 'selector', 'matchLabels'))
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: Number(at(object, 'spec', 'replicas') ?? 0) },
    status: {
      replicas: Number(at(object, 'status', 'replicas') ?? 0),
      selector: labels.map(([key, value]) => `${key}=${value}`).join(','),
    },
  }
}

/** PUT, or a merge patch, of the scale: sets spec.replicas. */
export function writeScale(write: Write): JsonObject {
  const { registry, resource, info } = write
  const target = { resource, namespace: info.namespace, name: info.name }
  const change = (current: ApiObject): ApiObject => {
    const body = decode(write)
    const scale = info.verb === 'patch' ? mergePatch(readScale(current), body) : body
    const replicas = at(scale, 'spec', 'replicas')
    if (typeof replicas !== 'number') throw badRequest('a Scale carries spec.replicas, a number')
    const asked = at(scale, 'metadata', 'resourceVersion')
    const resourceVersion =
      typeof asked === 'string' ? asked : (current.metadata.resourceVersion ?? '')
    const spec = isObject(current.spec) ? current.spec : {}
    return {
      ...current,
      metadata: { ...current.metadata, resourceVersion },
      spec: { ...spec, replicas },
    }
  }
  return readScale(registry.update(target, '', change, isDryRun(info)))
}
