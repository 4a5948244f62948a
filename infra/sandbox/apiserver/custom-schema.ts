import { ApiError, type Cause, cause, invalid } from './api-error.ts'
import { hasRules, ruleCauses } from './cel.ts'
import type { FieldValidation } from './conform.ts'
import { type ApiObject, copy, equal, isObject, type Json, type JsonObject } from './object.ts'
import type { Resource } from './resources.ts'
import { counterpart, fieldOf, memberBefore, type Schema } from './schema.ts'

/**
 * A custom resource, or a part of one, without what its structural schema does not name
 * (k8s.io/apiextensions-apiserver/pkg/apiserver/schema).
 */
export function pruneCustom(
  resource: Resource,
  object: ApiObject,
  how: FieldValidation,
  warnings: string[],
): ApiObject {
  const { metadata, kind, apiVersion, ...body } = copy(object)
  const unknown: string[] = []
  const pruned = prune(body, resource.schema, '', unknown)
  const lines = unknown.map(path => `unknown field "${path}"`)
  if (lines.length > 0 && how === 'Strict') {
    const message = `${kind} in version "${resource.version}" cannot be handled as a ${kind}: strict decoding error: ${lines.join(', ')}`
    throw new ApiError(400, 'BadRequest', message)
  }
  if (how === 'Warn') warnings.push(...lines)
  return { apiVersion, kind, metadata, ...(isObject(pruned) ? pruned : {}) }
}

/**
 * A pruned custom resource as it may be stored: defaults filled in, validated as it will lie there. `current` is what lies
 * there now; null at creation.
 */
export function completeCustom(
  resource: Resource,
  object: ApiObject,
  current: ApiObject | null,
  subresource: string,
): ApiObject {
  const { schema } = resource
  const { metadata, kind, apiVersion, ...body } = object
  const shaped = applyDefaults(body, schema)
  const old = current ? bodyOf(current) : undefined
  const whole = isObject(shaped) ? merged(resource, shaped, old ?? {}, subresource) : shaped
  const causes = validate(whole, schema, '', old)
  if (hasRules(schema)) {
    const blocked = causes.some(({ reason }) => BLOCKING.has(reason))
    causes.push(...(blocked ? [UNCHECKED] : ruleCauses(whole, old, schema, '')))
  }
  if (causes.length > 0) throw invalid(resource, metadata.name, causes)
  return { apiVersion, kind, metadata, ...(isObject(shaped) ? shaped : {}) }
}

function bodyOf(object: ApiObject): JsonObject {
  const { apiVersion: _a, kind: _k, metadata: _m, ...body } = object
  return body
}

/** A write of the status leaves all else as it is, and any other write the status. */
function merged(
  { subresources }: Resource,
  next: JsonObject,
  old: JsonObject,
  subresource: string,
): JsonObject {
  if (!subresources.includes('status')) return next
  const [rest, { status }] = subresource === 'status' ? [old, next] : [next, old]
  const { status: _status, ...others } = rest
  return status === undefined ? others : { ...others, status }
}

/** After these the rules are not even tried. */
const BLOCKING = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
])

const UNCHECKED: Cause = {
  reason: 'FieldValueInvalid',
  message:
    'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
  field: '<nil>',
}

/** Drops what the schema does not name, and reports it. */
export function prune(value: Json, schema: Schema, path: string, unknown: string[]): Json {
  if (Array.isArray(value)) {
    const items = schema.items
    return items
      ? value.map((item, index) => prune(item, items, `${path}[${index}]`, unknown))
      : value
  }
  if (!isObject(value)) return value
  const keep =
    schema['x-kubernetes-preserve-unknown-fields'] || schema.additionalProperties === true
  const kept: JsonObject = {}
  for (const [field, item] of Object.entries(value)) {
    const type = fieldOf(schema, field)
    const where = path ? `${path}.${field}` : field
    const embedded = schema['x-kubernetes-embedded-resource'] && EMBEDDED.has(field)
    if (type && item !== undefined) kept[field] = prune(item, type, where, unknown)
    else if (keep || embedded) kept[field] = item
    else unknown.push(where)
  }
  return kept
}

const EMBEDDED = new Set(['apiVersion', 'kind', 'metadata'])

/** Fills in defaults; a null where null is not allowed counts as absent when there is a default. */
export function applyDefaults(value: Json, schema: Schema): Json {
  if (Array.isArray(value)) {
    const items = schema.items
    return items ? value.map(item => applyDefaults(item, items)) : value
  }
  if (!isObject(value)) return value
  const next: JsonObject = { ...value }
  for (const [field, type] of Object.entries(schema.properties ?? {})) {
    const given = next[field]
    const absent = given === undefined || (given === null && !type.nullable)
    if (absent && type.default !== undefined) next[field] = copy(type.default)
  }
  for (const [field, item] of Object.entries(next)) {
    const type = fieldOf(schema, field)
    if (type && item !== undefined) next[field] = applyDefaults(item, type)
  }
  return next
}

/**
 * What a value breaks of its schema, in the words of the real server. What is as it was (`old`) is not held against anybody:
 * the schema may have changed since (CRDValidationRatcheting).
 */
