/**
 * An Event of events.k8s.io/v1, within the limits that the API server checks (kubernetes:
 * pkg/apis/core/validation/events.go): what is too long is cut, never refused.
 */
import type { EventText } from '../../functions/publish/publish.ts'

export interface EventToWrite extends EventText {
  /** What it is about. */
  readonly regarding: {
    readonly apiVersion: string
    readonly kind: string
    /** Null: it has none. */
    readonly namespace: string | null
    readonly name: string
    readonly uid: string
    readonly resourceVersion?: string
  }
  /** Name of the process that says it. */
  readonly reportingInstance: string
}

/** Octets. */
const LIMIT = { name: 253, reason: 128, action: 128, note: 1024, reportingInstance: 128 } as const
const REPORTING_CONTROLLER = 'herald.io/watcher'

export function eventBody(event: EventToWrite, nowMs: number): object {
  const { namespace, ...regarding } = event.regarding
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: nameOf(event.name), namespace: namespaceOf(event) },
    type: event.type,
    reason: cut(event.reason, LIMIT.reason),
    action: cut(event.action, LIMIT.action),
    note: cut(event.note, LIMIT.note),
    eventTime: microTime(nowMs),
    reportingController: REPORTING_CONTROLLER,
    reportingInstance: cut(event.reportingInstance, LIMIT.reportingInstance),
    regarding: { ...regarding, ...(namespace === null ? {} : { namespace }) },
  }
}

/** Events about what has no namespace lie in "default". */
export function namespaceOf({ regarding }: EventToWrite): string {
  return regarding.namespace ?? 'default'
}

/** The end is kept: there stands what makes the name unique. */
function nameOf(name: string): string {
  return name.slice(-LIMIT.name).replace(/^[^a-z0-9]+/, '')
}

/** RFC 3339 with six decimals (meta/v1 MicroTime). */
function microTime(nowMs: number): string {
  return new Date(nowMs).toISOString().replace('Z', '000Z')
}

function cut(text: string, octetsMost: number): string {
  if (Buffer.byteLength(text) <= octetsMost) return text
  const octets = Buffer.from(text).subarray(0, octetsMost - Buffer.byteLength(ELLIPSIS))
  return octets.toString('utf8').replace(/\ufffd+$/, '') + ELLIPSIS // half a character at the end
}

const ELLIPSIS = '…'
