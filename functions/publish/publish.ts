/**
 * Decides what must be written to Kubernetes so that a Service shows what it holds: one status patch, and the events
 * that say so. Nothing is written that would change nothing, and nothing is said that no write shows: so a restart, an
 * empty Redis or a second watcher says nothing anew. A status is emptied only for an allocation that says "holds
 * nothing", never for one that is missing.
 */
import { CONFLICT } from '../allocate/conflict.ts'
import { reservationMistake } from '../allocate/reservation.ts'
import { familyOf } from '../model/address.ts'
import type { Allocation, Refusal } from '../model/allocation.ts'
import {
  ASSIGNED_CONDITION,
  type Condition,
  POOL_ANNOTATION,
  type Service,
} from '../model/service.ts'
import { conditionOf, type Verdict } from './condition.ts'
import { digest } from './digest.ts'

export interface StatusPatch {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string | null>> }
  readonly status?: {
    readonly loadBalancer?: { readonly ingress: readonly { readonly ip: string }[] | null }
    readonly conditions?: readonly Condition[]
  }
}

export interface EventText {
  /** Derived from its content: saying it twice writes it once. */
  readonly name: string
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly action: string
  readonly note: string
}

export interface Publication {
  readonly patch: StatusPatch | null
  /** Said once the patch is written; none without one. */
  readonly events: readonly EventText[]
}

const NOTHING: Publication = { patch: null, events: [] }

/** The resourceVersion of the Service, which the events are named by too: each change is said once. */
export function publish(service: Service, allocation: Allocation | null, now: string): Publication {
  const mine = allocation?.uid === service.uid ? allocation : null
  if (service.type !== 'LoadBalancer') {
    const released = !mine || mine.addresses.length === 0
    return { patch: released ? withdrawn(service) : null, events: [] }
  }
  if (!mine) return NOTHING
  const patch = patchOf(service, mine, now)
  return patch ? { patch, events: eventsOf(service, mine, patch) } : NOTHING
}

/** What of a Service shows that a patch was written, as text to be compared. */
export function shownBy({
  addresses,
  conditions,
}: Pick<Service, 'addresses' | 'conditions'>): string {
  return `${addresses.join()} ${conditions.find(isOurs)?.message ?? ''}`
}

/** What the Service will show once the patch is written. */
export function shownAfter(service: Service, { status }: StatusPatch): string {
  return shownBy({
    addresses: status?.loadBalancer
      ? (status.loadBalancer.ingress ?? []).map(({ ip }) => ip)
      : service.addresses,
    conditions: status?.conditions ?? service.conditions,
  })
}

/** A Service of another type asks for nothing: what is said of an address goes. The API server empties the rest itself. */
function withdrawn(service: Service): StatusPatch | null {
  const conditions = without(service)
  const annotated = POOL_ANNOTATION in service.annotations
  if (!annotated && conditions === service.conditions) return null
  return {
    metadata: annotated ? { annotations: { [POOL_ANNOTATION]: null } } : {},
    status: conditions === service.conditions ? {} : { conditions },
  }
}

function patchOf(service: Service, allocation: Allocation, now: string): StatusPatch | null {
  const { addresses, pool } = allocation
  const sameAddresses = addresses.join() === service.addresses.join()
  const samePool = (service.annotations[POOL_ANNOTATION] ?? null) === pool
  const conditions = conditionsOf(service, allocation, now)
  if (sameAddresses && samePool && conditions === service.conditions) return null
  return {
    metadata: samePool ? {} : { annotations: { [POOL_ANNOTATION]: pool } },
    status: {
      ...(sameAddresses
        ? {}
        : { loadBalancer: { ingress: addresses.length ? addresses.map(ip => ({ ip })) : null } }),
      ...(conditions === service.conditions ? {} : { conditions }),
    },
  }
}

/** The same list when nothing changes, so that it can be compared by identity. */
function conditionsOf(service: Service, allocation: Allocation, now: string): readonly Condition[] {
  const { refusal, addresses } = allocation
  if (!refusal && addresses.length === 0) return without(service)
  const type = ASSIGNED_CONDITION
  const verdict: Verdict = refusal
    ? { type, status: 'False', reason: refusal.reason, message: refusedFor(refusal, allocation) }
    : { type, status: 'True', reason: 'Assigned', message: assigned(service, allocation) }
  const condition = conditionOf(verdict, service.conditions, now)
  return service.conditions.includes(condition)
    ? service.conditions
    : [...service.conditions.filter(one => !isOurs(one)), condition]
}

