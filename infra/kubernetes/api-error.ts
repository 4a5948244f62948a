/**
 * A request that the API server refused, or that never reached it. Kubernetes says why in a Status object
 * (apimachinery, meta/v1 Status); a network says it with a code.
 */
export class ApiError extends Error {
  /** HTTP status; 0 when there was no (whole) answer. */
  readonly status: number
  /** Status.reason ("Conflict", "Expired"), or the code of what broke ("ECONNREFUSED", "Timeout"). */
  readonly reason: string
  /** What the server asks for before the next attempt; null when it asks for nothing. */
  readonly retryAfterMs: number | null
  /** The Status object, or whatever else was answered. */
  readonly body: unknown

  constructor(about: {
    status: number
    reason: string
    message: string
    retryAfterMs?: number | null
    body?: unknown
    cause?: unknown
  }) {
    super(about.message, { cause: about.cause })
    this.name = 'ApiError'
    this.status = about.status
    this.reason = about.reason
    this.retryAfterMs = about.retryAfterMs ?? null
    this.body = about.body ?? null
  }

  /** As errors of the system have it: the message says it all, no stack is needed in the log. */
  get code(): string {
    return this.reason
  }

  /** Reasons given beside the main one, as "NamespaceTerminating" (Status.details.causes). */
  get causes(): readonly string[] {
    const { details } = statusOf(this.body)
    return (details?.causes ?? []).flatMap(cause => cause.reason ?? [])
  }

  /** Fields that were found wrong, as "metadata.uid" (Status.details.causes). */
  get fields(): readonly string[] {
    const { details } = statusOf(this.body)
    return (details?.causes ?? []).flatMap(cause => cause.field ?? [])
  }
}

/** What was asked, for messages: "GET /api/v1/services". */
export interface Asked {
  readonly method: string
  readonly url: URL
}

/** An answer that is no success. */
export function refused(
  asked: Asked,
  answer: {
    readonly status: number
    readonly retryAfter: string | undefined
    readonly text: string
  },
): ApiError {
  const body = parsed(answer.text)
  const { reason = `Status${answer.status}`, message = answer.text.slice(0, 200) } = statusOf(body)
  const what = `${asked.method} ${asked.url.pathname}: ${answer.status} ${reason}`
  const retryAfterMs = retryAfterOf(answer.retryAfter, statusOf(body))
  const remedy = answer.status === 401 ? RENEW : ''
  const text = `${message === '' ? what : `${what}: ${message}`}${remedy}`
  return new ApiError({ status: answer.status, reason, message: text, retryAfterMs, body })
}

const RENEW =
  '. Renew the token or client certificate in the kubeconfig, or the service account of the pod'

/** An ERROR event in the middle of a watch: a Status object. */
export function refusedMidway(asked: Asked, object: unknown): ApiError {
  const { code = 500, reason = `Status${code}`, message = 'no reason given' } = statusOf(object)
  return new ApiError({
    status: code,
    reason,
    message: `watch of ${asked.url.pathname}: ${code} ${reason}: ${message}`,
    retryAfterMs: retryAfterOf(undefined, statusOf(object)),
    body: object,
  })
}

/** No answer, or one that broke off. */
export function unreached({ method, url }: Asked, cause: Error & { code?: string }): ApiError {
  if (cause instanceof ApiError) return cause
  const reason = cause.code ?? cause.name
  const remedy = remedyFor(reason, url)
  return new ApiError({
    status: 0,
    reason,
    message: `${method} ${url.origin}${url.pathname}: ${cause.message || reason}${remedy}`,
    cause,
  })
}

/** An answer that cannot be what was asked for: a proxy's page, half an object. */
export function senseless({ method, url }: Asked, why: string): ApiError {
  const message = `${method} ${url.origin}${url.pathname}: ${why}`
  return new ApiError({ status: 0, reason: 'SenselessAnswer', message })
}

/** Nothing was heard in time. */
export function silent({ method, url }: Asked, afterMs: number): ApiError {
  const message = `${method} ${url.origin}${url.pathname}: no answer for ${Math.round(afterMs)} ms`
  return new ApiError({ status: 0, reason: 'Timeout', message })
}

/** Codes of node:tls and OpenSSL for a certificate that is not trusted; asking again changes nothing. */
export const isDistrust = (reason: string): boolean =>
  /^(CERT_|ERR_TLS_CERT|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED|ERR_SSL_)/.test(reason)

function remedyFor(reason: string, url: URL): string {
  if (isDistrust(reason)) {
    return `. Check that certificate-authority and server in the kubeconfig belong together (server: ${url.origin})`
  }
  if (/^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)$/.test(reason)) {
    return `. Check that the API server runs and that the kubeconfig names its address (server: ${url.origin})`
  }
  return ''
}

interface Status {
  readonly code?: number
  readonly reason?: string
  readonly message?: string
  readonly details?: {
    readonly retryAfterSeconds?: number
    readonly causes?: readonly { readonly reason?: string; readonly field?: string }[]
  }
}

function statusOf(body: unknown): Status {
  const isStatus = typeof body === 'object' && body !== null && 'kind' in body
  return isStatus && body.kind === 'Status' ? (body as Status) : {}
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text // not from the API server itself
  }
}

/** Seconds or a date (RFC 9110 section 10.2.3); else what the Status says. */
function retryAfterOf(header: string | undefined, { details }: Status): number | null {
  const seconds = header === undefined ? Number.NaN : Number(header)
  if (seconds >= 0) return seconds * 1000
  const untilMs = header === undefined ? Number.NaN : Date.parse(header)
  if (!Number.isNaN(untilMs)) return Math.max(0, untilMs - Date.now())
  return details?.retryAfterSeconds ? details.retryAfterSeconds * 1000 : null
}
