import type { Authority, User } from './authority.ts'
import { type JsonObject, objectAt, textAt } from './object.ts'
import type { RequestInfo } from './request.ts'
import { decode } from './write.ts'

/** `kubectl auth can-i` and `whoami`: answers a self-subject review, null for every other request. */
export function reviewAccess(
  authority: Authority,
  user: User,
  info: RequestInfo,
  sent: { readonly body: string; readonly contentType: string },
): JsonObject | null {
  if (info.verb !== 'create') return null
  if (info.group === 'authentication.k8s.io' && info.plural === 'selfsubjectreviews') {
    const { name, groups } = user
    const status = { userInfo: { username: name, groups: [...groups] } }
    return { kind: 'SelfSubjectReview', apiVersion: info.apiVersion, metadata: {}, status }
  }
  if (info.group !== 'authorization.k8s.io' || info.plural !== 'selfsubjectaccessreviews')
    return null
  const spec = objectAt(decode(sent), 'spec')
  const asked = objectAt(spec, 'resourceAttributes')
  const path = objectAt(spec, 'nonResourceAttributes')
  const sub = textAt(asked, 'subresource')
  const allowed = authority.allows(user, {
    verb: textAt(asked, 'verb') || textAt(path, 'verb'),
    group: textAt(asked, 'group'),
    resource: textAt(asked, 'resource') + (sub ? `/${sub}` : ''),
    namespace: textAt(asked, 'namespace'),
    name: textAt(asked, 'name'),
    path: textAt(path, 'path'),
  })
  return {
    kind: 'SelfSubjectAccessReview',
    apiVersion: info.apiVersion,
    metadata: {},
    spec,
    status: { allowed },
  }
}
