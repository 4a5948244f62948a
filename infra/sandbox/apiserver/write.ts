import { parse } from 'yaml'
import { ApiError, badRequest, conflict, invalid, notFound } from './api-error.ts'
import { applyPatch } from './apply.ts'
import { conform, judgeUnknown } from './conform.ts'
import { completeCustom, pruneCustom } from './custom-schema.ts'
import { admitBody } from './metadata.ts'
import { type ApiObject, isObject, type Json, type JsonObject } from './object.ts'
import { jsonPatch, mergePatch } from './patch.ts'
import { fromProtobuf } from './protobuf.ts'
import type { Registry } from './registry.ts'
import { encoded } from './render.ts'
import { fieldValidationOf, isDryRun, type RequestInfo } from './request.ts'
import { apiVersionOf, keyOf, type Resource } from './resources.ts'
import { strategicMerge } from './strategic-merge.ts'

/** A write as a client sent it, and what the answer is to warn of. */
export interface Write {
  readonly registry: Registry
  readonly resource: Resource
  readonly info: RequestInfo
  readonly contentType: string
  readonly body: string
  readonly warnings: string[]
}

export interface Written {
  readonly code: number
  readonly object: ApiObject
}

export function create(write: Write): Written {
  const { registry, resource, info } = write
  const object = admit(write, decode(write), info.name, null)
  return { code: 201, object: registry.create(resource, object, isDryRun(info)) }
}

export function update(write: Write): Written {
  const { registry, resource, info } = write
  const current = registry.store.get(resource.storage, keyOf(resource, info.namespace, info.name))
  const object = admit(write, decode(write), info.name, current)
  if (!current) {
    const asked = object.metadata.resourceVersion
    if (info.subresource || !resource.createOnUpdate || asked) throw notFound(resource, info.name)
    return { code: 201, object: registry.create(resource, object, isDryRun(info)) }
  }
  const subresource = info.subresource === 'status' ? 'status' : ''
  const replace = (current: ApiObject) => {
    checkUid(resource, object, current)
    return object
  }
  return {
    code: 200,
    object: registry.update(targetOf(write), subresource, replace, isDryRun(info)),
  }
}

/** The uid in a PUT is a precondition, the first one that is looked at; in a patch it is a field that may not change. */
function checkUid(resource: Resource, next: ApiObject, current: ApiObject): void {
  const { uid, name } = current.metadata
  const asked = next.metadata.uid
  if (!asked || asked === uid) return
  const why = `Precondition failed: UID in precondition: ${asked}, UID in object meta: ${uid}`
  throw conflict(resource, name, why)
}

/** A server-side apply of what is not there: the API server then asks for the right to create that name, too. */
export const isCreatingApply = ({ registry, resource, info, contentType }: Write): boolean =>
  info.verb === 'patch' &&
  contentType.startsWith('application/apply-patch') &&
  !registry.store.get(resource.storage, keyOf(resource, info.namespace, info.name))

/** All four kinds of patch. Only server-side apply makes what is not there. */
export function patch(write: Write): Written {
  const { registry, resource, info } = write
  const type = write.contentType.split(';')[0]?.trim() ?? ''
  const body = decode(write)
  const subresource = info.subresource === 'status' ? 'status' : ''
  const exists = registry.store.get(resource.storage, keyOf(resource, info.namespace, info.name))
  if (type === 'application/apply-patch+yaml') {
    const manager = info.query.get('fieldManager') ?? ''
    if (!manager) throw applyNeedsManager()
    const force = info.query.get('force') === 'true'
    const applied = admit(write, body, info.name, 'partial')
    const shown = (current: ApiObject | null) => current && encoded(resource, current)
    const merge = (current: ApiObject | null) =>
      admit(
        write,
        applyPatch(resource, shown(current), withoutServerFields(applied), {
          manager,
          force,
          subresource,
        }),
        info.name,
        current,
      )
    if (exists) {
      return {
        code: 200,
        object: registry.update(targetOf(write), subresource, merge, isDryRun(info)),
      }
    }
    if (subresource) throw notFound(resource, info.name)
    return { code: 201, object: registry.create(resource, merge(null), isDryRun(info)) }
  }
  if (!isPatchType(type, resource)) throw unsupportedType()
  const change = (current: ApiObject) =>
    admit(write, patched(resource, encoded(resource, current), type, body), info.name, current)
  return {
    code: 200,
    object: registry.update(targetOf(write), subresource, change, isDryRun(info)),
  }
}

