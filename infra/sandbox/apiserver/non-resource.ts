import { ApiError, pageNotFound } from './api-error.ts'
import type { Catalog } from './catalog.ts'
import { discovery } from './discovery.ts'
import { openApiV2, openApiV3 } from './openapi.ts'
import { type Answer, json } from './respond.ts'

/** Answers a path that names no resource: health, version, discovery, OpenAPI. 404 for all others. */
export function nonResource(catalog: Catalog, path: string, accept: string, host: string): Answer {
  if (/^\/(healthz|readyz|livez)(\/|$)/.test(path)) {
    return { code: 200, type: 'text/plain; charset=utf-8', text: 'ok' }
  }
  if (path === '/version') return json(VERSION)
  if (path === '/') return json({ paths: PATHS })
  if (path === '/openapi/v2') {
    const types = accept.split(',').map(range => range.split(';')[0]?.trim())
    const fits = accept === '' || types.some(type => type === 'application/json' || type === '*/*')
    if (!fits) throw notAcceptable()
    return json(openApiV2(catalog))
  }
  if (path.startsWith('/openapi/v3')) {
    const document = openApiV3(catalog, path)
    if (document) return json(document)
  }
  const found = discovery(catalog, path, accept, host)
  if (!found) throw pageNotFound()
  return { ...json(found.body), type: found.type }
}

const PATHS = [
  '/api',
  '/apis',
  '/healthz',
  '/livez',
  '/openapi/v2',
  '/openapi/v3',
  '/readyz',
  '/version',
]

const VERSION = {
  major: '1',
  minor: '35',
  gitVersion: 'v1.35.0+herald-sandbox',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '2026-01-01T00:00:00Z',
  goVersion: 'go1.25',
  compiler: 'gc',
  platform: 'linux/amd64',
}

export function notAcceptable(): ApiError {
  const message =
    'only the following media types are accepted: application/json, application/json;as=Table;v=v1;g=meta.k8s.io'
  return new ApiError(406, 'NotAcceptable', message)
}
