import type { ServerResponse } from 'node:http'
import { ApiError } from './api-error.ts'

export interface Answer {
  readonly code: number
  readonly type: string
  readonly text: string
  /** Said in Warning headers, which kubectl prints. */
  readonly warnings?: readonly string[]
}

export function json(body: object, code = 200): Answer {
  return jsonText(JSON.stringify(body), code)
}

export function jsonText(text: string, code = 200): Answer {
  return { code, type: 'application/json', text }
}

export function send(response: ServerResponse, answer: Answer): void {
  const { code, type, text, warnings = [] } = answer
  if (warnings.length > 0) {
    const lines = warnings.map(line => `299 - "${line.replace(/["\\]/g, '\\$&')}"`)
    // Node writes headers as Latin-1 (before a body of octets); the real server writes the octets of UTF-8.
    const octets = lines.map(line => Buffer.from(line).toString('latin1'))
    response.setHeader('warning', octets)
  }
  const body = Buffer.from(text)
  response.writeHead(code, {
    'content-type': type,
    'content-length': body.length,
    'cache-control': 'no-cache, private',
  })
  response.end(body)
}

/** Answers an error as a Status; what is no ApiError is a 500. A stream that has begun is cut. */
export function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const known =
    error instanceof ApiError
      ? error
      : new ApiError(500, 'InternalError', `Internal error occurred: ${String(error)}`)
  const after = known.details?.retryAfterSeconds
  if (after !== undefined) response.setHeader('retry-after', String(after))
  send(response, json(known.status(), known.code))
}
