import { ApiError, badRequest, expired } from './api-error.ts'
import type { ApiObject, JsonObject } from './object.ts'
import type { Registry } from './registry.ts'
import { type Rendering, renderList } from './render.ts'
import type { RequestInfo } from './request.ts'
import { fieldsOf, type Resource } from './resources.ts'
import { fieldSelector, labelSelector, type Selector } from './selectors.ts'
import type { Store } from './store.ts'

/** Which objects of a resource a request means: namespace, name, label and field selectors together. */
export function selection(resource: Resource, info: RequestInfo): Selector {
  const labels = labelSelector(info.query.get('labelSelector') ?? '')
  const offered = ['metadata.name', 'metadata.namespace', ...Object.keys(resource.selectable)]
  const fields = fieldSelector(
    info.query.get('fieldSelector') ?? '',
    object => fieldsOf(resource, object),
    offered,
  )
  const { namespace, name } = info
  const inPlace = (object: ApiObject) =>
    (!resource.namespaced || namespace === '' || object.metadata.namespace === namespace) &&
    (name === '' || object.metadata.name === name)
  return object => inPlace(object) && labels(object) && fields(object)
}

/**
 * A list, whole or by pages. Every page shows the state at the first page's resourceVersion; a continue token from before
 * the kept history is 410 Expired.
 */
export function list(
  registry: Registry,
  resource: Resource,
  info: RequestInfo,
  rendering: Rendering,
): string {
  const { store } = registry
  const limit = Number(info.query.get('limit') ?? 0)
  const token = info.query.get('continue')
  const asked = info.query.get('resourceVersion') ?? ''
  const { revision, after } = token
    ? readToken(token)
    : { revision: pinned(store, info), after: '' }
  if (token && asked !== '' && asked !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue')
  }
  const snapshot = store.listAt(resource.storage, revision)
  if (!snapshot) throw token ? staleToken(store, after) : expired(tooOld(asked, store))
  const wanted = selection(resource, info)
  const keyed = snapshot.filter(
    object => wanted(object) && (after === '' || pathOf(object) > after),
  )
  const page = limit > 0 ? keyed.slice(0, limit) : keyed
  const metadata: JsonObject = { resourceVersion: String(revision) }
  const last = page.at(-1)
  if (last && page.length < keyed.length) {
    metadata.continue = writeToken(revision, pathOf(last))
    const selected = info.query.get('labelSelector') || info.query.get('fieldSelector')
    if (!selected) metadata.remainingItemCount = keyed.length - page.length
  }
  return renderList(resource, page, metadata, rendering)
}

const pathOf = (object: ApiObject) =>
  object.metadata.namespace
    ? `${object.metadata.namespace}/${object.metadata.name}`
    : object.metadata.name

/** The revision that a list without a token shows: now, unless an exact one is asked for. */
function pinned(store: Store, info: RequestInfo): number {
  const asked = info.query.get('resourceVersion') ?? ''
  const match = info.query.get('resourceVersionMatch') ?? ''
  if (match && asked === '') {
    throw badRequest('resourceVersionMatch is forbidden unless resourceVersion is provided')
  }
  if (asked === '' || asked === '0') return store.revision
  const revision = readRevision(asked)
  if (revision > store.revision) throw tooLarge(revision, store.revision)
  const limited = Number(info.query.get('limit') ?? 0) > 0
  return match === 'Exact' || (match === '' && limited) ? revision : store.revision
}

export function readRevision(text: string): number {
  if (!/^\d+$/.test(text)) {
    throw badRequest(
      `Invalid value: "${text}": strconv.ParseUint: parsing "${text}": invalid syntax`,
    )
  }
  return Number(text)
}

function tooOld(asked: string | number, store: Store): string {
  return `The resourceVersion for the provided list is too old. (${asked}; the oldest kept is ${store.oldestRevision})`
}

/** The server has not seen that revision yet: 504, to be retried. */
function tooLarge(asked: number, current: number): ApiError {
  const message = `Timeout: Too large resource version: ${asked}, current: ${current}`
  const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }]
  return new ApiError(504, 'Timeout', message, { causes, retryAfterSeconds: 1 })
}

function writeToken(revision: number, after: string): string {
  return Buffer.from(
    JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start: `${after}\0` }),
  ).toString('base64url')
}

function readToken(token: string): { revision: number; after: string } {
  try {
    const { rv, start } = JSON.parse(Buffer.from(token, 'base64url').toString())
    if (typeof rv === 'number' && typeof start === 'string') {
      return { revision: rv, after: start.replace(/\0$/, '') }
    }
  } catch {
    // said below
  }
  throw badRequest(
    'continue key is not valid: illegal base64 data or no continue token of this server',
  )
}

/** 410 with a new token, with which a client may go on inconsistently (k8s.io/apiserver/pkg/storage/etcd3). */
function staleToken(store: Store, after: string): ApiError {
  const error = expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
  )
  error.metadata = { continue: writeToken(store.revision, after) }
  return error
}
