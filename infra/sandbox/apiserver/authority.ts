import { randomBytes } from 'node:crypto'
import { ApiError } from './api-error.ts'
import { type Json, listAt, objectAt, textAt, textsAt } from './object.ts'
import { type RequestInfo, resourceOf } from './request.ts'
import type { Store } from './store.ts'

export interface User {
  readonly name: string
  readonly uid?: string
  readonly groups: readonly string[]
}

/** What a request wants to do, as rules judge it. */
export interface Attempt {
  readonly verb: string
  readonly group: string
  /** "services" or "services/status"; "" for a path that is no resource. */
  readonly resource: string
  readonly namespace: string
  readonly name: string
  readonly path: string
}

const RBAC = 'rbac.authorization.k8s.io'
const MASTERS = 'system:masters'

/**
 * Who asks, and whether they may: bearer tokens, and RBAC over the stored roles and bindings
 * (k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac). With RBAC off every known token may do everything.
 */
export class Authority {
  readonly #store: Store
  readonly #rbac: boolean
  readonly #users = new Map<string, User>()

  constructor(store: Store, rbac: boolean, adminToken: string) {
    this.#store = store
    this.#rbac = rbac
    const groups = [MASTERS, 'system:authenticated']
    this.#users.set(adminToken, { name: 'kubernetes-admin', groups })
  }

  /** A token for a ServiceAccount, which need not exist yet. */
  issueToken(namespace: string, serviceAccount: string): string {
    const token = randomBytes(24).toString('base64url')
    const name = `system:serviceaccount:${namespace}:${serviceAccount}`
    const groups = [
      'system:serviceaccounts',
      `system:serviceaccounts:${namespace}`,
      'system:authenticated',
    ]
    this.#users.set(token, { name, groups })
    return token
  }

  /** 401 for who cannot show a known token. */
  authenticate(authorization: string | undefined): User {
    const [scheme, token = ''] = (authorization ?? '').split(' ')
    const user = scheme?.toLowerCase() === 'bearer' ? this.#users.get(token.trim()) : undefined
    if (!user) throw new ApiError(401, 'Unauthorized', 'Unauthorized')
    return user
  }

  /** 403 for what no rule allows. */
  authorize(user: User, info: RequestInfo): void {
    const name = info.name || selectedName(info)
    const attempt: Attempt = { ...info, name, resource: resourceOf(info) }
    if (!this.allows(user, attempt)) throw denied(user, attempt)
  }

  allows(user: User, attempt: Attempt): boolean {
    if (!this.#rbac || user.groups.includes(MASTERS)) return true
    if (attempt.resource === '' && OPEN_PATHS.test(attempt.path)) return true
    if (attempt.group === 'authorization.k8s.io' && attempt.resource.startsWith('selfsubject')) {
      return true
    }
    for (const rules of this.#rulesOf(user, attempt.namespace)) {
      if (rules.some(rule => ruleAllows(rule, attempt))) return true
    }
    return false
  }

  *#rulesOf(user: User, namespace: string): Iterable<readonly Json[]> {
    for (const binding of this.#store.list(`clusterrolebindings.${RBAC}`)) {
      if (!names(binding, user, '')) continue
      yield this.#roleRules('ClusterRole', textAt(binding, 'roleRef', 'name'), '')
    }
    if (namespace === '') return
    for (const binding of this.#store.list(`rolebindings.${RBAC}`)) {
      if (binding.metadata.namespace !== namespace || !names(binding, user, namespace)) continue
      const role = objectAt(binding, 'roleRef')
      yield this.#roleRules(textAt(role, 'kind'), textAt(role, 'name'), namespace)
    }
  }

  #roleRules(kind: string, name: string, namespace: string): readonly Json[] {
    const role =
      kind === 'ClusterRole'
        ? this.#store.get(`clusterroles.${RBAC}`, name)
        : this.#store.get(`roles.${RBAC}`, `${namespace}/${name}`)
    return role ? listAt(role, 'rules') : []
  }
}

/** Discovery and health are open to all who are known (system:discovery, system:public-info-viewer). */
const OPEN_PATHS = /^\/(api|apis|openapi|healthz|livez|readyz|version)(\/|$)/

function names(binding: Json, user: User, namespace: string): boolean {
  return listAt(binding, 'subjects').some(subject => {
    const kind = textAt(subject, 'kind')
    const name = textAt(subject, 'name')
    if (kind === 'User') return name === user.name
    if (kind === 'Group') return user.groups.includes(name)
    const home = textAt(subject, 'namespace') || namespace
    return kind === 'ServiceAccount' && user.name === `system:serviceaccount:${home}:${name}`
  })
}

function ruleAllows(rule: Json, attempt: Attempt): boolean {
  const has = (field: string, value: string) => {
    const values = textsAt(rule, field)
    return values.includes('*') || values.includes(value)
  }
  if (!has('verbs', attempt.verb)) return false
  if (attempt.resource === '') {
    return textsAt(rule, 'nonResourceURLs').some(
      url =>
        url === '*' ||
        url === attempt.path ||
        (url.endsWith('*') && attempt.path.startsWith(url.slice(0, -1))),
    )
  }
  const sub = attempt.resource.split('/')[1]
  const named = textsAt(rule, 'resourceNames')
  return (
    has('apiGroups', attempt.group) &&
    (has('resources', attempt.resource) ||
      (sub !== undefined && textsAt(rule, 'resources').includes(`*/${sub}`))) &&
    (named.length === 0 || (attempt.name !== '' && named.includes(attempt.name)))
  )
}

/**
 * A list or watch of the one object that a field selector names is authorized as one of that object (Kubernetes:
 * "Using RBAC Authorization", referring to resources).
 */
function selectedName({ verb, query }: RequestInfo): string {
  if (verb !== 'list' && verb !== 'watch') return ''
  const selected = /(?:^|,)metadata\.name==?([^,=!]+)(?:,|$)/.exec(query.get('fieldSelector') ?? '')
  return selected?.[1] ?? ''
}

/** In the words of k8s.io/apiserver/pkg/endpoints/handlers/responsewriters. */
function denied(user: User, attempt: Attempt): ApiError {
  const who = `User "${user.name}" cannot ${attempt.verb}`
  if (attempt.resource === '') {
    const message = `forbidden: ${who} path "${attempt.path}"`
    return new ApiError(403, 'Forbidden', message, {})
  }
  const [plural = '', sub] = attempt.resource.split('/')
  const what = sub ? `${plural}/${sub}` : plural
  const scope = attempt.namespace
    ? `in the namespace "${attempt.namespace}"`
    : 'at the cluster scope'
  const subject = attempt.group ? `${plural}.${attempt.group}` : plural
  const name = attempt.name ? ` "${attempt.name}"` : ''
  const message = `${subject}${name} is forbidden: ${who} resource "${what}" in API group "${attempt.group}" ${scope}`
  const details = {
    ...(attempt.name ? { name: attempt.name } : {}),
    ...(attempt.group ? { group: attempt.group } : {}),
    kind: plural,
  }
  return new ApiError(403, 'Forbidden', message, details)
}
