/** AdmissionReview (admission.k8s.io/v1): what an API server asks before it stores an object, and the answer. */

export interface Question {
  readonly uid: string
  readonly operation: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
  /** As it would be stored; null when it is to be deleted. */
  readonly object: unknown
  /** As it is stored; null when it is to be created. */
  readonly oldObject: unknown
}

export interface Opinion {
  /** Null: it may be stored. */
  readonly refusal: string | null
  /** Said to the user whatever the answer. */
  readonly warnings: readonly string[]
}

/** Null when this is no AdmissionReview. */
export function readReview(review: unknown): Question | null {
  const request = member(review, 'request')
  const [uid, operation] = [text(member(request, 'uid')), text(member(request, 'operation'))]
  if (uid === '' || operation === '') return null
  return {
    uid,
    operation,
    kind: text(member(member(request, 'kind'), 'kind')),
    namespace: text(member(request, 'namespace')),
    name: text(member(request, 'name')),
    object: member(request, 'object') ?? null,
    oldObject: member(request, 'oldObject') ?? null,
  }
}

/** The answer as the API server wants it. A refusal is worded like one of RBAC: 403, Forbidden. */
export function reviewOf({ uid }: Question, { refusal, warnings }: Opinion): object {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: {
      uid,
      allowed: refusal === null,
      ...(refusal === null ? {} : { status: { code: 403, reason: 'Forbidden', message: refusal } }),
      ...(warnings.length > 0 ? { warnings } : {}),
    },
  }
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
