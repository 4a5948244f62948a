import { badRequest } from './api-error.ts'
import type { FieldValidation } from './conform.ts'

/** What a request asks for, read from its method and address (k8s.io/apiserver/pkg/endpoints/request). */
export interface RequestInfo {
  readonly path: string
  readonly query: URLSearchParams
  /** Kubernetes' verb, or the lower-case method of a path that is no resource. */
  readonly verb: string
  /** "" where the path names no resource. */
  readonly plural: string
  readonly apiVersion: string
  readonly group: string
  readonly namespace: string
  readonly name: string
  readonly subresource: string
}

export function readRequest(method: string, url: string): RequestInfo {
  const { pathname, searchParams: query } = new URL(url, 'https://server')
  const parts = pathname
    .split('/')
    .filter(part => part !== '')
    .map(decode)
  const none = { path: pathname, query, plural: '', apiVersion: '', group: '' }
  const nowhere = { ...none, namespace: '', name: '', subresource: '', verb: method.toLowerCase() }
  const length = parts[0] === 'api' ? 2 : parts[0] === 'apis' ? 3 : 0
  if (length === 0 || parts.length <= length) return nowhere
  const apiVersion = parts.slice(1, length).join('/')
  const group = length === 3 ? (parts[1] ?? '') : ''
  let rest = parts.slice(length)
  let namespace = ''
  if (rest[0] === 'namespaces' && rest.length > 2 && !OF_NAMESPACES.has(rest[2] ?? '')) {
    namespace = rest[1] ?? ''
    rest = rest.slice(2)
  } else if (rest[0] === 'namespaces' && rest.length > 1) namespace = rest[1] ?? ''
  const [plural = '', name = '', subresource = ''] = rest
  const verb = verbOf(method, name, query)
  return { path: pathname, query, verb, plural, apiVersion, group, namespace, name, subresource }
}

const OF_NAMESPACES = new Set(['status', 'finalize'])

function verbOf(method: string, name: string, query: URLSearchParams): string {
  if (method === 'GET' || method === 'HEAD') {
    const watch = query.get('watch')
    if (watch === '1' || watch === 'true' || watch === '') return 'watch'
    return name ? 'get' : 'list'
  }
  if (method === 'DELETE') return name ? 'delete' : 'deletecollection'
  return { POST: 'create', PUT: 'update', PATCH: 'patch' }[method] ?? method.toLowerCase()
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw badRequest(`invalid URL escape in "${part}"`)
  }
}

/** "services" or "services/status", as RBAC and faults call it. */
export function resourceOf(info: RequestInfo): string {
  return info.subresource ? `${info.plural}/${info.subresource}` : info.plural
}

export function isDryRun(info: RequestInfo): boolean {
  const asked = info.query.getAll('dryRun')
  const odd = asked.find(value => value !== 'All')
  if (odd !== undefined) throw badRequest(`Invalid value: "${odd}": dryRun may only be "All"`)
  return asked.length > 0
}

/** The server's default is Warn. */
export function fieldValidationOf(info: RequestInfo): FieldValidation {
  const asked = info.query.get('fieldValidation') || 'Warn'
  if (asked === 'Ignore' || asked === 'Warn' || asked === 'Strict') return asked
  throw badRequest(`Invalid value: "${asked}": supported values: "Ignore", "Strict", "Warn"`)
}
