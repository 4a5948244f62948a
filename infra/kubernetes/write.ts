/** What Herald writes to Kubernetes. Every write may be repeated: it is the same once or twice. */
import {
  COMPONENT_TYPE,
  COMPONENT_TYPE_LABEL,
  STATE_NAME,
  type StateStatus,
} from '../../functions/publish/configuration-state.ts'
import type { L2Text } from '../../functions/publish/l2-status.ts'
import type { StatusPatch } from '../../functions/publish/publish.ts'
import { ApiError } from './api-error.ts'
import type { KubernetesApi } from './client.ts'
import { type EventToWrite, eventBody, namespaceOf } from './event.ts'

const MERGE_PATCH = 'application/merge-patch+json' // RFC 7396
const APPLY_PATCH = 'application/apply-patch+yaml' // JSON is YAML
const TIMEOUT_MS = 5000
/** Who decided is asked again after that: nothing that was decided long ago is sent any more. */
const PATIENCE_MS = 2000

const PATCH = {
  method: 'PATCH',
  contentType: MERGE_PATCH,
  timeoutMs: TIMEOUT_MS,
  patienceMs: PATIENCE_MS,
  repeatable: false,
} as const

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
  return api.request({ ...PATCH, path, body: patch })
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

/** The status of an object, as JSON, if it still is the object of that uid. Answers the object. */
export function patchObjectStatus(
  api: KubernetesApi,
  path: string,
  uid: string,
  status: string,
): Promise<unknown> {
  return api.request({
    ...PATCH,
    path: `${path}/status`,
    text: `{"metadata":{"uid":${JSON.stringify(uid)}},"status":${status}}`,
  })
}

interface Written {
  readonly api: KubernetesApi
  /** Where the configuration lies. */
  readonly namespace: string
}

const l2Path = (namespace: string, name: string): string =>
  `/apis/metallb.io/v1beta1/namespaces/${namespace}/servicel2statuses/${name}`

/** Makes the object, or puts it right, by server-side apply; its labels are MetalLB's. */
export async function applyL2Status({
  api,
  namespace,
  status: { name, service, node, interfaces },
}: Written & { readonly status: L2Text }): Promise<void> {
  const [serviceNamespace = '', serviceName = ''] = service.split('/')
  const path = l2Path(namespace, name)
  const query = { fieldManager: 'herald', force: 'true' }
  const apply = { ...PATCH, contentType: APPLY_PATCH, repeatable: true, query }
  const identity = { apiVersion: 'metallb.io/v1beta1', kind: 'ServiceL2Status' }
  const labels = {
    'metallb.io/node': node,
    'metallb.io/service-name': serviceName,
    'metallb.io/service-namespace': serviceNamespace,
  }
  await api.request({ ...apply, path, body: { ...identity, metadata: { name, labels }, spec: {} } })
  const status = { node, serviceName, serviceNamespace, interfaces: interfaces.map(toName) }
  const body = { ...identity, metadata: { name }, status }
  await api.request({ ...apply, path: `${path}/status`, body })
}

const toName = (name: string): object => ({ name })

export function deleteL2Status({
  api,
  namespace,
  name,
}: Written & { readonly name: string }): Promise<unknown> {
  const path = l2Path(namespace, name)
  return api.request({ ...PATCH, method: 'DELETE', path, repeatable: true })
}

/**
 * Server-side apply (Kubernetes: "Server-Side Apply") of the one ConfigurationState, by force: whatever another manager, as
 * MetalLB's, says in these fields is replaced. It is made where there is none; then the owner, if any, takes it along
 * when it goes.
 */
export async function applyConfigurationState(
  api: KubernetesApi,
  state: {
    readonly namespace: string
    readonly exists: boolean
    readonly owner: { readonly name: string; readonly uid: string } | null
    readonly status: StateStatus
  },
): Promise<void> {
  const { namespace, exists, owner, status } = state
  const path = `/apis/metallb.io/v1beta1/namespaces/${namespace}/configurationstates/${STATE_NAME}`
  const query = { fieldManager: 'herald', force: 'true' }
  const identity = { apiVersion: 'metallb.io/v1beta1', kind: 'ConfigurationState' }
  const apply = { ...PATCH, contentType: APPLY_PATCH, repeatable: true, query }
  if (!exists) {
    const metadata = {
      name: STATE_NAME,
      labels: { [COMPONENT_TYPE_LABEL]: COMPONENT_TYPE },
      ...(owner && { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', ...owner }] }),
    }
    await api.request({ ...apply, path, body: { ...identity, metadata } })
  }
  const body = { ...identity, metadata: { name: STATE_NAME }, status }
  await api.request({ ...apply, path: `${path}/status`, body })
}
