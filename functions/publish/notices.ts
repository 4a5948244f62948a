/** Events beside the main one (metallb-behaviour 4.9): what was lost or is lacking, and annotations of old. */
import type { Allocation } from '../model/allocation.ts'
import type { Service } from '../model/service.ts'
import { type EventText, named } from './publish.ts'

/** `writes`: the Service is written to now; whatever is past is then said, and not with every answer. */
export function noticesOf(
  service: Service,
  allocation: Allocation | null,
  writes: boolean,
): EventText[] {
  if (!allocation || allocation.uid !== service.uid || service.type !== 'LoadBalancer') return []
  const notices = (allocation.notices ?? [])
    .filter(({ reason }) => writes || reason !== 'ClearAssignment')
    .map(({ reason, message }) =>
      named(service, [reason, message, String(allocation.sinceMs)], {
        type: 'Normal',
        reason,
        action: 'Allocate',
        note: reason === 'ClearAssignment' ? `Cleared the assignment: ${message}.` : `${message}.`,
      }),
    )
  return [...notices, ...(writes ? deprecations(service) : [])]
}

function deprecations(service: Service): EventText[] {
  return LEGACY.filter(key => key in service.annotations).map(key =>
    named(service, ['deprecatedAnnotation', key], {
      type: 'Warning',
      reason: 'deprecatedAnnotation',
      action: 'Allocate',
      note: `Annotation ${key} is deprecated: write ${key.replace(OLD_PREFIX, 'metallb.io/')} instead.`,
    }),
  )
}

const OLD_PREFIX = 'metallb.universe.tf/'
const LEGACY = ['address-pool', 'allow-shared-ip', 'loadBalancerIPs'].map(key => OLD_PREFIX + key)
