import { badRequest } from './api-error.ts'
import { equal, isObject, type Json, type JsonObject, textAt, without } from './object.ts'
import { fieldOf, resolve, type Schema } from './schema.ts'

/**
 * Strategic merge patch: as a merge patch, but lists whose type has a merge key are merged element by element, lists of
 * strategy "merge" without a key are joined, and the directives $patch, $deleteFromPrimitiveList, $setElementOrder and
 * $retainKeys are obeyed (k8s.io/apimachinery/pkg/util/strategicpatch).
 */
export function strategicMerge(target: JsonObject, patch: JsonObject, schema: Schema): JsonObject {
  const own = resolve(schema)
  if (patch.$patch === 'replace') return without(patch, '$patch')
  if (patch.$patch === 'delete') return {}
  const next: JsonObject = { ...target }
  const retained = patch.$retainKeys
  if (Array.isArray(retained)) {
    for (const field of Object.keys(next)) if (!retained.includes(field)) delete next[field]
  }
  for (const [field, value] of Object.entries(patch)) {
    if (field.startsWith('$') || value === undefined) continue
    if (value === null) delete next[field]
    else next[field] = mergeValue(next[field], value, fieldOf(own, field) ?? {})
  }
  for (const [directive, value] of Object.entries(patch)) {
    const [kind = '', field = ''] = directive.split('/')
    if (!field || !Array.isArray(value)) continue
    const list = next[field]
    if (!Array.isArray(list)) continue
    if (kind === '$deleteFromPrimitiveList') {
      next[field] = list.filter(item => !value.some(gone => equal(gone, item)))
    }
    if (kind === '$setElementOrder') {
      next[field] = ordered(list, value, mergeKey(fieldOf(own, field) ?? {}))
    }
  }
  return next
}

function mergeValue(target: Json | undefined, patch: Json, schema: Schema): Json {
  if (isObject(patch)) return strategicMerge(isObject(target) ? target : {}, patch, schema)
  if (!Array.isArray(patch)) return patch
  if (!schema['x-kubernetes-patch-strategy']?.includes('merge')) return patch
  const before = Array.isArray(target) ? target : []
  const key = mergeKey(schema)
  if (!key) return [...before, ...patch.filter(item => !before.some(had => equal(had, item)))]
  return mergeList(before, patch, key, schema.items ?? {})
}

function mergeKey(schema: Schema): string | null {
  return schema['x-kubernetes-patch-merge-key'] ?? null
}

function mergeList(
  before: readonly Json[],
  patch: readonly Json[],
  key: string,
  items: Schema,
): Json[] {
  if (patch.some(item => isObject(item) && item.$patch === 'replace')) {
    return patch.filter(item => !isObject(item) || item.$patch === undefined)
  }
  let list = [...before]
  for (const item of patch) {
    if (!isObject(item)) throw badRequest(`expected an object in a list merged by ${key}`)
    const wanted = item[key]
    if (wanted === undefined) {
      throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`)
    }
    const same = (one: Json) => isObject(one) && equal(one[key], wanted)
    if (item.$patch === 'delete') {
      list = list.filter(one => !same(one))
      continue
    }
    const index = list.findIndex(same)
    const found = list[index]
    if (isObject(found)) list[index] = strategicMerge(found, item, items)
    else list.push(strategicMerge({}, item, items))
  }
  return list
}

/** The elements named stand in the order given; what is not named keeps its place relative to them, at the end. */
function ordered(list: readonly Json[], order: readonly Json[], key: string | null): Json[] {
  const rank = (item: Json) => {
    const index = order.findIndex(wanted =>
      key ? textAt(wanted, key) === textAt(item, key) : equal(wanted, item),
    )
    return index < 0 ? order.length : index
  }
  return [...list].sort((a, b) => rank(a) - rank(b))
}
