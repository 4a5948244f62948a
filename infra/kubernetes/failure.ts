/** What it means that following a kind broke off: what is said of it, whether its version is still good, when to try again. */
import { ApiError } from './api-error.ts'

export interface Failure {
  readonly text: string
  /** It was the server that said so: it is not away. */
  readonly answered: boolean
  /** The version is of no use any more: everything is listed anew. */
  readonly forgotten: boolean
  readonly level: 'info' | 'warn' | 'error'
  readonly words: string
}

const BACKOFF_MS = { first: 100, most: 5000 }
const RETRY_AFTER_MOST_MS = 60_000
/** Somebody must act before this works. */
const FORBIDDEN_RETRY_MS = 10_000

/** 410: forgotten; 404: uninstalled meanwhile; 400: not a version of this server's (any more). */
const FORGOTTEN = [410, 404, 400]

const SAID: Readonly<Record<number, Pick<Failure, 'level' | 'words'>>> = {
  410: { level: 'info', words: 'this version is forgotten; listing anew' },
  401: { level: 'error', words: 'the API server does not accept the credentials' },
  403: {
    level: 'error',
    words: 'a permission is missing; infra/deploy/rbac.yaml grants what is needed',
  },
}
const BROKE_OFF = { level: 'warn', words: 'following broke off; trying again' } as const

export function failureOf(error: unknown): Failure {
  const status = error instanceof ApiError ? error.status : 0
  return {
    text: error instanceof Error ? error.message : String(error),
    answered: status > 0 && status < 500,
    forgotten: FORGOTTEN.includes(status),
    ...(SAID[status] ?? BROKE_OFF),
  }
}

/** How long to wait before the next attempt, in ms; `failures` is how many there were in a row, this one included. */
export function retryDelayMs(error: unknown, failures: number): number {
  const jitter = 0.5 + Math.random() / 2
  const backoffMs = Math.min(BACKOFF_MS.first * 2 ** (failures - 1), BACKOFF_MS.most) * jitter
  if (!(error instanceof ApiError)) return backoffMs
  if (error.status === 401 || error.status === 403) return FORBIDDEN_RETRY_MS * jitter
  return Math.min(error.retryAfterMs ?? 0, RETRY_AFTER_MOST_MS) + backoffMs
}
