/**
 * An error that its reader can act on: what happened (with the value), why that is wrong, what to do.
 * Thrown at the edges (`infra/`, `workers/`); an expected refusal inside `functions/` is a value, not a Fault.
 */
export class Fault extends Error {
  readonly code: string
  readonly what: string
  readonly why: string
  readonly remedy: string
  /** True when the same attempt may succeed later without anybody acting. */
  readonly retry: boolean

  constructor(
    code: string,
    text: { what: string; why: string; remedy: string; retry?: boolean; cause?: unknown },
  ) {
    super(`${text.what}: ${text.why}. ${text.remedy}. [${code}]`, { cause: text.cause })
    this.name = 'Fault'
    this.code = code
    this.what = text.what
    this.why = text.why
    this.remedy = text.remedy
    this.retry = text.retry ?? false
  }
}
