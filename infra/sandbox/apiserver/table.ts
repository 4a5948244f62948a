import type { ApiObject, JsonObject } from './object.ts'
import type { Resource } from './resources.ts'

/**
 * A meta.k8s.io/v1 Table: what `kubectl get` prints. The object of a row is cut down as `includeObject` asks.
 */
export function tableOf(
  resource: Resource,
  objects: readonly ApiObject[],
  metadata: JsonObject,
  include: 'None' | 'Metadata' | 'Object',
  withColumns: boolean,
): JsonObject {
  const columnDefinitions = resource.columns.map(column => ({
    name: column.name,
    type: column.type,
    format: column.format ?? '',
    description: column.description ?? '',
    priority: column.wide ? 1 : 0,
  }))
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: withColumns ? columnDefinitions : null,
    rows: objects.map(object => ({
      cells: resource.columns.map(column => column.cell(object)),
      ...(include === 'None' ? {} : { object: include === 'Object' ? object : partial(object) }),
    })),
  }
}

/** Nothing but the metadata. */
export function partial(object: ApiObject): JsonObject {
  return {
    kind: 'PartialObjectMetadata',
    apiVersion: 'meta.k8s.io/v1',
    metadata: object.metadata,
  }
}
