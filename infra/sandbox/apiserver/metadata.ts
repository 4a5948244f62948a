import { randomBytes, randomUUID } from 'node:crypto'
import { badRequest, type Cause, cause, conflict, invalid } from './api-error.ts'
import { type ApiObject, equal, isObject, without } from './object.ts'
import type { Resource } from './resources.ts'

/** The time as metav1.Time writes it: whole seconds, UTC. */
export function now(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`
}

/** Gives a new object what the server alone may give: name from generateName, uid, times, generation. */
export function stampNew(resource: Resource, object: ApiObject): void {
  const metadata = object.metadata
  if (!metadata.name && metadata.generateName) {
    metadata.name = `${metadata.generateName.slice(0, 58)}${randomSuffix()}`
  }
  metadata.uid = randomUUID()
  metadata.creationTimestamp = now()
  delete metadata.resourceVersion
  delete metadata.selfLink
  delete metadata.deletionTimestamp
  delete metadata.deletionGracePeriodSeconds
  if (resource.generation) metadata.generation = 1
  else delete metadata.generation
}

/** Keeps what an update may not change, and refuses what contradicts it. */
export function stampUpdate(resource: Resource, next: ApiObject, old: ApiObject): void {
  const { metadata } = next
  const had = old.metadata
  if (!metadata.resourceVersion || metadata.resourceVersion === '0') {
    if (!resource.unconditionalUpdate) {
      const why = 'must be specified for an update'
      throw invalid(resource, had.name, [cause.invalid('metadata.resourceVersion', 0, why)])
    }
  } else if (metadata.resourceVersion !== had.resourceVersion) {
    throw conflict(resource, had.name)
  }
  if (metadata.uid && metadata.uid !== had.uid) {
    const why = 'field is immutable'
    throw invalid(resource, had.name, [cause.invalid('metadata.uid', metadata.uid, why)])
  }
  for (const field of FIXED) {
    if (had[field] === undefined) delete metadata[field]
    else metadata[field] = had[field]
  }
  const added = (metadata.finalizers ?? []).filter(name => !had.finalizers?.includes(name))
  if (had.deletionTimestamp && added.length > 0) {
    const why = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map(name => JSON.stringify(name)).join(', ')}}`
    throw invalid(resource, had.name, [cause.forbidden('metadata.finalizers', why)])
  }
}

const FIXED = [
  'resourceVersion',
  'uid',
  'generateName',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
]

/** Counts a change of anything but metadata and status. */
export function countGeneration(resource: Resource, next: ApiObject, old: ApiObject): void {
  if (!resource.generation) return
  const changed = !equal(without(next, 'metadata', 'status'), without(old, 'metadata', 'status'))
  if (changed) next.metadata.generation = (old.metadata.generation ?? 0) + 1
}

/** The rules of names, labels and annotations (k8s.io/apimachinery/pkg/api/validation/objectmeta.go). */
export function validateMetadata(resource: Resource, object: ApiObject): Cause[] {
  const { metadata } = object
  const causes: Cause[] = []
  if (!metadata.name)
    causes.push(cause.required('metadata.name', 'name or generateName is required'))
  else causes.push(...validateName(resource, metadata.name))
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    const why = qualifiedNameFault(key)
    if (why) causes.push(cause.invalid('metadata.labels', key, why))
    if (value.length > 63 || !/^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/.test(value)) {
      causes.push(cause.invalid('metadata.labels', value, value.length > 63 ? LONG : LABEL_VALUE))
    }
  }
  let size = 0
  for (const [key, value] of Object.entries(metadata.annotations ?? {})) {
    const why = qualifiedNameFault(key.toLowerCase())
    if (why) causes.push(cause.invalid('metadata.annotations', key, why))
    size += Buffer.byteLength(key) + Buffer.byteLength(value)
  }
  if (size > ANNOTATIONS_MAX) causes.push(cause.tooLong('metadata.annotations', ANNOTATIONS_MAX))
  return causes
}

const ANNOTATIONS_MAX = 256 * 1024
const LONG = 'must be no more than 63 characters'
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

function validateName(resource: Resource, name: string): Cause[] {
  const field = 'metadata.name'
  if (resource.group === 'rbac.authorization.k8s.io') {
    const bad = name === '.' || name === '..' || /[/%]/.test(name)
    return bad ? [cause.invalid(field, name, "may not contain '/' or '%'")] : []
  }
  const label = { services: true, namespaces: true }[resource.storage] ?? false
  const maximum = label ? 63 : 253
  if (name.length > maximum) {
    return [cause.invalid(field, name, `must be no more than ${maximum} characters`)]
  }
  if (resource.storage === 'services') {
    return /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name) ? [] : [cause.invalid(field, name, LABEL_1035)]
  }
  if (label) {
    return /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name)
      ? []
      : [cause.invalid(field, name, LABEL_1123)]
  }
  return SUBDOMAIN.test(name) ? [] : [cause.invalid(field, name, SUBDOMAIN_1123)]
}

const LABEL_1035 =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
export const LABEL_1123 =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
export const SUBDOMAIN_1123 =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
const LABEL_VALUE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
const QUALIFIED =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

/** Why a text is no qualified name ("example.com/name"), or null. */
export function qualifiedNameFault(key: string): string | null {
  const parts = key.split('/')
  const name = parts.at(-1) ?? ''
  if (parts.length > 2) {
    return `a qualified name must consist of alphanumeric characters, '-', '_' or '.' with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`
  }
  if (parts.length === 2 && !SUBDOMAIN.test(parts[0] ?? '')) return `prefix part ${SUBDOMAIN_1123}`
  if (name.length > 63) return `name part ${LONG}`
  if (name === '') return 'name part must be non-empty'
  return /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/.test(name) ? null : QUALIFIED
}

/** The kind, name and namespace of a body must be those of the address it was sent to. */
export function admitBody(
  resource: Resource,
  body: unknown,
  where: { apiVersion: string; namespace: string; name: string },
): ApiObject {
  if (!isObject(body))
    throw badRequest('the body is not an object: send the object as JSON or YAML')
  const kind = body.kind ?? resource.kind
  const apiVersion = body.apiVersion ?? where.apiVersion
  if (kind !== resource.kind || apiVersion !== where.apiVersion) {
    throw badRequest(
      `${kind} in version "${String(apiVersion).split('/').at(-1)}" cannot be handled as a ${resource.kind}: no kind "${kind}" is registered for version "${apiVersion}"`,
    )
  }
  const given = isObject(body.metadata) ? body.metadata : {}
  const name = typeof given.name === 'string' ? given.name : ''
  const namespace = typeof given.namespace === 'string' ? given.namespace : ''
  if (where.name && name && name !== where.name) {
    throw badRequest(
      `the name of the object (${name}) does not match the name on the URL (${where.name})`,
    )
  }
  if (resource.namespaced && namespace && namespace !== where.namespace) {
    throw badRequest(
      `the namespace of the provided object does not match the namespace sent on the request`,
    )
  }
  const metadata = { ...given, name: where.name || name, namespace: where.namespace }
  const placed = resource.namespaced
    ? metadata
    : { ...without(metadata, 'namespace'), name: metadata.name }
  return { ...body, kind: resource.kind, apiVersion: where.apiVersion, metadata: placed }
}

const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'

function randomSuffix(): string {
  return [...randomBytes(5)].map(octet => ALPHABET[octet % ALPHABET.length]).join('')
}