/** With what it lacks, lost or got wrong, if it does: a Service is told on itself. */
function assigned(service: Service, allocation: Allocation): string {
  const held = `${allocation.addresses.join(', ')} from pool "${allocation.pool}"`
  const told = noticesOf(service, allocation).filter(({ reason }) => reason !== CLEARED)
  const mistake = reservationMistake(service)
  return [held, ...told.map(({ message }) => message), ...(mistake ? [mistake] : [])].join('; ')
}

function refusedFor({ message }: Refusal, { notices = [] }: Allocation): string {
  const conflicts = notices.filter(({ reason }) => reason === CONFLICT)
  return [...conflicts.map(one => one.message), message].join('; ')
}

const CLEARED = 'ClearAssignment'

const LACKING = 'AdditionalAssignFailed'

/** Also when nothing is waited for, since the pool has no such address at all. */
function noticesOf(service: Service, { addresses, pool, notices = [] }: Allocation): Refusal[] {
  const wanted = service.ipFamilyPolicy === 'PreferDualStack' ? service.clusterIPs.length : 1
  const [only] = addresses
  if (!only || wanted === addresses.length || wanted < 2) return [...notices]
  if (notices.some(({ reason }) => reason === LACKING)) return [...notices]
  const missing = familyOf(only) === 'IPv4' ? 'IPv6' : 'IPv4'
  const message = `pool "${pool}" has no ${missing} addresses: add some to it, or let the Service be SingleStack`
  return [...notices, { reason: LACKING, message }]
}

function without(service: Service): readonly Condition[] {
  return service.conditions.some(isOurs)
    ? service.conditions.filter(one => !isOurs(one))
    : service.conditions
}

const isOurs = ({ type }: Condition): boolean => type === ASSIGNED_CONDITION

/** MetalLB's reasons and words (metallb-behaviour 4.9). */
function eventsOf(service: Service, allocation: Allocation, { status }: StatusPatch): EventText[] {
  const moved = status?.loadBalancer !== undefined
  const told = moved || status?.conditions !== undefined
  const { refusal } = allocation
  return [
    ...(refusal && told ? [refused(service, allocation, refusal)] : []),
    ...(!refusal && moved && allocation.addresses.length > 0
      ? [allocated(service, allocation)]
      : []),
    ...noticesOf(service, allocation)
      .filter(({ reason }) => (reason === CLEARED ? moved : told))
      .map(notice => noticed(service, notice)),
    ...deprecations(service),
    ...mistakes(service),
  ]
}

function allocated(service: Service, { addresses, pool }: Allocation): EventText {
  return named(service, {
    type: 'Normal',
    reason: 'IPAllocated',
    note: `Assigned IP ${addresses.map(ip => `"${ip}"`).join(', ')} from pool "${pool}"`,
  })
}

function refused(
  service: Service,
  { addresses }: Allocation,
  { reason, message }: Refusal,
): EventText {
  return named(service, {
    type: 'Warning',
    reason: EVENT_REASONS[reason] ?? reason,
    note: addresses.length > 0 ? `It keeps ${addresses.join(', ')}. ${message}` : message,
  })
}

/** What was lost or is lacking. */
function noticed(service: Service, { reason, message }: Refusal): EventText {
  const note = reason === CLEARED ? `Cleared the assignment: ${message}.` : `${message}.`
  return named(service, { type: reason === CONFLICT ? 'Warning' : 'Normal', reason, note })
}

function mistakes(service: Service): EventText[] {
  const note = reservationMistake(service)
  return note
    ? [named(service, { type: 'Warning', reason: 'InvalidAnnotation', note: `${note}.` })]
    : []
}

/** Each annotation with the old prefix, as MetalLB, obeyed or not; sorted, so that it is said alike by everybody. */
function deprecations(service: Service): EventText[] {
  return Object.keys(service.annotations)
    .filter(key => key.startsWith(OLD_PREFIX))
    .sort()
    .map(key => {
      const name = key.slice(OLD_PREFIX.length)
      const remedy = OBEYED.includes(name)
        ? `: write metallb.io/${name} instead`
        : ' and not read: remove it'
      const note = `Annotation ${key} is deprecated${remedy}.`
      return named(service, { type: 'Warning', reason: 'deprecatedAnnotation', note })
    })
}

const OLD_PREFIX = 'metallb.universe.tf/'
const OBEYED = ['address-pool', 'allow-shared-ip', 'loadBalancerIPs']

/** MetalLB's reasons where a condition may not have them: it takes no spaces. */
const EVENT_REASONS: Readonly<Record<string, string>> = {
  NotEnoughClusterIPs: 'not enough clusterips',
}

function named(service: Service, text: Omit<EventText, 'name' | 'action'>): EventText {
  const { uid, resourceVersion, name } = service
  return {
    name: `${name}.${digest(uid, resourceVersion, text.reason, text.note)}`,
    action: 'Allocate',
    ...text,
  }
}
