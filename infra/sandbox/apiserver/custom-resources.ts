import { ruleMistakes } from './cel.ts'
import { AGE, type Column, NAME } from './columns.ts'
import { applyDefaults, prune } from './custom-schema.ts'
import { cellOf } from './json-path.ts'
import { now } from './metadata.ts'
import {
  type ApiObject,
  at,
  isObject,
  type Json,
  listAt,
  objectAt,
  textAt,
  textsAt,
} from './object.ts'
import type { Registry, Strategy } from './registry.ts'
import { type Resource, resource } from './resources.ts'
import type { Schema } from './schema.ts'

/** CustomResourceDefinitions are established as soon as they are stored. */
export const crdStrategy: Strategy = {
  prepare(next, old) {
    const spec = objectAt(next, 'spec')
    const names = objectAt(spec, 'names')
    names.singular ??= textAt(names, 'kind').toLowerCase()
    names.listKind ??= `${textAt(names, 'kind')}List`
    spec.conversion ??= { strategy: 'None' }
    if (old) return
    const at = now()
    const condition = (type: string, reason: string, message: string) => ({
      type,
      status: 'True',
      lastTransitionTime: at,
      reason,
      message,
    })
    const stored = listAt(spec, 'versions').filter(one => isObject(one) && one.storage === true)
    next.status = {
      conditions: [
        condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
        condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
      ],
      acceptedNames: names,
      storedVersions: stored.map(one => textAt(one, 'name')),
    }
  },
  validate: next =>
    listAt(next, 'spec', 'versions').flatMap((version, index) =>
      ruleMistakes(
        objectAt(version, 'schema', 'openAPIV3Schema'),
        `spec.versions[${index}].schema.openAPIV3Schema`,
      ),
    ),
}

/** Serves what the stored CustomResourceDefinitions define; removes the objects with the definition. */
export function serveCustomResources(registry: Registry): void {
  const { store, catalog } = registry
  store.subscribe(event => {
    if (event.resource !== 'customresourcedefinitions.apiextensions.k8s.io') return
    if (event.previous) for (const one of resourcesOf(event.previous)) catalog.remove(one)
    if (event.type !== 'DELETED') {
      for (const one of resourcesOf(event.object)) catalog.add(one)
      return
    }
    const [first] = resourcesOf(event.object)
    if (!first) return
    for (const object of store.list(first.storage)) {
      const { name, namespace } = object.metadata
      store.delete(first.storage, first.namespaced ? `${namespace}/${name}` : name)
    }
  })
}

function resourcesOf(definition: ApiObject): Resource[] {
  const spec = objectAt(definition, 'spec')
  const group = textAt(spec, 'group')
  const plural = textAt(spec, 'names', 'plural')
  const versions = listAt(spec, 'versions').filter(isObject)
  const stored = textAt(
    versions.find(one => one.storage === true),
    'name',
  )
  return versions
    .filter(one => one.served === true)
    .map(version => {
      const apiVersion = `${group}/${textAt(version, 'name')}`
      const schema = schemaOf(objectAt(version, 'schema').openAPIV3Schema)
      const subresources = Object.keys(objectAt(version, 'subresources'))
      return resource(apiVersion, plural, textAt(spec, 'names', 'kind'), {
        model: null,
        schema,
        singular: textAt(spec, 'names', 'singular'),
        shortNames: textsAt(spec, 'names', 'shortNames'),
        categories: textsAt(spec, 'names', 'categories'),
        namespaced: textAt(spec, 'scope') === 'Namespaced',
        subresources,
        generation: true,
        unconditionalUpdate: false,
        selectable: selectableOf(listAt(version, 'selectableFields')),
        columns: columnsOf(listAt(version, 'additionalPrinterColumns')),
        deprecation: deprecationOf(version, apiVersion, textAt(spec, 'names', 'kind')),
        encode: object => reshaped({ ...object, apiVersion }, schema),
        decode: object => ({ ...object, apiVersion: `${group}/${stored}` }),
      })
    })
}

/** A stored object as a version shows it: its own fields, and its own defaults for what was stored without. */
function reshaped(object: ApiObject, schema: Schema): ApiObject {
  const { apiVersion, kind, metadata, ...body } = object
  const shown = applyDefaults(prune(body, schema, '', []), schema)
  return { apiVersion, kind, metadata, ...(isObject(shown) ? shown : {}) }
}

function deprecationOf(version: Json, apiVersion: string, kind: string): string | null {
  if (at(version, 'deprecated') !== true) return null
  return textAt(version, 'deprecationWarning') || `${apiVersion} ${kind} is deprecated`
}

/** The schema of a definition; apiVersion, kind and metadata are not its business. */
function schemaOf(given: Json | undefined): Schema {
  const schema: Schema = isObject(given) ? { ...given } : {}
  const { apiVersion: _a, kind: _k, metadata: _m, ...properties } = schema.properties ?? {}
  return { ...schema, properties }
}

function selectableOf(fields: readonly Json[]): string[] {
  return fields.map(field => textAt(field, 'jsonPath').replace(/^\./, ''))
}

function columnsOf(given: readonly Json[]): Column[] {
  if (given.length === 0) return [NAME, AGE]
  const columns = given.map((one): Column => {
    const type = textAt(one, 'type')
    return {
      name: textAt(one, 'name'),
      type,
      format: textAt(one, 'format'),
      description: textAt(one, 'description'),
      wide: Number(objectAt({ one }, 'one').priority ?? 0) > 0,
      cell: cellOf(textAt(one, 'jsonPath'), type),
    }
  })
  return [NAME, ...columns]
}
