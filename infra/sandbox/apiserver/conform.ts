import { type ApiError, badRequest } from './api-error.ts'
import { isObject, type Json, type JsonObject } from './object.ts'
import { fieldOf, resolve, type Schema } from './schema.ts'

/** What to do about fields that the schema does not know: the query parameter `fieldValidation`. */
export type FieldValidation = 'Ignore' | 'Warn' | 'Strict'

/**
 * Brings a value into the shape of a built-in type as decoding into a Go struct does: unknown fields and nulls go, a value of
 * the wrong type is a 400. Returns what remains, and reports the unknown fields by path.
 */
export function conform(
  value: JsonObject,
  schema: Schema,
  kind: { kind: string; version: string },
  unknown: string[],
): JsonObject {
  const visit = (here: Json, type: Schema, path: string): Json => {
    const own = resolve(type)
    if (own['x-kubernetes-preserve-unknown-fields']) return here
    if (own['x-kubernetes-int-or-string']) {
      if (typeof here === 'number' || typeof here === 'string') return here
      throw mismatch(here, path, 'intstr.IntOrString')
    }
    if (own.type === 'array') {
      if (!Array.isArray(here)) throw mismatch(here, path, '[]')
      return here.map((item, index) => visit(item, own.items ?? {}, `${path}[${index}]`))
    }
    if (own.type === 'object') {
      if (!isObject(here)) throw mismatch(here, path, 'map')
      return fields(here, own, path)
    }
    if (!isScalar(here, own.type)) throw mismatch(here, path, goType(own))
    return here
  }
  const fields = (here: JsonObject, own: Schema, path: string): JsonObject => {
    if (!own.properties && own.additionalProperties === undefined) return here
    const kept: JsonObject = {}
    for (const [field, item] of Object.entries(here)) {
      const type = fieldOf(own, field)
      const where = path ? `${path}.${field}` : field
      if (!type) unknown.push(where)
      else if (item !== null && item !== undefined) kept[field] = visit(item, type, where)
    }
    return kept
  }
  const mismatch = (here: Json, path: string, type: string): ApiError =>
    badRequest(
      `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ` +
        `json: cannot unmarshal ${jsonType(here)} into Go struct field ${kind.kind}.${path} of type ${type}`,
    )
  return fields(value, resolve(schema), '')
}

/** Turns the unknown fields found into an error or warnings, as `fieldValidation` asks. */
export function judgeUnknown(
  unknown: readonly string[],
  how: FieldValidation,
  kind: { kind: string; version: string },
  warnings: string[],
): void {
  if (unknown.length === 0 || how === 'Ignore') return
  const lines = unknown.map(path => `unknown field "${path}"`)
  if (how === 'Warn') {
    warnings.push(...lines)
    return
  }
  throw badRequest(
    `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: strict decoding error: ${lines.join(', ')}`,
  )
}

function isScalar(value: Json, type: string | undefined): boolean {
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'number' || type === 'string' || type === 'boolean') return typeof value === type
  return true
}

function goType(schema: Schema): string {
  if (schema.type === 'integer' || schema.type === 'number') return schema.format || 'int32'
  return schema.type === 'boolean' ? 'bool' : (schema.type ?? 'object')
}

function jsonType(value: Json): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'boolean') return 'bool'
  return value === null ? 'null' : typeof value
}
