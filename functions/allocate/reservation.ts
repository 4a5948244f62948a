/** Annotation `herald.io/reserve`: the address stays the Service's after it is deleted. */
import { parseDuration } from '../model/duration.ts'
import type { Service } from '../model/service.ts'

export const RESERVE_ANNOTATION = 'herald.io/reserve'

/** Milliseconds; -1: for ever, 0: not at all (also when the annotation cannot be read). */
export function reserveMsOf(service: Pick<Service, 'annotations'>): number {
  const written = service.annotations[RESERVE_ANNOTATION]?.trim()
  return written === 'forever' ? -1 : parseDuration(written ?? '') || 0
}
