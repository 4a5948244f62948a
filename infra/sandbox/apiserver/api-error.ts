import type { Json, JsonObject } from './object.ts'

/** One entry of a Status's `details.causes`. */
export interface Cause {
  reason: string
  message: string
  field: string
}

/**
 * An error as the API server answers it: a `Status` object with the HTTP code, the machine-readable reason
 * and the words of kube-apiserver (k8s.io/apimachinery/pkg/api/errors).
 */
export class ApiError extends Error {
  readonly code: number
  readonly reason: string
  readonly details: JsonObject | null
  /** The Status's own metadata: a continue token of a stale list. */
  metadata: JsonObject = {}

  constructor(code: number, reason: string, message: string, details: JsonObject | null = null) {
    super(message)
    this.code = code
    this.reason = reason
    this.details = details
  }

  status(): JsonObject {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: this.metadata,
      status: 'Failure',
      message: this.message,
      ...(this.reason ? { reason: this.reason } : {}),
      ...(this.details ? { details: this.details } : {}),
      code: this.code,
    }
  }
}

/** What an error message calls a thing: "services" or "ipaddresspools.metallb.io". */
export interface Named {
  readonly group: string
  readonly plural: string
  readonly kind: string
}

const qualified = (named: Named) => (named.group ? `${named.plural}.${named.group}` : named.plural)

function detailsOf(named: Named, name: string): JsonObject {
  return {
    ...(name ? { name } : {}),
    ...(named.group ? { group: named.group } : {}),
    kind: named.plural,
  }
}

export function notFound(named: Named, name: string): ApiError {
  const message = `${qualified(named)} "${name}" not found`
  return new ApiError(404, 'NotFound', message, detailsOf(named, name))
}

export function alreadyExists(named: Named, name: string): ApiError {
  const message = `${qualified(named)} "${name}" already exists`
  return new ApiError(409, 'AlreadyExists', message, detailsOf(named, name))
}

export function conflict(named: Named, name: string, why: string = MODIFIED): ApiError {
  const message = `Operation cannot be fulfilled on ${qualified(named)} "${name}": ${why}`
  return new ApiError(409, 'Conflict', message, detailsOf(named, name))
}

const MODIFIED =
  'the object has been modified; please apply your changes to the latest version and try again'

export function forbidden(named: Named, name: string, why: string): ApiError {
  const subject = name ? `${qualified(named)} "${name}"` : qualified(named)
  const message = `${subject} is forbidden: ${why}`
  return new ApiError(403, 'Forbidden', message, detailsOf(named, name))
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, 'BadRequest', message)
}

/** 422: one line for a single cause, a list in brackets for several, as field.ErrorList prints. */
export function invalid(named: Named, name: string, causes: readonly Cause[]): ApiError {
  const lines = [...new Set(causes.map(cause => `${cause.field}: ${cause.message}`))]
  const text = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`
  const kind = named.group ? `${named.kind}.${named.group}` : named.kind
  return new ApiError(422, 'Invalid', `${kind} "${name}" is invalid: ${text}`, {
    ...(name ? { name } : {}),
    ...(named.group ? { group: named.group } : {}),
    kind: named.kind,
    causes: causes.map(({ reason, message, field }) => ({ reason, message, field })),
  })
}

export function expired(message: string): ApiError {
  return new ApiError(410, 'Expired', message)
}

export function methodNotAllowed(named: Named): ApiError {
  return new ApiError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    { kind: named.plural },
  )
}

export function pageNotFound(): ApiError {
  return new ApiError(404, 'NotFound', 'the server could not find the requested resource', {})
}

/** field.Invalid and its brothers (k8s.io/apimachinery/pkg/util/validation/field). */
export const cause = {
  invalid: (field: string, value: Json | undefined, why: string): Cause => ({
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${shown(value)}: ${why}`,
    field,
  }),
  required: (field: string, why = ''): Cause => ({
    reason: 'FieldValueRequired',
    message: why ? `Required value: ${why}` : 'Required value',
    field,
  }),
  duplicate: (field: string, value: Json): Cause => ({
    reason: 'FieldValueDuplicate',
    message: `Duplicate value: ${shown(value)}`,
    field,
  }),
  notSupported: (field: string, value: Json, supported: readonly string[]): Cause => ({
    reason: 'FieldValueNotSupported',
    message: `Unsupported value: ${shown(value)}: supported values: ${supported.map(text => `"${text}"`).join(', ')}`,
    field,
  }),
  forbidden: (field: string, why: string): Cause => ({
    reason: 'FieldValueForbidden',
    message: `Forbidden: ${why}`,
    field,
  }),
  tooLong: (field: string, maximum: number): Cause => ({
    reason: 'FieldValueTooLong',
    message: `Too long: may not be more than ${maximum} bytes`,
    field,
  }),
}

function shown(value: Json | undefined): string {
  return value === undefined || value === null ? 'null' : JSON.stringify(value)
}
