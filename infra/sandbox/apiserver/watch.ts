import type { ServerResponse } from 'node:http'
import { badRequest, expired } from './api-error.ts'
import type { ApiObject, JsonObject } from './object.ts'
import { readRevision, selection } from './read.ts'
import type { Registry } from './registry.ts'
import { type Rendering, renderEvent } from './render.ts'
import type { RequestInfo } from './request.ts'
import { reset } from './reset.ts'
import { apiVersionOf, type Resource } from './resources.ts'
import type { Selector } from './selectors.ts'
import type { StoreEvent } from './store.ts'

/** One watch under way. */
export interface Watch {
  readonly info: RequestInfo
  readonly user: string
  /** Nothing is sent while paused; it is sent, in order, afterwards. */
  pause(): void
  resume(): void
  /** Ends the stream: politely, with an ERROR event that says 410, or by resetting the connection. */
  end(how: 'close' | 'gone' | 'disconnect'): void
}

export interface WatchWorld {
  readonly registry: Registry
  readonly watches: Set<Watch>
  readonly bookmarkIntervalMs: number
  readonly paused: () => boolean
}

/**
 * Answers a watch: what happened since the resourceVersion given (everything there is, where none or 0 was given), then what
 * happens, until the client leaves or timeoutSeconds have passed. From a forgotten version: one ERROR event with 410, as the
 * real server's watch cache does.
 */
export function watch(
  world: WatchWorld,
  resource: Resource,
  info: RequestInfo,
  rendering: Rendering,
  user: string,
  response: ServerResponse,
): void {
  const { registry, watches } = world
  const store = registry.store
  const wanted = selection(resource, info)
  const bookmarks = flag(info, 'allowWatchBookmarks')
  const initial = flag(info, 'sendInitialEvents')
  checkInitialEvents(info, initial)
  const text = info.query.get('resourceVersion') ?? ''
  const from = text === '' ? 0 : readRevision(text)
  const output = new Output(response)
  let first = true
  const emit = (type: string, object: ApiObject) => {
    output.write(renderEvent(resource, type, object, rendering, first))
    first = false
  }
  const pass = (event: StoreEvent) => {
    const seen = transition(event, wanted)
    if (seen) emit(seen.type, seen.object)
  }
  const bookmark = (annotations?: { [key: string]: string }) => {
    output.write(bookmarkOf(resource, rendering, store.revision, annotations))
  }

  response.writeHead(200, {
    'content-type': 'application/json',
    'cache-control': 'no-cache, private',
  })
  response.flushHeaders()
  if (initial || (from === 0 && !info.query.has('sendInitialEvents'))) {
    for (const object of store.list(resource.storage)) if (wanted(object)) emit('ADDED', object)
    if (initial && bookmarks) bookmark({ 'k8s.io/initial-events-end': 'true' })
  } else {
    const missed = store.since(resource.storage, from === 0 ? store.revision : from)
    if (!missed) {
      const message = `too old resource version: ${from} (${store.oldestRevision})`
      response.end(errorEvent(expired(message).status()))
      return
    }
    for (const event of missed) pass(event)
  }

  const unsubscribe = store.subscribe(event => {
    if (event.resource === resource.storage && event.revision > from) pass(event)
  })
  const beat = bookmarks ? setInterval(() => bookmark(), world.bookmarkIntervalMs) : null
  const timeoutSeconds = Number(info.query.get('timeoutSeconds') ?? 0)
  const own: Watch = {
    info,
    user,
    pause: () => output.pause(),
    resume: () => output.resume(),
    end(how) {
      if (how === 'disconnect') reset(response.socket)
      else if (how === 'gone') {
        const message = `too old resource version: ${from} (${store.oldestRevision})`
        response.end(errorEvent(expired(message).status()))
      } else response.end()
    },
  }
  const timeout = setTimeout(
    () => {
      if (bookmarks) bookmark()
      own.end('close')
    },
    (timeoutSeconds > 0 ? timeoutSeconds : DEFAULT_TIMEOUT_SECONDS) * 1000,
  )
  watches.add(own)
  if (world.paused()) own.pause()
  response.on('close', () => {
    unsubscribe()
    watches.delete(own)
    clearTimeout(timeout)
    if (beat) clearInterval(beat)
  })
}

/** kube-apiserver ends a watch after 30 to 60 minutes (--min-request-timeout). */
const DEFAULT_TIMEOUT_SECONDS = 1800

const flag = (info: RequestInfo, name: string) => {
  const value = info.query.get(name)
  return value === 'true' || value === '1'
}

/**
 * What an event means to one who sees only some objects: an object that comes into the selection is ADDED, one that leaves it is
 * DELETED, shown as it was, at the new version.
 */
export function transition(
  event: StoreEvent,
  wanted: Selector,
): { type: StoreEvent['type']; object: ApiObject } | null {
  const was = event.previous !== null && wanted(event.previous)
  const is = event.type !== 'DELETED' && wanted(event.object)
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object: event.object }
  if (!was || !event.previous) return null
  if (event.type === 'DELETED') return { type: 'DELETED', object: event.object }
  const metadata = { ...event.previous.metadata, resourceVersion: String(event.revision) }
  return { type: 'DELETED', object: { ...event.previous, metadata } }
}

function checkInitialEvents(info: RequestInfo, initial: boolean): void {
  const match = info.query.get('resourceVersionMatch')
  if (initial && match !== 'NotOlderThan') {
    throw badRequest(
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
    )
  }
  if (!info.query.has('sendInitialEvents') && match) {
    throw badRequest(
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
    )
  }
}

/** A bookmark carries a kind and a resourceVersion, nothing else. */
function bookmarkOf(
  resource: Resource,
  rendering: Rendering,
  revision: number,
  annotations: { [key: string]: string } | undefined,
): string {
  const kinds = { object: resource.kind, metadata: 'PartialObjectMetadata', table: 'Table' }
  const apiVersion = rendering.as === 'object' ? apiVersionOf(resource) : 'meta.k8s.io/v1'
  const metadata = { resourceVersion: String(revision), ...(annotations ? { annotations } : {}) }
  const object = { kind: kinds[rendering.as], apiVersion, metadata }
  return `${JSON.stringify({ type: 'BOOKMARK', object })}\n`
}

function errorEvent(status: JsonObject): string {
  return `{"type":"ERROR","object":${JSON.stringify(status)}}\n`
}

/** The stream, which can be held back. */
class Output {
  readonly #response: ServerResponse
  #held: string[] | null = null

  constructor(response: ServerResponse) {
    this.#response = response
  }

  write(line: string): void {
    if (this.#held) this.#held.push(line)
    else if (!this.#response.writableEnded) this.#response.write(line)
  }

  pause(): void {
    this.#held ??= []
  }

  resume(): void {
    const held = this.#held ?? []
    this.#held = null
    for (const line of held) this.write(line)
  }
}
