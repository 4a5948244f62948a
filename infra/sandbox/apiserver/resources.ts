import type { Column } from './columns.ts'
import { columnsOf } from './columns.ts'
import { type ApiObject, textAt } from './object.ts'
import { modelSchema, type Schema } from './schema.ts'

/** A resource as one group and version serve it. */
export interface Resource {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly singular: string
  readonly kind: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly namespaced: boolean
  /** Where its objects lie in the store; two versions of one resource share it. */
  readonly storage: string
  /** Name of the built-in type, null for a custom resource. */
  readonly model: string | null
  readonly schema: Schema
  readonly subresources: readonly string[]
  /** metadata.generation counts changes of anything but metadata and status. */
  readonly generation: boolean
  readonly createOnUpdate: boolean
  /** A PUT without resourceVersion overwrites. */
  readonly unconditionalUpdate: boolean
  /** DELETE answers the object instead of a Status. */
  readonly returnsDeleted: boolean
  readonly selectable: Readonly<Record<string, (object: ApiObject) => string>>
  /** What users of a deprecated version are warned of; null for the others. */
  readonly deprecation: string | null
  readonly columns: readonly Column[]
  /** Between what lies in the store and what this version shows, where they differ. */
  readonly encode?: (stored: ApiObject) => ApiObject
  readonly decode?: (shown: ApiObject) => ApiObject
  /** JSON of stored objects as this version shows them, made once. */
  readonly json: WeakMap<ApiObject, string>
}

export const apiVersionOf = (resource: { group: string; version: string }) =>
  resource.group ? `${resource.group}/${resource.version}` : resource.version

export function keyOf(resource: Resource, namespace: string, name: string): string {
  return resource.namespaced ? `${namespace}/${name}` : name
}

/** The fields that field selectors may name. */
export function fieldsOf(resource: Resource, object: ApiObject): Record<string, string> {
  const fields: Record<string, string> = {
    'metadata.name': object.metadata.name,
    'metadata.namespace': object.metadata.namespace ?? '',
  }
  for (const [field, read] of Object.entries(resource.selectable)) fields[field] = read(object)
  return fields
}

type Definition = Partial<
  Omit<Resource, 'group' | 'version' | 'plural' | 'kind' | 'selectable'>
> & {
  readonly selectable?: readonly string[] | Resource['selectable']
}

/** Completes a definition with what most resources share. */
export function resource(
  apiVersion: string,
  plural: string,
  kind: string,
  definition: Definition = {},
): Resource {
  const [first = '', second] = apiVersion.split('/')
  const group = second ? first : ''
  const { selectable = [], ...rest } = definition
  return {
    group,
    version: second ?? first,
    plural,
    kind,
    singular: kind.toLowerCase(),
    shortNames: [],
    categories: [],
    namespaced: true,
    storage: group ? `${plural}.${group}` : plural,
    model: `V1${kind}`,
    schema: modelSchema(rest.model ?? `V1${kind}`),
    subresources: [],
    generation: false,
    createOnUpdate: false,
    unconditionalUpdate: true,
    returnsDeleted: false,
    deprecation: null,
    columns: columnsOf(group ? `${plural}.${group}` : plural),
    json: new WeakMap(),
    ...rest,
    selectable: selectorsOf(selectable),
  }
}

function selectorsOf(
  selectable: readonly string[] | Resource['selectable'],
): Resource['selectable'] {
  if (!isNames(selectable)) return selectable
  return Object.fromEntries(
    selectable.map(path => [path, (object: ApiObject) => textAt(object, ...path.split('.'))]),
  )
}

function isNames(value: readonly string[] | Resource['selectable']): value is readonly string[] {
  return Array.isArray(value)
}
