import { createHash } from 'node:crypto'
import type { Catalog } from './catalog.ts'
import type { JsonObject } from './object.ts'
import { apiVersionOf, type Resource } from './resources.ts'
import { modelSchema, REFERENCE, reachable, type Schema } from './schema.ts'

/** /openapi/v3: the index, or the document of one group and version; null for a path that is none. */
export function openApiV3(catalog: Catalog, path: string): object | null {
  const all = catalog.all()
  const versions = new Set(all.map(rootOf))
  if (path === '/openapi/v3') {
    const paths = [...versions].map(root => {
      const text = JSON.stringify(documentOf(all.filter(one => rootOf(one) === root)))
      const hash = createHash('sha256').update(text).digest('hex').toUpperCase()
      return [root, { serverRelativeURL: `/openapi/v3/${root}?hash=${hash}` }]
    })
    return { paths: Object.fromEntries(paths) }
  }
  const root = path.slice('/openapi/v3/'.length)
  return versions.has(root) ? documentOf(all.filter(one => rootOf(one) === root)) : null
}

/** /openapi/v2, for older tools: the definitions only. */
export function openApiV2(catalog: Catalog): object {
  const text = JSON.stringify(documentOf(catalog.all()).components.schemas)
  return {
    swagger: '2.0',
    info: INFO,
    paths: {},
    definitions: JSON.parse(text.replaceAll(REFERENCE, '#/definitions/')),
  }
}

const INFO = { title: 'Kubernetes', version: 'v1.35.0' }

const rootOf = (resource: Resource) =>
  resource.group ? `apis/${apiVersionOf(resource)}` : `api/${resource.version}`

function documentOf(resources: readonly Resource[]) {
  const schemas: Record<string, Schema> = {}
  const paths: JsonObject = {}
  for (const one of resources) {
    const name = one.model ?? `${one.group}.${one.version}.${one.kind}`
    const names = one.model ? reachable(one.model) : reachable('V1ObjectMeta')
    for (const model of names) schemas[model] ??= modelSchema(model)
    const { group, version, kind } = one
    schemas[name] = {
      ...(one.model ? modelSchema(one.model) : customSchema(one)),
      'x-kubernetes-group-version-kind': [{ group, version, kind }],
    }
    Object.assign(paths, pathsOf(one, name))
  }
  return { openapi: '3.0.0', info: INFO, paths, components: { schemas: published(schemas) } }
}

/** Under the names that people read: "io.k8s.ServicePort" for the model "V1ServicePort". */
const publicName = (model: string) => `io.k8s.${model.replace(/^V1(?=[A-Z])/, '')}`

function published(schemas: Record<string, Schema>): Record<string, Schema> {
  const entries = Object.entries(schemas).map(([model, schema]) => [publicName(model), schema])
  return JSON.parse(JSON.stringify(Object.fromEntries(entries)), (key, value) =>
    // A CRD's own schema type has a field of that name.
    key === '$ref' && typeof value === 'string'
      ? REFERENCE + publicName(value.slice(REFERENCE.length))
      : value,
  )
}

function customSchema(resource: Resource): Schema {
  const properties = {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: { $ref: `${REFERENCE}V1ObjectMeta` },
    ...resource.schema.properties,
  }
  return { ...resource.schema, type: 'object', properties }
}

/** What kubectl looks for in the paths: that PATCH takes fieldValidation, dryRun and which kinds of patch. */
function pathsOf(resource: Resource, name: string): JsonObject {
  const { group, version, kind, plural, namespaced } = resource
  const home = `/${rootOf(resource)}/${namespaced ? 'namespaces/{namespace}/' : ''}${plural}`
  const gvk = { group, version, kind }
  const schema = { $ref: REFERENCE + publicName(name) }
  const answer = { 200: { description: 'OK', content: { 'application/json': { schema } } } }
  const operation = (action: string, parameters: readonly string[] = []): JsonObject => ({
    operationId: `${action}${kind}`,
    parameters: parameters.map(parameter => ({
      name: parameter,
      in: 'query',
      schema: { type: 'string', uniqueItems: true },
    })),
    responses: answer,
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': gvk,
  })
  const write = ['dryRun', 'fieldManager', 'fieldValidation']
  const types = ['json-patch+json', 'merge-patch+json', 'apply-patch+yaml']
  if (resource.model) types.push('strategic-merge-patch+json')
  const content = Object.fromEntries(types.map(type => [`application/${type}`, { schema: {} }]))
  return {
    [home]: { get: operation('list'), post: operation('post', write) },
    [`${home}/{name}`]: {
      get: operation('get'),
      put: operation('put', write),
      patch: { ...operation('patch', [...write, 'force']), requestBody: { content } },
      delete: operation('delete', ['dryRun']),
    },
  }
}
