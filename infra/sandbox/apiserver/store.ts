import type { ApiObject } from './object.ts'

/** One write, as watchers learn of it. `object` of a deletion is the last state at the deletion's revision. */
export interface StoreEvent {
  readonly revision: number
  readonly resource: string
  readonly key: string
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly object: ApiObject
  readonly previous: ApiObject | null
}

/**
 * What etcd is to a real API server: objects by resource and key, one revision for all writes, and a window of history.
 * Objects are immutable: a write puts a new one in the place of the old.
 */
export class Store {
  revision: number
  readonly #tables = new Map<string, Table>()
  readonly #listeners = new Set<(event: StoreEvent) => void>()
  readonly #historyMax: number
  #history: StoreEvent[] = []
  /** Events up to and including this revision are forgotten. */
  #compacted: number

  constructor(historyMax: number, firstRevision = 1) {
    this.#historyMax = historyMax
    this.revision = firstRevision
    this.#compacted = firstRevision - 1
  }

  get(resource: string, key: string): ApiObject | null {
    return this.#table(resource).objects.get(key) ?? null
  }

  /** All objects of a resource in the order of their keys. Do not change the array. */
  list(resource: string): readonly ApiObject[] {
    const table = this.#table(resource)
    table.sorted ??= [...table.objects.keys()].sort().map(key => objectOf(table.objects, key))
    return table.sorted
  }

  put(resource: string, key: string, object: ApiObject): ApiObject {
    const table = this.#table(resource)
    const previous = table.objects.get(key) ?? null
    const stored = stamped(object, ++this.revision)
    table.objects.set(key, stored)
    table.sorted = null
    const type = previous ? 'MODIFIED' : 'ADDED'
    this.#publish({ revision: this.revision, resource, key, type, object: stored, previous })
    return stored
  }

  delete(resource: string, key: string): ApiObject | null {
    const table = this.#table(resource)
    const previous = table.objects.get(key)
    if (!previous) return null
    table.objects.delete(key)
    table.sorted = null
    const object = stamped(previous, ++this.revision)
    this.#publish({ revision: this.revision, resource, key, type: 'DELETED', object, previous })
    return object
  }

  /** The objects of a resource as they were at a revision; null when that is forgotten. */
  listAt(resource: string, revision: number): readonly ApiObject[] | null {
    if (revision < this.#compacted) return null
    if (revision >= this.revision) return this.list(resource)
    const objects = new Map(this.#table(resource).objects)
    for (let index = this.#history.length - 1; index >= 0; index--) {
      const event = this.#history[index]
      if (!event || event.revision <= revision) break
      if (event.resource !== resource) continue
      if (event.previous) objects.set(event.key, event.previous)
      else objects.delete(event.key)
    }
    return [...objects.keys()].sort().map(key => objectOf(objects, key))
  }

  /** What happened to a resource after a revision; null when part of that is forgotten. */
  since(resource: string, revision: number): readonly StoreEvent[] | null {
    if (revision < this.#compacted) return null
    const first = this.#history.findIndex(event => event.revision > revision)
    return first < 0 ? [] : this.#history.slice(first).filter(event => event.resource === resource)
  }

  /** The oldest revision from which a watch can begin. */
  get oldestRevision(): number {
    return this.#compacted
  }

  subscribe(listener: (event: StoreEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** As etcd's compaction: watches and continue tokens from before now are refused. */
  dropHistory(): void {
    this.#history = []
    this.revision++ // as on a busy cluster: what a client saw last is older than what is kept
    this.#compacted = this.revision
  }

  #publish(event: StoreEvent): void {
    this.#history.push(event)
    if (this.#history.length > this.#historyMax * 1.25) {
      const dropped = this.#history.splice(0, this.#history.length - this.#historyMax)
      this.#compacted = dropped.at(-1)?.revision ?? this.#compacted
    }
    for (const listener of this.#listeners) listener(event)
  }

  #table(resource: string): Table {
    const found = this.#tables.get(resource)
    if (found) return found
    const table: Table = { objects: new Map(), sorted: null }
    this.#tables.set(resource, table)
    return table
  }
}

interface Table {
  readonly objects: Map<string, ApiObject>
  sorted: readonly ApiObject[] | null
}

function stamped(object: ApiObject, revision: number): ApiObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } }
}

function objectOf(objects: ReadonlyMap<string, ApiObject>, key: string): ApiObject {
  const object = objects.get(key)
  if (!object) throw new Error(`no object at ${key}: the index and the table disagree`)
  return object
}
