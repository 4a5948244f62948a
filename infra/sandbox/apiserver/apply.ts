import { ApiError } from './api-error.ts'
import { now } from './metadata.ts'
import {
  type ApiObject,
  at,
  equal,
  isObject,
  type Json,
  type JsonObject,
  without,
} from './object.ts'
import { apiVersionOf, type Resource } from './resources.ts'
import { fieldOf, modelSchema, resolve, type Schema } from './schema.ts'

/**
 * Server-side apply with the ownership of appliers: what a manager applied before and does no longer say goes away, unless
 * another applier says it too; a field that another applier set to another value is a conflict unless forced. Fields written
 * by other kinds of write belong to nobody (the real server keeps book of those too).
 */
export function applyPatch(
  resource: Resource,
  current: ApiObject | null,
  applied: ApiObject,
  how: { manager: string; force: boolean; subresource: string },
): ApiObject {
  const schema = withMetadata(resource.schema)
  const books = listOf(current?.metadata.managedFields)
  const isOwn = (book: JsonObject) =>
    book.manager === how.manager && (book.subresource ?? '') === how.subresource
  const others = books.filter(book => !isOwn(book))
  const mine = books.find(isOwn)
  const fields = fieldSet(without(applied, 'apiVersion', 'kind', 'metadata'), schema)
  const metadataFields = fieldSet(ownMetadata(applied), modelSchema('V1ObjectMeta'))
  const named = Object.keys(metadataFields).length > 0
  const owned: JsonObject = { ...fields, ...(named ? { 'f:metadata': metadataFields } : {}) }
  const base: JsonObject = current ?? {}
  const conflicts = others.flatMap(book =>
    conflictsOf(owned, objectOf(book.fieldsV1), base, applied, schema, '').map(path => ({
      path,
      manager: String(book.manager),
    })),
  )
  if (conflicts.length > 0 && !how.force) throw applyConflict(conflicts)
  const given = objectOf(mine?.fieldsV1)
  const kept = others.map(book => objectOf(book.fieldsV1))
  const trimmed = drop(base, given, owned, kept, schema)
  const merged = merge(trimmed, applied, schema)
  const book = {
    manager: how.manager,
    operation: 'Apply',
    apiVersion: apiVersionOf(resource),
    time: mine && equal(mine.fieldsV1, owned) ? (mine.time ?? now()) : now(),
    fieldsType: 'FieldsV1',
    fieldsV1: owned,
    ...(how.subresource ? { subresource: how.subresource } : {}),
  }
  const surrendered = how.force
    ? others.map(other =>
        surrender(
          other,
          conflicts.map(one => one.path),
        ),
      )
    : others
  const metadata = { ...objectOf(merged.metadata), name: applied.metadata.name }
  return {
    ...merged,
    apiVersion: applied.apiVersion,
    kind: applied.kind,
    metadata: { ...metadata, managedFields: [...surrendered, book] },
  }
}

const objectOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : {})
const listOf = (value: Json | undefined): JsonObject[] =>
  Array.isArray(value) ? value.filter(isObject) : []

/** The schema of a custom resource does not speak of metadata. */
function withMetadata(schema: Schema): Schema {
  const own = resolve(schema)
  return { ...own, properties: { ...own.properties, metadata: modelSchema('V1ObjectMeta') } }
}

function ownMetadata(applied: ApiObject): JsonObject {
  const { labels, annotations, finalizers, ownerReferences } = applied.metadata
  return { labels, annotations, finalizers, ownerReferences }
}

/** The keys of a list merged element by element; null for lists that are one value. */
function listKeys(schema: Schema): readonly string[] | null {
  const type = schema['x-kubernetes-list-type']
  if (type === 'map') return schema['x-kubernetes-list-map-keys'] ?? []
  return type === 'set' ? [] : null
}

/** "k:{...}" or "v:..." of an element (FieldsV1). Absent keys take their defaults: a port's protocol is TCP. */
function elementName(item: Json, keys: readonly string[]): string {
  if (keys.length === 0) return `v:${JSON.stringify(item)}`
  const values = keys.map(key => [key, at(item, key) ?? (key === 'protocol' ? 'TCP' : null)])
  return `k:${JSON.stringify(Object.fromEntries(values))}`
}

function fieldSet(value: JsonObject, schema: Schema): JsonObject {
  const own = resolve(schema)
  const set: JsonObject = {}
  for (const [field, item] of Object.entries(value)) {
    if (item === undefined || item === null) continue
    set[`f:${field}`] = valueSet(item, fieldOf(own, field) ?? {})
  }
  return set
}

function valueSet(value: Json, schema: Schema): JsonObject {
  if (isObject(value)) return fieldSet(value, schema)
  const keys = Array.isArray(value) ? listKeys(schema) : null
  if (!Array.isArray(value) || !keys) return {}
  const items = schema.items ?? {}
  return Object.fromEntries(
    value.map(item => {
      const inner = isObject(item) ? { '.': {}, ...fieldSet(item, items) } : {}
      return [elementName(item, keys), inner]
    }),
  )
}

