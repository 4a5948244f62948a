/** The ConfigMap of ours, in the namespace of the configuration, in which decisions outlive Redis. */
import { ApiError } from './api-error.ts'
import type { KubernetesApi } from './client.ts'
import { patchObject } from './write.ts'

/** The only one that the role of the watcher names (infra/deploy/rbac.yaml). */
export const STATE_MAP = 'herald-state'

/** Octets; the API server refuses a ConfigMap of more than 1 MiB (kubernetes: core/validation, MaxSecretSize). */
export const STATE_MAP_MOST = 1_000_000

export interface StateMap {
  readonly resourceVersion: string
  readonly data: Readonly<Record<string, string>>
}

/** Null: there is none. */
export async function readStateMap(
  api: KubernetesApi,
  namespace: string,
): Promise<StateMap | null> {
  try {
    return stateMapOf(await api.request({ path: pathOf(namespace) }))
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null
    throw error
  }
}

/**
 * Writes `data` in the place of what was read (`old`), only if that is still what is there: else an ApiError of status
 * 409. Makes the map by server-side apply, which needs the right to create this one name, and not any.
 */
export async function writeStateMap(
  api: KubernetesApi,
  namespace: string,
  old: StateMap | null,
  data: Readonly<Record<string, string>>,
): Promise<void> {
  const path = pathOf(namespace)
  if (old) {
    const gone = Object.keys(old.data).filter(key => !(key in data))
    await patchObject(api, path, {
      metadata: { resourceVersion: old.resourceVersion },
      data: { ...Object.fromEntries(gone.map(key => [key, null])), ...data },
    })
    return
  }
  await api.request({
    method: 'PATCH',
    path,
    query: { fieldManager: 'herald', force: 'true' },
    contentType: 'application/apply-patch+yaml', // JSON is YAML
    body: {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: STATE_MAP, namespace, annotations: { 'kubernetes.io/description': WHAT } },
      data,
    },
  })
}

const WHAT =
  'What was decided and no status shows: the last good configuration, reservations. Herald writes it, and reads it when its Redis was lost.'

const pathOf = (namespace: string): string =>
  `/api/v1/namespaces/${namespace}/configmaps/${STATE_MAP}`

function stateMapOf(object: unknown): StateMap {
  const { metadata, data } = object as {
    readonly metadata?: { readonly resourceVersion?: string }
    readonly data?: Readonly<Record<string, string>>
  }
  return { resourceVersion: metadata?.resourceVersion ?? '', data: data ?? {} }
}
