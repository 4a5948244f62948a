import type { ApiObject, JsonObject } from './object.ts'
import { apiVersionOf, type Resource } from './resources.ts'
import { partial, tableOf } from './table.ts'

/** How a client wants to see objects: whole, their metadata only, or as the rows of a table. */
export type Rendering =
  | { readonly as: 'object' }
  | { readonly as: 'metadata' }
  | { readonly as: 'table'; readonly include: 'None' | 'Metadata' | 'Object' }

export const WHOLE: Rendering = { as: 'object' }

/** Reads the Accept header; null when nothing acceptable is served. */
export function renderingOf(accept: string, includeObject: string): Rendering | null {
  const ranges = accept === '' ? ['*/*'] : accept.split(',').map(range => range.trim())
  for (const range of ranges) {
    const [type, ...parameters] = range.split(';').map(part => part.trim())
    if (type !== 'application/json' && type !== '*/*' && type !== 'application/*') continue
    const as = parameters.find(part => part.startsWith('as='))?.slice(3)
    if (as === 'Table') return { as: 'table', include: policyOf(includeObject) }
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList')
      return { as: 'metadata' }
    if (!as) return WHOLE
  }
  return null
}

/** One object as JSON text. */
export function renderObject(resource: Resource, object: ApiObject, how: Rendering): string {
  if (how.as === 'object') return jsonOf(resource, object)
  if (how.as === 'metadata') return JSON.stringify(partial(object))
  const metadata = { resourceVersion: object.metadata.resourceVersion }
  return JSON.stringify(tableOf(resource, [encoded(resource, object)], metadata, how.include, true))
}

/** A list as JSON text. Items of built-in types carry no kind and apiVersion, as the real server's do not. */
export function renderList(
  resource: Resource,
  objects: readonly ApiObject[],
  metadata: JsonObject,
  how: Rendering,
): string {
  if (how.as === 'table') {
    const shown = objects.map(object => encoded(resource, object))
    return JSON.stringify(tableOf(resource, shown, metadata, how.include, true))
  }
  if (how.as === 'metadata') {
    const kind = 'PartialObjectMetadataList'
    return JSON.stringify({
      kind,
      apiVersion: 'meta.k8s.io/v1',
      metadata,
      items: objects.map(partial),
    })
  }
  const head = { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata }
  const items = objects.map(object => itemOf(resource, object)).join(',')
  return `${JSON.stringify(head).slice(0, -1)},"items":[${items}]}`
}

/** One watch event as a line of JSON; the head of a table is sent once. */
export function renderEvent(
  resource: Resource,
  type: string,
  object: ApiObject,
  how: Rendering,
  first: boolean,
): string {
  const text =
    how.as === 'table'
      ? JSON.stringify(tableOf(resource, [encoded(resource, object)], {}, how.include, first))
      : renderObject(resource, object, how)
  return `{"type":"${type}","object":${text}}\n`
}

export function encoded(resource: Resource, object: ApiObject): ApiObject {
  return resource.encode ? resource.encode(object) : object
}

function jsonOf(resource: Resource, object: ApiObject): string {
  const known = resource.json.get(object)
  if (known) return known
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = encoded(resource, object)
  const head = prefixOf(resource)
  const text = head + JSON.stringify(rest).slice(1)
  resource.json.set(object, text)
  return text
}

function itemOf(resource: Resource, object: ApiObject): string {
  const text = jsonOf(resource, object)
  return resource.model === null ? text : `{${text.slice(prefixOf(resource).length)}`
}

function prefixOf(resource: Resource): string {
  return `{"kind":"${resource.kind}","apiVersion":"${apiVersionOf(resource)}",`
}

function policyOf(text: string): 'None' | 'Metadata' | 'Object' {
  return text === 'None' || text === 'Object' ? text : 'Metadata'
}