/** Leaves that both sets hold and that would change. */
function conflictsOf(
  owned: JsonObject,
  theirs: JsonObject,
  base: Json | undefined,
  applied: Json | undefined,
  schema: Schema,
  path: string,
): string[] {
  const own = resolve(schema)
  return Object.keys(owned).flatMap(name => {
    if (name === '.' || theirs[name] === undefined) return []
    const [was, is] = [member(base, name, own), member(applied, name, own)]
    const where = name.startsWith('f:') ? `${path}.${name.slice(2)}` : `${path}[${name.slice(2)}]`
    const inner = objectOf(owned[name])
    const next = name.startsWith('f:') ? (fieldOf(own, name.slice(2)) ?? {}) : (own.items ?? {})
    if (Object.keys(inner).length > 0) {
      return conflictsOf(inner, objectOf(theirs[name]), was, is, next, where)
    }
    return equal(was, is) || is === undefined ? [] : [where]
  })
}

function member(value: Json | undefined, name: string, schema: Schema): Json | undefined {
  if (name.startsWith('f:')) return at(value, name.slice(2))
  const keys = listKeys(schema) ?? []
  return Array.isArray(value) ? value.find(item => elementName(item, keys) === name) : undefined
}

/** Removes what was given before, is not now, and no other applier gives. */
function drop(
  base: JsonObject,
  before: JsonObject,
  owned: JsonObject,
  kept: readonly JsonObject[],
  schema: Schema,
): JsonObject {
  const own = resolve(schema)
  const next: JsonObject = { ...base }
  for (const name of Object.keys(before)) {
    const field = name.slice(2)
    const value = next[field]
    if (!name.startsWith('f:') || value === undefined) continue
    const others = kept.filter(set => set[name] !== undefined).map(set => objectOf(set[name]))
    const inner = objectOf(before[name])
    if (owned[name] === undefined && others.length === 0 && Object.keys(inner).length === 0) {
      delete next[field]
      continue
    }
    const type = fieldOf(own, field) ?? {}
    const now = objectOf(owned[name])
    if (isObject(value)) next[field] = drop(value, inner, now, others, type)
    else if (Array.isArray(value)) next[field] = dropItems(value, inner, now, others, type)
    if (owned[name] === undefined && isEmpty(next[field])) delete next[field]
  }
  return next
}

function dropItems(
  list: readonly Json[],
  before: JsonObject,
  owned: JsonObject,
  kept: readonly JsonObject[],
  schema: Schema,
): Json[] {
  const keys = listKeys(schema)
  if (!keys) return [...list]
  return list.flatMap(item => {
    const name = elementName(item, keys)
    if (before[name] === undefined) return [item]
    const others = kept.filter(set => set[name] !== undefined).map(set => objectOf(set[name]))
    if (owned[name] === undefined && others.length === 0) return []
    if (!isObject(item)) return [item]
    const inner = drop(
      item,
      objectOf(before[name]),
      objectOf(owned[name]),
      others,
      schema.items ?? {},
    )
    return [inner]
  })
}

const isEmpty = (value: Json | undefined) =>
  Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0

function merge(base: JsonObject, applied: JsonObject, schema: Schema): JsonObject {
  const own = resolve(schema)
  const next: JsonObject = { ...base }
  for (const [field, value] of Object.entries(applied)) {
    if (value === undefined || value === null) continue
    const type = fieldOf(own, field) ?? {}
    const had = next[field]
    if (isObject(value)) next[field] = merge(objectOf(had), value, type)
    else if (Array.isArray(value))
      next[field] = mergeItems(Array.isArray(had) ? had : [], value, type)
    else next[field] = value
  }
  return next
}

function mergeItems(base: readonly Json[], applied: readonly Json[], schema: Schema): Json[] {
  const keys = listKeys(schema)
  if (!keys) return [...applied]
  const list = [...base]
  for (const item of applied) {
    const name = elementName(item, keys)
    const index = list.findIndex(had => elementName(had, keys) === name)
    const had = list[index]
    if (index < 0) list.push(item)
    else list[index] = isObject(item) ? merge(objectOf(had), item, schema.items ?? {}) : item
  }
  return list
}

/** Another applier loses the fields that were taken from it by force. */
function surrender(book: JsonObject, paths: readonly string[]): JsonObject {
  const remove = (set: JsonObject, path: string): JsonObject =>
    Object.fromEntries(
      Object.entries(set).flatMap(([name, inner]) => {
        const where = name.startsWith('f:')
          ? `${path}.${name.slice(2)}`
          : `${path}[${name.slice(2)}]`
        return paths.includes(where) ? [] : [[name, remove(objectOf(inner), where)]]
      }),
    )
  return { ...book, fieldsV1: remove(objectOf(book.fieldsV1), '') }
}

function applyConflict(conflicts: readonly { path: string; manager: string }[]): ApiError {
  const count = conflicts.length === 1 ? '1 conflict' : `${conflicts.length} conflicts`
  const managers = [...new Set(conflicts.map(one => one.manager))].map(name => `"${name}"`)
  const paths = conflicts.map(one => one.path)
  const text =
    paths.length === 1 ? `: ${paths[0]}` : `:\n${paths.map(path => `- ${path}`).join('\n')}`
  const causes = conflicts.map(({ path, manager }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with "${manager}"`,
    field: path,
  }))
  const message = `Apply failed with ${count}: conflict${conflicts.length === 1 ? '' : 's'} with ${managers.join(', ')}${text}`
  return new ApiError(409, 'Conflict', message, { causes })
}
