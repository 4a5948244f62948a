/** What a webhook is told of a write: AdmissionRequest (admission.k8s.io/v1). Its matchConditions are asked about it too. */
import { randomUUID } from 'node:crypto'
import type { User } from './authority.ts'
import type { ApiObject } from './object.ts'
import { encoded } from './render.ts'
import { isDryRun } from './request.ts'
import type { Resource } from './resources.ts'
import type { Write } from './write.ts'

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE'

/** What a write would do to one object; both in storage form, null where there is none. */
export interface Change {
  readonly next: ApiObject | null
  readonly old: ApiObject | null
}

export type AdmissionRequest = ReturnType<typeof requestOf>

export function requestOf(
  { resource, info }: Write,
  user: User,
  version: Resource,
  operation: Operation,
  { next, old }: Change,
) {
  const kindOf = (one: Resource) => ({ group: one.group, version: one.version, kind: one.kind })
  const placeOf = (one: Resource) => ({
    group: one.group,
    version: one.version,
    resource: one.plural,
  })
  const shown = (object: ApiObject | null) => (object ? encoded(version, object) : null)
  return {
    uid: randomUUID() as string,
    kind: kindOf(version),
    resource: placeOf(version),
    ...(info.subresource ? { subResource: info.subresource } : {}),
    requestKind: kindOf(resource),
    requestResource: placeOf(resource),
    name: (next ?? old)?.metadata.name ?? '',
    ...(resource.namespaced ? { namespace: info.namespace } : {}),
    operation,
    userInfo: { username: user.name, groups: [...user.groups] },
    object: shown(next),
    oldObject: shown(old),
    dryRun: isDryRun(info),
    options: { apiVersion: 'meta.k8s.io/v1', kind: OPTIONS[operation] },
  }
}

const OPTIONS = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions' }
