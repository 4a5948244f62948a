/** What Herald writes to Kubernetes. Every write may be repeated: it is the same once or twice. */
import type { StatusPatch } from '../../functions/publish/publish.ts'
import { ApiError } from './api-error.ts'
import type { KubernetesApi } from './client.ts'
import { type EventToWrite, eventBody, namespaceOf } from './event.ts'

const MERGE_PATCH = 'application/merge-patch+json' // RFC 7396
const TIMEOUT_MS = 5000
/** Who decided is asked again after that: nothing that was decided long ago is sent any more. */
const PATIENCE_MS = 2000

/**
 * Addresses, conditions and annotations of a Service in one patch of services/status, only if it still is the
 * object that was decided upon. Sent again only when it was certainly not done (429), and soon. Answers the
 * object as it is now. Throws an ApiError: see `isOutOfDate`; 404 when it is gone.
 */
export function patchServiceStatus(
  api: KubernetesApi,
  service: {
    readonly namespace: string
    readonly name: string
    readonly uid: string
    readonly resourceVersion: string
  },
  patch: StatusPatch,
): Promise<unknown> {
  const { namespace, name, uid, resourceVersion } = service
  return patchObject(api, `/api/v1/namespaces/${namespace}/services/${name}/status`, {
    ...patch,
    metadata: { ...patch.metadata, uid, resourceVersion },
  })
}

/**
 * Read and decide again: the object has changed (409), or is another one of the same name (a uid cannot be
 * changed: apimachinery, ValidateObjectMetaUpdate).
 */
export const isOutOfDate = ({ status, fields }: ApiError): boolean =>
  status === 409 || (status === 422 && fields.includes('metadata.uid'))

/** A merge patch (RFC 7396) of any object or subresource; put uid and resourceVersion into it as conditions. */
export function patchObject(api: KubernetesApi, path: string, patch: object): Promise<unknown> {
  return api.request({
    method: 'PATCH',
    path,
    body: patch,
    contentType: MERGE_PATCH,
    timeoutMs: TIMEOUT_MS,
    patienceMs: PATIENCE_MS,
    repeatable: false,
  })
}

/**
 * Says something on an object (events.k8s.io/v1). The name is derived from what is said, so saying it again
 * changes nothing. 'unsaid': the namespace is gone or going, and nobody is left to read it.
 */
export async function createEvent(
  api: KubernetesApi,
  event: EventToWrite,
): Promise<'said' | 'known' | 'unsaid'> {
  try {
    await api.request({
      method: 'POST',
      path: `/apis/events.k8s.io/v1/namespaces/${namespaceOf(event)}/events`,
      body: eventBody(event, Date.now()),
      timeoutMs: TIMEOUT_MS,
      patienceMs: PATIENCE_MS,
      repeatable: true,
    })
    return 'said'
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    if (error.status === 409) return 'known'
    if (error.status === 404 || error.causes.includes('NamespaceTerminating')) return 'unsaid'
    throw error
  }
}
