/**
 * One watch (Kubernetes: "Efficient detection of changes"): a line of JSON for each event, until the server
 * ends it after the seconds that it was asked for.
 *
 * A connection can die without a word, and a quiet kind says nothing for an hour. So a watch is short: the
 * server sends a bookmark 2 s before its end, then ends it, and the next one goes over the same connection.
 * Where the end does not come in time, the connection is dead. This notices it on the very connection that
 * matters, which a health check on another one would not.
 */
import { type Asked, refusedMidway, senseless, silent, unreached } from './api-error.ts'
import type { KubernetesApi } from './client.ts'

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  readonly object: unknown
  readonly resourceVersion: string
}

/** etcd holds no object beyond 1.5 MiB; a line longer than this is none of its. */
const LINE_MOST = 16 * 1024 * 1024

/**
 * What happens after the resourceVersion, in order; nothing is read ahead beyond the buffers of the
 * connection while the caller is busy. Returns when the watch ends as it should; throws an ApiError otherwise.
 */
export async function* watchEvents(
  api: KubernetesApi,
  options: {
    readonly path: string
    readonly query: Readonly<Record<string, string>>
    readonly resourceVersion: string
    readonly seconds: number
    readonly signal: AbortSignal
    heard(): void
  },
): AsyncGenerator<WatchEvent, void, void> {
  const { path, signal, seconds, heard } = options
  const graceMs = seconds * 500
  const asked: Asked = { method: 'GET', url: new URL(`${api.server}${path}`) }
  const query = {
    ...options.query,
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion: options.resourceVersion,
    timeoutSeconds: String(seconds),
  }
  const response = await api.open({ path, query, signal, timeoutMs: seconds * 1000 + graceMs })
  heard()
  const endsMs = performance.now() + seconds * 1000
  let quietSinceMs = performance.now()
  let busy = false
  const guard = setInterval(() => {
    const overdueMs = performance.now() - Math.max(endsMs, quietSinceMs)
    if (!busy && overdueMs > graceMs) response.destroy(silent(asked, seconds * 1000 + overdueMs))
  }, graceMs / 4)

  try {
    let rest = ''
    for await (const chunk of response.setEncoding('utf8')) {
      heard()
      busy = true
      const lines = `${rest}${chunk}`.split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > LINE_MOST) throw senseless(asked, 'an event does not end')
      for (const line of lines) if (line !== '') yield eventOf(line, asked)
      busy = false
      quietSinceMs = performance.now()
    }
    if (rest !== '') throw senseless(asked, 'the last event is cut off')
  } catch (error) {
    throw unreached(asked, error instanceof Error ? error : new Error(String(error)))
  } finally {
    clearInterval(guard)
    response.destroy()
  }
}

const TYPES: ReadonlySet<unknown> = new Set(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'])

function eventOf(line: string, asked: Asked): WatchEvent {
  const { type, object } = parse(line, asked)
  if (type === 'ERROR') throw refusedMidway(asked, object)
  const resourceVersion = object?.metadata?.resourceVersion
  if (!isEventType(type) || typeof resourceVersion !== 'string') {
    throw senseless(asked, `this is no event: ${line.slice(0, 100)}`)
  }
  return { type, object, resourceVersion }
}

const isEventType = (type: unknown): type is WatchEvent['type'] => TYPES.has(type)

function parse(
  line: string,
  asked: Asked,
): { type?: unknown; object?: { metadata?: { resourceVersion?: unknown } } } {
  try {
    return JSON.parse(line) ?? {}
  } catch {
    throw senseless(asked, `an event is not JSON: ${line.slice(0, 100)}`)
  }
}