function targetOf({ resource, info }: Write) {
  return { resource, namespace: info.namespace, name: info.name }
}

function patched(resource: Resource, current: ApiObject, type: string, body: Json): Json {
  if (type === 'application/json-patch+json') return jsonPatch(current, body)
  if (!isObject(body)) throw badRequest('error decoding patch: a patch of this type is an object')
  if (type === 'application/merge-patch+json') return mergePatch(current, body)
  return strategicMerge(current, body, resource.schema)
}

function isPatchType(type: string, resource: Resource): boolean {
  if (type === 'application/strategic-merge-patch+json') return resource.model !== null
  return type === 'application/json-patch+json' || type === 'application/merge-patch+json'
}

function unsupportedType(): ApiError {
  const message = `the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml`
  return new ApiError(415, 'UnsupportedMediaType', message)
}

function applyNeedsManager(): ApiError {
  const named = { group: 'meta.k8s.io', plural: 'patchoptions', kind: 'PatchOptions' }
  const message = 'Required value: is required for apply patch'
  return invalid(named, '', [{ reason: 'FieldValueRequired', message, field: 'fieldManager' }])
}

function withoutServerFields(object: ApiObject): ApiObject {
  const metadata = { ...object.metadata }
  if (metadata.managedFields !== undefined) {
    throw badRequest('metadata.managedFields must be nil')
  }
  delete metadata.creationTimestamp
  return { ...object, metadata }
}

/** The body as a value: JSON, or YAML where the content type says so. */
export function decode({ body, contentType }: { body: string; contentType: string }): Json {
  if (/cbor/.test(contentType)) throw unsupportedBody()
  try {
    if (/protobuf/.test(contentType)) return fromProtobuf(Buffer.from(body, 'latin1'))
    if (/yaml/.test(contentType)) return parse(body)
    return JSON.parse(body)
  } catch (error) {
    if (error instanceof ApiError) throw error
    const why = error instanceof Error ? error.message : String(error)
    throw badRequest(
      `error decoding: the body is not ${/yaml/.test(contentType) ? 'YAML' : 'JSON'}: ${why}`,
    )
  }
}

function unsupportedBody(): ApiError {
  const message = `the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf`
  return new ApiError(415, 'UnsupportedMediaType', message)
}

/**
 * The object as it may be stored: of the right kind and place, its fields known, in storage form; `current` lies there now. What
 * an applier sends is only a part: that is neither completed nor judged before it is merged.
 */
function admit(
  write: Write,
  body: Json,
  name: string,
  current: ApiObject | 'partial' | null,
): ApiObject {
  const { resource, info, warnings } = write
  const where = { apiVersion: apiVersionOf(resource), namespace: namespaceOf(resource, info), name }
  const object = admitBody(resource, body, where)
  const how = fieldValidationOf(info)
  if (resource.model === null) {
    const known = pruneCustom(resource, object, how, warnings)
    if (current === 'partial') return known
    const shown = current && encoded(resource, current)
    const shaped = completeCustom(resource, known, shown, info.subresource)
    return resource.decode ? resource.decode(shaped) : shaped
  }
  const unknown: string[] = []
  const shape: JsonObject = conform(object, resource.schema, resource, unknown)
  judgeUnknown(unknown, how, resource, warnings)
  const metadata = { ...object.metadata, ...(isObject(shape.metadata) ? shape.metadata : {}) }
  for (const field of Object.keys(metadata)) {
    if (!isObject(shape.metadata) || shape.metadata[field] === undefined) delete metadata[field]
  }
  const admitted: ApiObject = {
    ...shape,
    kind: object.kind,
    apiVersion: object.apiVersion,
    metadata: { ...metadata, name: object.metadata.name },
  }
  return resource.decode ? resource.decode(admitted) : admitted
}

function namespaceOf(resource: Resource, info: RequestInfo): string {
  return resource.namespaced ? info.namespace : ''
}
