import { ApiError, badRequest } from './api-error.ts'
import { copy, equal, isObject, type Json, type JsonObject } from './object.ts'

/** JSON Merge Patch (RFC 7386 section 2): null removes, objects merge, everything else replaces. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch
  const next: JsonObject = isObject(target) ? { ...target } : {}
  for (const [field, value] of Object.entries(patch)) {
    if (value === null || value === undefined) delete next[field]
    else next[field] = mergePatch(next[field], value)
  }
  return next
}

/** JSON Patch (RFC 6902). 422 when an operation cannot be done, as kube-apiserver answers. */
export function jsonPatch(target: JsonObject, patch: Json): JsonObject {
  if (!Array.isArray(patch)) {
    throw badRequest(
      'error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch',
    )
  }
  let document: Json = copy(target)
  for (const operation of patch) {
    if (!isObject(operation))
      throw badRequest('error decoding patch: an operation is not an object')
    document = applyOperation(document, operation)
  }
  return isObject(document) ? document : {}
}

function applyOperation(document: Json, operation: JsonObject): Json {
  const path = pointer(operation.path)
  const value = operation.value ?? null
  switch (operation.op) {
    case 'add':
      return put(document, path, value, false)
    case 'remove':
      return remove(document, path)
    case 'replace':
      read(document, path)
      return put(document, path, value, true)
    case 'move': {
      const from = pointer(operation.from)
      const moved = read(document, from)
      return put(remove(document, from), path, moved, false)
    }
    case 'copy':
      return put(document, path, copy(read(document, pointer(operation.from))), false)
    case 'test':
      if (equal(read(document, path), value)) return document
      throw unprocessable(`testing path ${String(operation.path)} failed: test failed`)
    default:
      throw unprocessable(`Unexpected kind: ${String(operation.op)}`)
  }
}

/** RFC 6901: "/a~1b/0" → ["a/b", "0"]. */
function pointer(path: Json | undefined): string[] {
  if (typeof path !== 'string' || (path !== '' && !path.startsWith('/'))) {
    throw unprocessable(`no JSON pointer: ${JSON.stringify(path)}`)
  }
  const parts = path.split('/').slice(1)
  return parts.map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function read(document: Json, path: readonly string[]): Json {
  let here: Json | undefined = document
  for (const part of path) {
    if (Array.isArray(here)) here = here[Number(part)]
    else here = isObject(here) ? here[part] : undefined
  }
  if (here === undefined) throw missing(path)
  return here
}

function put(document: Json, path: readonly string[], value: Json, replace: boolean): Json {
  const last = path.at(-1)
  if (last === undefined) return value
  const parent = read(document, path.slice(0, -1))
  if (isObject(parent)) parent[last] = value
  else if (Array.isArray(parent)) {
    const index = last === '-' ? parent.length : Number(last)
    if (!Number.isInteger(index) || index < 0 || index > parent.length) throw missing(path)
    parent.splice(index, replace ? 1 : 0, value)
  } else throw missing(path)
  return document
}

function remove(document: Json, path: readonly string[]): Json {
  read(document, path)
  const parent = read(document, path.slice(0, -1))
  const last = path.at(-1) ?? ''
  if (Array.isArray(parent)) parent.splice(Number(last), 1)
  else if (isObject(parent)) delete parent[last]
  return document
}

function missing(path: readonly string[]): ApiError {
  return unprocessable(`the path /${path.join('/')} does not exist: missing value`)
}

function unprocessable(why: string): ApiError {
  const message = `the server rejected our request due to an error in our request (${why})`
  return new ApiError(422, 'Invalid', message, {})
}
