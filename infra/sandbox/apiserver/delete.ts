import { type ApiObject, isObject, type JsonObject, textAt } from './object.ts'
import { selection } from './read.ts'
import type { DeleteOptions } from './registry.ts'
import { type Rendering, renderList, renderObject, WHOLE } from './render.ts'
import { isDryRun } from './request.ts'
import { keyOf, type Resource } from './resources.ts'
import { decode, type Write } from './write.ts'

/** Deletes one object; says what was there, and whether it is gone or only going. */
export function deleteObject(write: Write): { object: ApiObject; gone: boolean } {
  const { registry, resource, info } = write
  const target = { resource, namespace: info.namespace, name: info.name }
  return registry.delete(target, optionsOf(write))
}

/** The answer to a DELETE: a Status, or the object where it is not gone or its resource answers so. */
export function deletion(
  resource: Resource,
  { object, gone }: { object: ApiObject; gone: boolean },
): string {
  if (!gone || resource.returnsDeleted) return renderObject(resource, object, WHOLE)
  const { name, uid = '' } = object.metadata
  const { group, plural } = resource
  const details: JsonObject = { name, ...(group ? { group } : {}), kind: plural, uid }
  return JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details,
  })
}

/** What the selectors of a collection's deletion mean. */
export function doomedBy({ registry, resource, info }: Write): ApiObject[] {
  return registry.store.list(resource.storage).filter(selection(resource, info))
}

/** Deletes what the selectors mean, and answers the list of it. */
export function deleteCollection(write: Write, rendering: Rendering): string {
  const { registry, resource } = write
  const { store } = registry
  const options = optionsOf(write)
  const doomed = doomedBy(write)
  for (const { metadata } of doomed) {
    const { name, namespace = '' } = metadata
    if (!store.get(resource.storage, keyOf(resource, namespace, name))) continue
    registry.delete({ resource, namespace, name }, options)
  }
  return renderList(resource, doomed, { resourceVersion: String(store.revision) }, rendering)
}

function optionsOf(write: Write): DeleteOptions {
  const body = write.body === '' ? {} : decode(write)
  const uid = textAt(body, 'preconditions', 'uid')
  const resourceVersion = textAt(body, 'preconditions', 'resourceVersion')
  const asked = isObject(body) && Array.isArray(body.dryRun) && body.dryRun.includes('All')
  return {
    dryRun: isDryRun(write.info) || asked,
    ...(uid ? { uid } : {}),
    ...(resourceVersion ? { resourceVersion } : {}),
  }
}
