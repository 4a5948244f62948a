import { type Cause, cause } from './api-error.ts'
import { type ApiObject, type Json, type JsonObject, textAt, without } from './object.ts'
import type { Resource } from './resources.ts'

/** Events lie in the store as core/v1 shows them; this is how events.k8s.io/v1 shows the same objects. */
export const EVENTS_V1: Pick<Resource, 'encode' | 'decode' | 'selectable'> = {
  encode: event => ({
    ...renamed(event, Object.entries(NAMES)),
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: event.metadata,
  }),
  decode: event => ({
    ...renamed(
      event,
      Object.entries(NAMES).map(([core, events]) => [events, core]),
    ),
    apiVersion: 'v1',
    kind: 'Event',
    metadata: event.metadata,
  }),
  selectable: {
    ...Object.fromEntries(
      ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map(
        part => [`regarding.${part}`, (event: ApiObject) => textAt(event, 'involvedObject', part)],
      ),
    ),
    reason: event => textAt(event, 'reason'),
    type: event => textAt(event, 'type'),
    reportingController: event => textAt(event, 'reportingComponent'),
  },
}

/** core/v1 name → events.k8s.io/v1 name, where they differ (k8s.io/kubernetes/pkg/apis/events/v1/conversion.go). */
const NAMES: Readonly<Record<string, string>> = {
  involvedObject: 'regarding',
  message: 'note',
  reportingComponent: 'reportingController',
  source: 'deprecatedSource',
  firstTimestamp: 'deprecatedFirstTimestamp',
  lastTimestamp: 'deprecatedLastTimestamp',
  count: 'deprecatedCount',
}

function renamed(event: ApiObject, names: readonly (readonly [string, string])[]): JsonObject {
  const next = without(event, ...names.map(([from]) => from))
  for (const [from, to] of names) if (event[from] !== undefined) next[to] = event[from]
  return next
}

/** The fields that core/v1 always writes, empty or not. */
export function defaultEvent(event: ApiObject): void {
  event.source ??= {}
  event.firstTimestamp ??= null
  event.lastTimestamp ??= null
  event.eventTime ??= null
  event.reportingComponent ??= ''
  event.reportingInstance ??= ''
}

/**
 * The rules of both versions; the strict ones hold for events of the new kind, which are known by their eventTime
 * (k8s.io/kubernetes/pkg/apis/core/validation/events.go). Field names are core/v1's.
 */
export function validateEvent(event: ApiObject, old: ApiObject | null, strict: boolean): Cause[] {
  const regarded = textAt(event, 'involvedObject', 'namespace')
  const causes: Cause[] = []
  if ((regarded || 'default') !== event.metadata.namespace) {
    causes.push(
      cause.invalid('involvedObject.namespace', regarded, 'does not match event.namespace'),
    )
  }
  if (!strict) return causes
  if (old) return [...causes, ...immutable(event, old)]
  const missing = (field: string) => causes.push(cause.required(field))
  if (!event.eventTime) missing('eventTime')
  const controller = textAt(event, 'reportingComponent')
  if (!controller) missing('reportingController')
  else if (!/^([a-z0-9.-]+\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/.test(controller)) {
    causes.push(
      cause.invalid('reportingController', controller, 'name part must be a qualified name'),
    )
  }
  for (const [field, maximum] of Object.entries(LENGTHS)) {
    const text = textAt(event, field)
    if (text === '' && field !== 'message') missing(field)
    if (Buffer.byteLength(text) > maximum) {
      causes.push(
        cause.invalid(NAMES[field] ?? field, '', `can have at most ${maximum} characters`),
      )
    }
  }
  const type = textAt(event, 'type')
  if (type !== 'Normal' && type !== 'Warning') {
    causes.push(cause.invalid('type', type, 'has invalid value'))
  }
  return causes
}

const LENGTHS = { reportingInstance: 128, action: 128, reason: 128, message: 1024 }

/** Of an event of the new kind only the series may change. */
function immutable(event: ApiObject, old: ApiObject): Cause[] {
  const fields = ['involvedObject', 'reason', 'message', 'eventTime', 'action', 'related', 'type']
  return fields
    .filter(field => JSON.stringify(event[field] ?? null) !== JSON.stringify(old[field] ?? null))
    .map(field => cause.invalid(NAMES[field] ?? field, shown(event[field]), 'field is immutable'))
}

const shown = (value: Json | undefined): Json => value ?? null
