/**
 * The API server, over kept connections. Every request ends: with its answer, or with an ApiError. What the
 * server could not do now (429, 5xx) or what broke on the way is asked again a few times, as late as the
 * server's Retry-After says (Kubernetes: API Priority and Fairness; RFC 9110 section 10.2.3).
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { setTimeout as after } from 'node:timers/promises'
import { ApiError, isDistrust, refused, senseless } from './api-error.ts'
import { type Credentials, type CredentialsSource, openCredentials } from './credentials.ts'
import { type Call, dropIdle, exchange, openPools, receive, stream } from './transport.ts'

export { ApiError } from './api-error.ts'

export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Begins with /api or /apis. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** JSON already: for numbers that JavaScript has not. */
  readonly text?: string
  readonly contentType?: string
  readonly signal?: AbortSignal
  /** For one attempt, from when it has a connection. */
  readonly timeoutMs?: number
  /** True when doing it twice is the same as once: then also asked again when it is unknown whether it was done. */
  readonly repeatable?: boolean
  /** No further attempt begins later than this after the first one began: what was decided may be out of date by then. */
  readonly patienceMs?: number
}

export interface KubernetesApi {
  readonly server: string
  /** The parsed answer. Throws an ApiError, or a Fault when credentials cannot be had. */
  request(request: ApiRequest): Promise<unknown>
  /** The answer as a stream, one attempt, over the connections for watches. The timeout ends with the headers. */
  open(request: ApiRequest): Promise<IncomingMessage>
  /** Last sign of life of the API server, ms since the epoch; 0: none yet. */
  lastContactMs(): number
  /** Ends all connections, whatever is under way on them. */
  close(): void
}

const TIMEOUT_MS = 30_000
const ATTEMPTS_MOST = 5
const BACKOFF_MS = { first: 100, most: 2000 }
/** Who is asked to wait for longer is told so, instead of waiting here. */
const RETRY_AFTER_MOST_MS = 15_000

/** Reads the credentials, asks nothing yet. Throws a Fault when there are none, or none that can be used. */
export async function connectKubernetes(source: CredentialsSource): Promise<KubernetesApi> {
  const credentials = openCredentials(source)
  await credentials.current()
  return apiOf(credentials)
}

function apiOf(credentials: Credentials): KubernetesApi {
  const { server } = credentials
  const pools = openPools(server)
  let lastContactMs = 0

  async function callOf(request: ApiRequest, pool: Call['options']['agent']): Promise<Call> {
    const { headers, ...options } = await credentials.current()
    const body =
      request.text ?? (request.body === undefined ? undefined : JSON.stringify(request.body))
    return {
      method: request.method ?? 'GET',
      url: urlOf(server, request),
      options: {
        agent: pool,
        ...options,
        headers: { ...headers, ...headersOf(request, body) },
      },
      body,
      signal: request.signal,
      timeoutMs: request.timeoutMs ?? TIMEOUT_MS,
    }
  }

  function judge(call: Call, status: number, text: string, headers: IncomingHttpHeaders): void {
    if (status < 500) lastContactMs = Date.now()
    if (status >= 200 && status < 300) return
    if (status === 401) credentials.renew()
    throw refused(call, { status, retryAfter: headers['retry-after'], text })
  }

  async function attempt(request: ApiRequest, begun: () => void): Promise<unknown> {
    const call = await callOf(request, pools.requests)
    try {
      const { status, headers, text } = await exchange(call, begun)
      judge(call, status, text, headers)
      return parse(text, call)
    } catch (error) {
      if (error instanceof ApiError && error.reason === 'Timeout') dropIdle(pools.requests)
      throw error
    }
  }

  return {
    server,
    async request(request) {
      let startMs: number | null = null
      const begun = () => {
        startMs ??= performance.now()
      }
      for (let attempts = 1; ; attempts++) {
        try {
          return await attempt(request, begun)
        } catch (error) {
          const delayMs = retryDelayMs(error, attempts, request)
          begun() // it may have failed before there was a connection
          const laterMs = performance.now() - (startMs ?? 0) + (delayMs ?? 0)
          if (delayMs === null || laterMs > (request.patienceMs ?? Infinity)) throw error
          await after(delayMs, undefined, { signal: request.signal })
        }
      }
    },
    async open(request) {
      const call = await callOf(request, pools.watches)
      const response = await stream(call)
      const { statusCode: status = 0, headers } = response
      const good = status >= 200 && status < 300
      judge(call, status, good ? '' : await receive(response, call), headers)
      return response
    },
    lastContactMs: () => lastContactMs,
    close() {
      pools.requests.destroy()
      pools.watches.destroy()
    },
  }
}

/** Null: do not ask again. Never less than the server asks for; the jitter keeps many from coming back at once. */
function retryDelayMs(error: unknown, attempts: number, request: ApiRequest): number | null {
  if (!(error instanceof ApiError) || attempts >= ATTEMPTS_MOST || request.signal?.aborted)
    return null
  const { status, reason, retryAfterMs } = error
  const repeatable = request.repeatable ?? request.method !== 'POST'
  const declined = status === 429 // certainly not done
  const broken = status >= 500 || (status === 0 && !isDistrust(reason))
  const renewed = status === 401 && attempts === 1
  if (!declined && !renewed && !(broken && repeatable)) return null
  if (retryAfterMs !== null && retryAfterMs > RETRY_AFTER_MOST_MS) return null
  const backoffMs = Math.min(BACKOFF_MS.first * 2 ** (attempts - 1), BACKOFF_MS.most)
  return (retryAfterMs ?? backoffMs / 2) + (Math.random() * backoffMs) / 2
}

function urlOf(server: string, { path, query = {} }: ApiRequest): URL {
  const url = new URL(`${server}${path}`)
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  return url
}

function headersOf(request: ApiRequest, body: string | undefined): Record<string, string> {
  return {
    accept: 'application/json',
    'user-agent': 'herald', // becomes the field manager
    ...(body === undefined
      ? {}
      : {
          'content-type': request.contentType ?? 'application/json',
          'content-length': String(Buffer.byteLength(body)),
        }),
  }
}

function parse(text: string, call: Call): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw senseless(call, `the answer is not JSON: ${text.slice(0, 100)}`)
  }
}
