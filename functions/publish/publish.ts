/**
 * Decides what must be written to Kubernetes so that a Service shows what it holds: one status patch, one
 * event. Nothing is written that would change nothing; a status is emptied only for an allocation that
 * says "holds nothing", never for one that is missing.
 */
import { createHash } from 'node:crypto'
import type { Allocation } from '../model/allocation.ts'
import { type Condition, POOL_ANNOTATION, type Service } from '../model/service.ts'

export const ASSIGNED_CONDITION = 'herald.io/AddressAssigned'

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
  readonly event: EventText | null
}

export function publish(service: Service, allocation: Allocation | null, now: string): Publication {
  if (!allocation || allocation.uid !== service.uid) return { patch: null, event: null }
  const ours = service.type === 'LoadBalancer'
  if (!ours && allocation.addresses.length > 0) return { patch: null, event: null } // about to be released
  return {
    patch: patchOf(service, allocation, ours, now),
    event: ours ? eventOf(service, allocation) : null,
  }
}

function patchOf(
  service: Service,
  allocation: Allocation,
  ours: boolean,
  now: string,
): StatusPatch | null {
  const { addresses, pool } = allocation
  const sameAddresses = addresses.join() === service.addresses.join()
  const samePool = (service.annotations[POOL_ANNOTATION] ?? null) === pool
  const conditions = ours ? conditionsOf(service, allocation, now) : without(service)
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
  const old = service.conditions.find(one => one.type === ASSIGNED_CONDITION)
  const { refusal, addresses, pool } = allocation
  const fresh = refusal
    ? { status: 'False' as const, reason: refusal.reason, message: refusal.message }
    : {
        status: 'True' as const,
        reason: 'Assigned',
        message: `${addresses.join(', ')} from pool "${pool}"`,
      }
  if (!refusal && addresses.length === 0) return without(service)
  if (
    old?.status === fresh.status &&
    old.reason === fresh.reason &&
    old.message === fresh.message
  ) {
    return service.conditions
  }
  const lastTransitionTime = old?.status === fresh.status ? old.lastTransitionTime : now
  const condition: Condition = { type: ASSIGNED_CONDITION, ...fresh, lastTransitionTime }
  return [...service.conditions.filter(one => one.type !== ASSIGNED_CONDITION), condition]
}

function without(service: Service): readonly Condition[] {
  return service.conditions.some(one => one.type === ASSIGNED_CONDITION)
    ? service.conditions.filter(one => one.type !== ASSIGNED_CONDITION)
    : service.conditions
}

function eventOf(service: Service, allocation: Allocation): EventText | null {
  const { refusal, addresses, pool, sinceMs } = allocation
  if (refusal) {
    return named(service, [refusal.reason, refusal.message, addresses.join()], {
      type: 'Warning',
      reason: EVENT_REASONS[refusal.reason] ?? refusal.reason,
      action: 'Allocate',
      note: addresses.length
        ? `It keeps ${addresses.join(', ')}. ${refusal.message}`
        : refusal.message,
    })
  }
  const published = addresses.join() === service.addresses.join()
  if (addresses.length === 0 || published) return null
  return named(service, ['IPAllocated', addresses.join(), String(sinceMs)], {
    type: 'Normal',
    reason: 'IPAllocated',
    action: 'Allocate',
    note: `Assigned IP ${addresses.map(ip => `"${ip}"`).join(', ')} from pool "${pool}"`,
  })
}

/** MetalLB's reasons where a condition may not have them: it takes no spaces. */
const EVENT_REASONS: Readonly<Record<string, string>> = {
  NotEnoughClusterIPs: 'not enough clusterips',
}

export function named(
  service: Service,
  content: readonly string[],
  text: Omit<EventText, 'name'>,
): EventText {
  const digest = createHash('sha256')
    .update([service.uid, ...content].join('\n'))
    .digest('hex')
  return { name: `${service.name}.${digest.slice(0, 16)}`, ...text }
}
