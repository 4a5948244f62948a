import type { ApiObject, Json, JsonObject } from './object.ts'
import { mergePatch } from './patch.ts'
import type { Registry } from './registry.ts'
import { keyOf } from './resources.ts'
import type { StoreEvent } from './store.ts'

/**
 * The objects without HTTPS, for tests and in-process controllers. Resources are called as the store calls them: "services",
 * "endpointslices.discovery.k8s.io". Rules, allocation and events are the same as over the network; errors are ApiErrors.
 */
export class ObjectAccess {
  readonly #registry: Registry

  constructor(registry: Registry) {
    this.#registry = registry
  }

  get revision(): number {
    return this.#registry.store.revision
  }

  /** Do not change what this answers: it is the stored object itself. */
  get(resource: string, namespace: string, name: string): ApiObject | null {
    const named = this.#registry.catalog.named(resource)
    return this.#registry.store.get(named.storage, keyOf(named, namespace, name))
  }

  list(resource: string, namespace = ''): readonly ApiObject[] {
    const all = this.#registry.store.list(this.#registry.catalog.named(resource).storage)
    return namespace ? all.filter(object => object.metadata.namespace === namespace) : all
  }

  create(resource: string, object: JsonObject): ApiObject {
    return this.#registry.create(this.#registry.catalog.named(resource), asObject(object))
  }

  /** Replaces the object; its resourceVersion, where given, must be the stored one. */
  update(resource: string, object: ApiObject): ApiObject {
    const { namespace = '', name } = object.metadata
    return this.#registry.update(this.#target(resource, namespace, name), '', () => object)
  }

  /** A JSON merge patch. */
  patch(resource: string, namespace: string, name: string, patch: Json): ApiObject {
    const target = this.#target(resource, namespace, name)
    return this.#registry.update(target, '', current => asObject(mergePatch(current, patch)))
  }

  /** A JSON merge patch of the status subresource. */
  patchStatus(resource: string, namespace: string, name: string, patch: Json): ApiObject {
    const target = this.#target(resource, namespace, name)
    return this.#registry.update(target, 'status', current => asObject(mergePatch(current, patch)))
  }

  delete(resource: string, namespace: string, name: string): void {
    this.#registry.delete(this.#target(resource, namespace, name))
  }

  /** Calls back on every write, of one resource or of all; answers what ends it. */
  subscribe(listener: (event: StoreEvent) => void, resource?: string): () => void {
    return this.#registry.store.subscribe(event => {
      if (!resource || event.resource === resource) listener(event)
    })
  }

  #target(resource: string, namespace: string, name: string) {
    return { resource: this.#registry.catalog.named(resource), namespace, name }
  }
}

function asObject(value: Json): ApiObject {
  if (isApiObject(value)) return value
  throw new Error('an object needs apiVersion, kind and metadata')
}

function isApiObject(value: Json): value is ApiObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return typeof value.apiVersion === 'string' && typeof value.metadata === 'object'
}
