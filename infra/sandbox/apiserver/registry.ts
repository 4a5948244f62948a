import { alreadyExists, type Cause, conflict, forbidden, invalid, notFound } from './api-error.ts'
import { Catalog } from './catalog.ts'
import { countGeneration, now, stampNew, stampUpdate, validateMetadata } from './metadata.ts'
import { type ApiObject, copy, equal, type ObjectMeta } from './object.ts'
import { keyOf, type Resource } from './resources.ts'
import type { Store } from './store.ts'

/** What one kind of object adds to the common rules of writing. Objects given as `next` may be changed. */
export interface Strategy {
  /** Defaults, and what is to be forgotten on this write. `old` is null at creation. */
  prepare?(next: ApiObject, old: ApiObject | null): void
  /** `resource` is the version that the client used. */
  validate?(next: ApiObject, old: ApiObject | null, resource: Resource): Cause[]
  /** Allocation, after validation. May throw. */
  allocate?(next: ApiObject, old: ApiObject | null): void
  prepareStatus?(next: ApiObject, old: ApiObject): void
  validateStatus?(next: ApiObject, old: ApiObject): Cause[]
  /** What must be finished before the object may go; true when a deletion only begins now. */
  lingers?(object: ApiObject): boolean
}

export interface DeleteOptions {
  readonly uid?: string
  readonly resourceVersion?: string
  readonly dryRun?: boolean
}

export interface WriteTarget {
  readonly resource: Resource
  readonly namespace: string
  readonly name: string
}

/**
 * The rules of writing that hold for every resource (k8s.io/apiserver/pkg/registry/generic/registry), above the store.
 * All is synchronous: a write is whole before the next one begins. Objects come and go in storage form.
 */
export class Registry {
  readonly store: Store
  readonly catalog = new Catalog()
  readonly #strategies = new Map<string, Strategy>()

  constructor(store: Store) {
    this.store = store
  }

  use(storage: string, strategy: Strategy): void {
    this.#strategies.set(storage, strategy)
  }

  get({ resource, namespace, name }: WriteTarget): ApiObject {
    const object = this.store.get(resource.storage, keyOf(resource, namespace, name))
    if (!object) throw notFound(resource, name)
    return object
  }

  create(resource: Resource, given: ApiObject, dryRun = false): ApiObject {
    const next = copy(given)
    stampNew(resource, next)
    if (resource.model === null && resource.subresources.includes('status')) delete next.status
    const { name, namespace = '' } = next.metadata
    this.#admitNamespace(resource, namespace, name)
    const key = keyOf(resource, namespace, name)
    if (name && this.store.get(resource.storage, key)) throw alreadyExists(resource, name)
    const strategy = this.#strategies.get(resource.storage)
    strategy?.prepare?.(next, null)
    refuse(resource, name, [
      ...validateMetadata(resource, next),
      ...(strategy?.validate?.(next, null, resource) ?? []),
    ])
    strategy?.allocate?.(next, null)
    return dryRun ? next : this.store.put(resource.storage, key, next)
  }

  /**
   * Replaces an object by what `change` makes of it. A change that changes nothing writes nothing. The object disappears
   * when it was being deleted and the last finalizer is gone.
   */
  update(
    target: WriteTarget,
    subresource: 'status' | '',
    change: (current: ApiObject) => ApiObject,
    dryRun = false,
  ): ApiObject {
    const { resource, name } = target
    const old = this.get(target)
    const next = copy(change(old))
    stampUpdate(resource, next, old)
    const strategy = this.#strategies.get(resource.storage)
    if (subresource === 'status') {
      keepAllButStatus(resource, next, old)
      strategy?.prepareStatus?.(next, old)
      refuse(resource, name, [
        ...validateMetadata(resource, next),
        ...(strategy?.validateStatus?.(next, old) ?? []),
      ])
    } else {
      keepStatus(resource, next, old)
      strategy?.prepare?.(next, old)
      countGeneration(resource, next, old)
      refuse(resource, name, [
        ...validateMetadata(resource, next),
        ...(strategy?.validate?.(next, old, resource) ?? []),
      ])
      strategy?.allocate?.(next, old)
    }
    if (equal(next, old)) return old
    const key = keyOf(resource, target.namespace, name)
    if (dryRun) return next
    if (next.metadata.deletionTimestamp && !next.metadata.finalizers?.length) {
      if (!strategy?.lingers?.(next)) return this.store.delete(resource.storage, key) ?? next
    }
    return this.store.put(resource.storage, key, next)
  }

  /** Answers the object as it was last; `gone` says whether it is no longer there. */
  delete(target: WriteTarget, options: DeleteOptions = {}): { object: ApiObject; gone: boolean } {
    const { resource, namespace, name } = target
    const object = this.get(target)
    checkPreconditions(resource, object.metadata, options)
    const lingers =
      Boolean(object.metadata.finalizers?.length) ||
      Boolean(this.#strategies.get(resource.storage)?.lingers?.(object))
    if (options.dryRun) return { object, gone: !lingers }
    const key = keyOf(resource, namespace, name)
    if (!lingers) return { object: this.store.delete(resource.storage, key) ?? object, gone: true }
    if (object.metadata.deletionTimestamp) return { object, gone: false }
    const dying = copy(object)
    dying.metadata.deletionTimestamp = now()
    dying.metadata.deletionGracePeriodSeconds = 0
    if (resource.generation) dying.metadata.generation = (dying.metadata.generation ?? 0) + 1
    if (resource.storage === 'namespaces') dying.status = { phase: 'Terminating' }
    const stored = this.store.put(resource.storage, key, dying)
    return { object: stored, gone: false }
  }

  /** NamespaceLifecycle: nothing is made in a namespace that is not there or is going. */
  #admitNamespace(resource: Resource, namespace: string, name: string): void {
    if (!resource.namespaced) return
    const home = this.store.get('namespaces', namespace)
    if (!home) throw notFound(this.catalog.named('namespaces'), namespace)
    if (!home.metadata.deletionTimestamp) return
    const why = `unable to create new content in namespace ${namespace} because it is being terminated`
    throw forbidden(resource, name, why)
  }
}

function refuse(resource: Resource, name: string, causes: readonly Cause[]): void {
  if (causes.length > 0) throw invalid(resource, name, causes)
}

/** A write of the status subresource changes nothing else; of a built-in object it may change labels and annotations. */
function keepAllButStatus(resource: Resource, next: ApiObject, old: ApiObject): void {
  const { status } = next
  const { managedFields } = next.metadata
  const metadata = resource.model === null ? copy(old.metadata) : next.metadata
  if (managedFields !== undefined) metadata.managedFields = managedFields
  for (const field of Object.keys(next)) delete next[field]
  Object.assign(next, copy(old), { metadata }, status === undefined ? {} : { status })
  if (status === undefined) delete next.status
}

function keepStatus(resource: Resource, next: ApiObject, old: ApiObject): void {
  if (!resource.subresources.includes('status')) return
  if (old.status === undefined) delete next.status
  else next.status = copy(old.status)
}

function checkPreconditions(
  resource: Resource,
  metadata: ObjectMeta,
  options: DeleteOptions,
): void {
  if (options.uid && options.uid !== metadata.uid) {
    const why = `the UID in the precondition (${options.uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`
    throw conflict(resource, metadata.name, why)
  }
  if (options.resourceVersion && options.resourceVersion !== metadata.resourceVersion) {
    const why = `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`
    throw conflict(resource, metadata.name, why)
  }
}