export function validate(value: Json, schema: Schema, path: string, old?: Json): Cause[] {
  if (value === null && schema.nullable) return []
  if (old !== undefined && equal(value, old)) return []
  const wrong = typeFault(value, schema, path)
  if (wrong) return [wrong]
  const causes: Cause[] = [...limits(value, schema, path), ...combined(value, schema, path)]
  if (schema.enum && !schema.enum.some(allowed => equal(allowed, value))) {
    causes.push(cause.notSupported(path, value, schema.enum.map(String)))
  }
  if (Array.isArray(value)) {
    const items = schema.items ?? {}
    value.forEach((item, index) => {
      causes.push(...validate(item, items, `${path}[${index}]`, counterpart(item, old, schema)))
    })
    causes.push(...duplicates(value, schema, path))
  } else if (isObject(value)) {
    for (const field of schema.required ?? []) {
      if (value[field] === undefined) causes.push(cause.required(joined(path, field)))
    }
    for (const [field, item] of Object.entries(value)) {
      const type = fieldOf(schema, field)
      if (!type || item === undefined) continue
      causes.push(...validate(item, type, joined(path, field), memberBefore(old, field, schema)))
    }
  }
  return causes
}

const joined = (path: string, field: string) => (path ? `${path}.${field}` : field)

function typeFault(value: Json, schema: Schema, path: string): Cause | null {
  const is = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value
  if (schema['x-kubernetes-int-or-string']) {
    if (is === 'string' || Number.isInteger(value)) return null
    return cause.invalid(path, is, `${path} in body must be of type integer,string: "${is}"`)
  }
  const type = schema.type
  if (!type || type === is) return null
  if (type === 'integer' && Number.isInteger(value)) return null
  const shown = is === 'number' && Number.isInteger(value) ? 'integer' : is
  return {
    reason: 'FieldValueTypeInvalid',
    message: `Invalid value: "${shown}": ${path} in body must be of type ${type}: "${shown}"`,
    field: path || '<nil>',
  }
}

function limits(value: Json, schema: Schema, path: string): Cause[] {
  const causes: Cause[] = []
  const fault = (why: string) => causes.push(cause.invalid(path, value, `${path} in body ${why}`))
  if (typeof value === 'string') {
    const { minLength, maxLength, pattern } = schema
    if (minLength !== undefined && value.length < minLength) {
      fault(`should be at least ${minLength} chars long`)
    }
    if (maxLength !== undefined && value.length > maxLength)
      causes.push(cause.tooLong(path, maxLength))
    if (pattern !== undefined && !new RegExp(pattern, 'u').test(value)) {
      fault(`should match '${pattern}'`)
    }
  }
  if (typeof value === 'number') {
    const { minimum, maximum } = schema
    const low = schema.exclusiveMinimum ? 'greater than' : 'greater than or equal to'
    const high = schema.exclusiveMaximum ? 'less than' : 'less than or equal to'
    if (
      minimum !== undefined &&
      (value < minimum || (schema.exclusiveMinimum && value === minimum))
    ) {
      fault(`should be ${low} ${minimum}`)
    }
    if (
      maximum !== undefined &&
      (value > maximum || (schema.exclusiveMaximum && value === maximum))
    ) {
      fault(`should be ${high} ${maximum}`)
    }
    if (schema.multipleOf && value % schema.multipleOf !== 0) {
      fault(`should be a multiple of ${schema.multipleOf}`)
    }
  }
  if (Array.isArray(value)) {
    if (schema.minItems !== undefined && value.length < schema.minItems) {
      fault(`should have at least ${schema.minItems} items`)
    }
    if (schema.maxItems !== undefined && value.length > schema.maxItems) {
      const message = `Too many: ${value.length}: must have at most ${schema.maxItems} items`
      causes.push({ reason: 'FieldValueTooMany', message, field: path })
    }
  }
  return causes
}

function combined(value: Json, schema: Schema, path: string): Cause[] {
  const holds = (one: Schema) => validate(value, one, path).length === 0
  const causes = (schema.allOf ?? []).flatMap(one => validate(value, one, path))
  const fault = (why: string) => causes.push(cause.invalid(path, value, `"${path}" ${why}`))
  if (schema.anyOf && !schema.anyOf.some(holds)) fault('must validate at least one schema (anyOf)')
  if (schema.oneOf && schema.oneOf.filter(holds).length !== 1) {
    fault('must validate one and only one schema (oneOf)')
  }
  if (schema.not && holds(schema.not)) fault('must not validate the schema (not)')
  return causes
}

function duplicates(list: readonly Json[], schema: Schema, path: string): Cause[] {
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const type = schema['x-kubernetes-list-type']
  if (type !== 'set' && type !== 'map') return []
  const identity = (item: Json) =>
    type === 'map' && isObject(item) ? keys.map(key => item[key] ?? null) : item
  return list.flatMap((item, index) => {
    const own = identity(item)
    if (list.findIndex(other => equal(identity(other), own)) === index) return []
    return [cause.duplicate(`${path}[${index}]`, own)]
  })
}
