/**
 * A complete list, page by page (Kubernetes: "Retrieving large results sets in chunks"). All pages show one
 * moment, that of the resourceVersion; a list that fails half way is no list. Throws an ApiError, 410 when
 * the moment was forgotten before the last page.
 */
import { senseless } from './api-error.ts'
import type { KubernetesApi } from './client.ts'

export interface Listed<P> {
  readonly items: readonly P[]
  readonly resourceVersion: string
}

interface Pages {
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly pageSize: number
  readonly signal: AbortSignal
}

export async function listAll<P>(
  api: KubernetesApi,
  options: Pages & { project(object: unknown): P; heard(): void },
): Promise<Listed<P>> {
  const items: P[] = []
  let resourceVersion: string | null = null
  let next = ''
  do {
    const page = await pageOf(api, options, next)
    options.heard()
    for (const item of page.items) items.push(options.project(item))
    resourceVersion ??= page.resourceVersion
    next = page.next
  } while (next !== '')
  return { items, resourceVersion }
}

/** The version that the whole store is at: one counter serves all kinds. */
export async function currentVersion(api: KubernetesApi, signal: AbortSignal): Promise<string> {
  const options = { path: '/api/v1/namespaces', query: {}, pageSize: 1, signal }
  return (await pageOf(api, options, '')).resourceVersion
}

interface Page {
  readonly items: readonly unknown[]
  readonly resourceVersion: string
  readonly next: string
}

async function pageOf(api: KubernetesApi, options: Pages, next: string): Promise<Page> {
  const { path, signal } = options
  const query = {
    ...options.query,
    limit: String(options.pageSize),
    ...(next === '' ? {} : { continue: next }),
  }
  const body = (await api.request({ path, query, signal })) as {
    readonly items?: unknown
    readonly metadata?: { readonly resourceVersion?: unknown; readonly continue?: unknown }
  } | null
  const version = body?.metadata?.resourceVersion
  const items = body?.items ?? [] // Go writes an empty list as null
  if (typeof version !== 'string' || version === '' || !Array.isArray(items)) {
    const asked = { method: 'GET', url: new URL(`${api.server}${path}`) }
    throw senseless(asked, 'the answer is not a list')
  }
  const token = body?.metadata?.continue
  return { items, resourceVersion: version, next: typeof token === 'string' ? token : '' }
}
