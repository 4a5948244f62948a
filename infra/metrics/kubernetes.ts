/** What the watcher does with the API server: how long requests take, and how soon a Service gets its status. */
import { ApiError, type ApiRequest, type KubernetesApi } from '../kubernetes/client.ts'
import type { Followed } from '../kubernetes/watch.ts'
import type { Learned, Scripts } from '../redis/scripts.ts'
import type { Metrics } from './metrics.ts'

/** Older than that, another watcher wrote the status and this one did not notice. */
const LAG_MOST_MS = 60_000
/** Services whose event was seen and whose status was not written yet. */
const PENDING_MOST = 10_000
const STATUS_PATH = /^\/api\/v1\/namespaces\/([^/]+)\/services\/([^/]+)\/status$/

export interface MeasuredWatch {
  readonly api: KubernetesApi
  readonly scripts: Scripts
  /** A Service ("namespace/name") needs no other status than it has. */
  settled(name: string): void
}

/** Measures requests, what is learnt, and the time from an event that changed a Service to the patch of its status. */
export function measuredWatch(
  { api, scripts }: Pick<MeasuredWatch, 'api' | 'scripts'>,
  metrics: Metrics,
): MeasuredWatch {
  /** By "namespace/name": when the event was seen; oldest first. */
  const pending = new Map<string, number>()
  const written = (name: string) => {
    const lagMs = performance.now() - (pending.get(name) ?? Number.NaN)
    if (lagMs < LAG_MOST_MS) metrics.observe('herald_service_status_lag_seconds', {}, lagMs / 1000)
    pending.delete(name)
  }
  const saw = (sight: Learned, changed: boolean, atMs: number) => {
    if (sight.bell?.queue !== 'allocate' || !sight.field.includes('/')) return
    pending.delete(sight.field)
    if (changed) pending.set(sight.field, atMs)
    const [oldest] = pending.keys()
    if (pending.size > PENDING_MOST && oldest !== undefined) pending.delete(oldest)
  }
  metrics.count('metallb_k8s_client_updates_total', {}, 0)
  metrics.count('metallb_k8s_client_update_errors_total', {}, 0)
  return {
    api: {
      ...api,
      async request(request) {
        const answered = await timedRequest(api, request, metrics)
        const [, namespace, name] = STATUS_PATH.exec(request.path) ?? []
        if (name && request.method === 'PATCH') written(`${namespace}/${name}`)
        return answered
      },
    },
    scripts: {
      ...scripts,
      async learnAll(sights) {
        const atMs = performance.now()
        try {
          const answers = await scripts.learnAll(sights)
          metrics.count('metallb_k8s_client_updates_total', {}, sights.length)
          sights.forEach((sight, index) => {
            saw(sight, answers[index] === true, atMs)
          })
          return answers
        } catch (error) {
          metrics.count('metallb_k8s_client_update_errors_total', {})
          throw error
        }
      },
    },
    settled: name => void pending.delete(name),
  }
}

async function timedRequest(
  api: KubernetesApi,
  request: ApiRequest,
  metrics: Metrics,
): Promise<unknown> {
  const startMs = performance.now()
  const method = request.method ?? 'GET'
  const done = (code: string) => {
    const seconds = (performance.now() - startMs) / 1000
    metrics.observe('herald_kubernetes_request_duration_seconds', { method, code }, seconds)
  }
  try {
    const answered = await api.request(request)
    done('2xx')
    return answered
  } catch (error) {
    done(String(error instanceof ApiError ? error.status : 0))
    throw error
  }
}

/** How often each watch broke off; a kind is named as in its path: "services". */
export function measureRestarts(
  follows: readonly Pick<Followed, 'path' | 'state'>[],
  metrics: Metrics,
): void {
  metrics.beforeScrape(async () => {
    metrics.clear(['herald_watch_restarts_total'])
    for (const followed of follows) {
      const kind = followed.path.split('/').at(-1) ?? ''
      metrics.count('herald_watch_restarts_total', { kind }, followed.state().restarts)
    }
  })
}
