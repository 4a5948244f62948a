import { type Cause, cause } from './api-error.ts'
import { qualifiedNameFault } from './metadata.ts'
import { type ApiObject, equal, isObject, type JsonObject, textAt, without } from './object.ts'
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
 * The rules of both versions (k8s.io/kubernetes/pkg/apis/core/validation/events.go). Events of the new kind are known by their
 * eventTime; `strict` is a write through events.k8s.io/v1. Field names are core/v1's in the messages of both.
 */
export function validateEvent(event: ApiObject, old: ApiObject | null, strict: boolean): Cause[] {
  const causes = event.eventTime ? validateNew(event) : validateNamespace(event)
  if (!strict) return causes
  return [...causes, ...(old ? immutable(event, old) : validateStrict(event))]
}

const ELSEWHERE = 'does not match event.namespace'

function validateNamespace(event: ApiObject): Cause[] {
  const regarded = textAt(event, 'involvedObject', 'namespace')
  if ((regarded || 'default') === event.metadata.namespace) return []
  return [cause.invalid('involvedObject.namespace', regarded, ELSEWHERE)]
}

function validateNew(event: ApiObject): Cause[] {
  const causes: Cause[] = []
  const home = event.metadata.namespace ?? ''
  if (
    !textAt(event, 'involvedObject', 'namespace') &&
    home !== 'default' &&
    home !== 'kube-system'
  ) {
    causes.push(cause.invalid('involvedObject.namespace', '', ELSEWHERE))
  }
  const controller = textAt(event, 'reportingComponent')
  if (controller === '') causes.push(cause.required('reportingController'))
  const fault = qualifiedNameFault(controller)
  if (fault) causes.push(cause.invalid('reportingController', controller, fault))
  for (const [field, maximum] of Object.entries(BYTES_MAX)) {
    const text = textAt(event, field)
    if (text === '' && field !== 'message') causes.push(cause.required(field))
    if (Buffer.byteLength(text) > maximum) {
      causes.push(cause.invalid(field, '', `can have at most ${maximum} characters`))
    }
  }
  return causes
}

const BYTES_MAX = { reportingInstance: 128, action: 128, reason: 128, message: 1024 }

function validateStrict(event: ApiObject): Cause[] {
  const causes = validateSeries(event)
  if (!event.eventTime) causes.push(cause.required('eventTime'))
  const type = textAt(event, 'type')
  if (type !== 'Normal' && type !== 'Warning') {
    causes.push(cause.invalid('type', '', `has invalid value: ${type}`))
  }
  const source = textAt(event, 'source', 'component') || textAt(event, 'source', 'host')
  const { firstTimestamp, lastTimestamp, count } = event
  for (const [field, value] of Object.entries({ firstTimestamp, lastTimestamp, count, source })) {
    if (value) causes.push(cause.invalid(field, '', 'needs to be unset'))
  }
  return causes
}

function validateSeries(event: ApiObject): Cause[] {
  if (!isObject(event.series)) return []
  const { count, lastObservedTime } = event.series
  const causes: Cause[] = []
  if (Number(count ?? 0) < 2) causes.push(cause.invalid('series.count', '', 'should be at least 2'))
  if (!lastObservedTime) causes.push(cause.required('series.lastObservedTime'))
  return causes
}

/** Of an event only the series may change. */
function immutable(event: ApiObject, old: ApiObject): Cause[] {
  const series = equal(event.series, old.series) ? [] : validateSeries(event)
  const changed = FIXED.filter(field => !equal(event[field] ?? null, old[field] ?? null))
  return [
    ...series,
    ...changed.map(field =>
      cause.invalid(
        field === 'reportingComponent' ? 'reportingController' : field,
        event[field],
        'field is immutable',
      ),
    ),
  ]
}

const FIXED = [
  'involvedObject',
  'reason',
  'message',
  'source',
  'firstTimestamp',
  'lastTimestamp',
  'count',
  'type',
  'eventTime',
  'action',
  'related',
  'reportingComponent',
  'reportingInstance',
]
