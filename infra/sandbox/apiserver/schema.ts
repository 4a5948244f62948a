import * as kubernetes from '@kubernetes/client-node'
import { at, type Json, textAt } from './object.ts'

/** A rule in CEL (apiextensions.k8s.io/v1 ValidationRule). */
export interface ValidationRule {
  rule: string
  message?: string
  messageExpression?: string
  reason?: string
  fieldPath?: string
  optionalOldSelf?: boolean
}

/** A structural schema as CustomResourceDefinitions and OpenAPI v3 write it. */
export interface Schema {
  $ref?: string
  type?: string
  format?: string
  nullable?: boolean
  properties?: { [field: string]: Schema }
  additionalProperties?: Schema | boolean
  items?: Schema
  required?: string[]
  enum?: Json[]
  default?: Json
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  exclusiveMinimum?: boolean
  exclusiveMaximum?: boolean
  minItems?: number
  maxItems?: number
  minProperties?: number
  maxProperties?: number
  multipleOf?: number
  oneOf?: Schema[]
  anyOf?: Schema[]
  allOf?: Schema[]
  not?: Schema
  description?: string
  'x-kubernetes-preserve-unknown-fields'?: boolean
  'x-kubernetes-embedded-resource'?: boolean
  'x-kubernetes-int-or-string'?: boolean
  'x-kubernetes-list-type'?: string
  'x-kubernetes-list-map-keys'?: string[]
  'x-kubernetes-map-type'?: string
  'x-kubernetes-validations'?: ValidationRule[]
  'x-kubernetes-patch-merge-key'?: string
  'x-kubernetes-patch-strategy'?: string
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[]
}

export const REFERENCE = '#/components/schemas/'

/** Follows a reference to a built-in type. */
export function resolve(schema: Schema | undefined): Schema {
  if (!schema?.$ref) return schema ?? {}
  return modelSchema(schema.$ref.slice(REFERENCE.length))
}

/** The schema of a field, undefined when the type has no such field. */
export function fieldOf(schema: Schema, field: string): Schema | undefined {
  const own = schema.properties?.[field]
  if (own) return own
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
}

/** What an element of a list was before, by its keys; elements of other lists cannot be told from each other. */
export function counterpart(item: Json, old: Json | undefined, list: Schema): Json | undefined {
  const keys = list['x-kubernetes-list-map-keys'] ?? []
  if (list['x-kubernetes-list-type'] !== 'map' || !Array.isArray(old)) return undefined
  return old.find(had => keys.every(key => textAt(had, key) === textAt(item, key)))
}

/** What a member of a map was before; an atomic map is compared whole. */
export function memberBefore(old: Json | undefined, field: string, map: Schema): Json | undefined {
  return map['x-kubernetes-map-type'] === 'atomic' ? undefined : at(old, field)
}

/**
 * The schema of a built-in type, read from the field tables of @kubernetes/client-node's generated models
 * ("V1Service"), with the merge keys that those tables lack.
 */
export function modelSchema(model: string): Schema {
  const known = models.get(model)
  if (known) return known
  const schema: Schema = { type: 'object' }
  models.set(model, schema)
  const fields = attributesOf(model)
  if (!fields) return schema
  schema.properties = {}
  for (const { baseName, type, format } of fields) {
    const extras = LIST_KEYS[`${model}.${baseName}`] ?? LIST_KEYS[`*.${baseName}`]
    schema.properties[baseName] = { ...typeSchema(type, format), ...extras }
  }
  return schema
}

/** The names of all built-in types that a type reaches, itself included. */
export function reachable(model: string, found = new Set<string>()): Set<string> {
  if (found.has(model)) return found
  found.add(model)
  for (const property of Object.values(modelSchema(model).properties ?? {})) {
    for (const part of [property, property.items, property.additionalProperties]) {
      if (typeof part === 'object' && part.$ref) reachable(part.$ref.slice(REFERENCE.length), found)
    }
  }
  return found
}

const models = new Map<string, Schema>()
const exported: Record<string, unknown> = { ...kubernetes }

interface Attribute {
  baseName: string
  type: string
  format: string
}

function attributesOf(model: string): Attribute[] | null {
  const type = exported[model]
  if (typeof type !== 'function' || !('getAttributeTypeMap' in type)) return null
  const read = type.getAttributeTypeMap
  return typeof read === 'function' ? read.call(type) : null
}

function typeSchema(type: string, format: string): Schema {
  const list = /^Array<(.*)>$/.exec(type)
  if (list) return { type: 'array', items: typeSchema(list[1] ?? '', format) }
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type)
  if (map) return { type: 'object', additionalProperties: typeSchema(map[1] ?? '', format) }
  if (type === 'string') return format ? { type, format } : { type }
  if (type === 'boolean') return { type }
  if (type === 'number') return { type: format.startsWith('int') ? 'integer' : 'number', format }
  if (type === 'IntOrString') return { 'x-kubernetes-int-or-string': true }
  if (type === 'Date') return { type: 'string', format: 'date-time' }
  if (type === 'V1MicroTime') return { type: 'string', format: 'date-time' }
  if (type === 'any') return { 'x-kubernetes-preserve-unknown-fields': true }
  return { $ref: REFERENCE + type }
}

type ListKeys = Pick<
  Schema,
  | 'x-kubernetes-list-type'
  | 'x-kubernetes-list-map-keys'
  | 'x-kubernetes-patch-merge-key'
  | 'x-kubernetes-patch-strategy'
>

/** patchMergeKey for strategic merge; the keys of server-side apply where they differ. */
const byKey = (merge: string, keys: string[] = [merge], strategy = 'merge'): ListKeys => ({
  'x-kubernetes-patch-merge-key': merge,
  'x-kubernetes-patch-strategy': strategy,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': keys,
})

const asSet: ListKeys = {
  'x-kubernetes-patch-strategy': 'merge',
  'x-kubernetes-list-type': 'set',
}

/** From the struct tags of k8s.io/api: patchStrategy, patchMergeKey, listType, listMapKey. */
const LIST_KEYS: Record<string, ListKeys> = {
  '*.conditions': byKey('type'),
  '*.containers': byKey('name'),
  '*.initContainers': byKey('name'),
  '*.ephemeralContainers': byKey('name'),
  '*.env': byKey('name'),
  '*.volumeMounts': byKey('mountPath'),
  '*.volumeDevices': byKey('devicePath'),
  '*.volumes': byKey('name', ['name'], 'merge,retainKeys'),
  '*.imagePullSecrets': byKey('name'),
  '*.hostAliases': byKey('ip'),
  '*.topologySpreadConstraints': byKey('topologyKey', ['topologyKey', 'whenUnsatisfiable']),
  '*.webhooks': byKey('name'),
  'V1ObjectMeta.finalizers': asSet,
  'V1ObjectMeta.ownerReferences': byKey('uid'),
  'V1ServiceSpec.ports': byKey('port', ['port', 'protocol']),
  'V1Container.ports': byKey('containerPort', ['containerPort', 'protocol']),
  'V1NodeStatus.addresses': byKey('type'),
  'V1NodeSpec.podCIDRs': asSet,
  'V1PodStatus.podIPs': byKey('ip'),
  'V1ServiceAccount.secrets': byKey('name'),
}
