/** Annotation `herald.io/reserve`: the address stays the Service's after it is deleted. */
import { parseDuration } from '../model/duration.ts'
import type { Service } from '../model/service.ts'

const RESERVE_ANNOTATION = 'herald.io/reserve'

/** Milliseconds; -1: for ever, 0: not at all (also when the annotation cannot be read). */
export function reserveMsOf(service: Pick<Service, 'annotations'>): number {
  const written = service.annotations[RESERVE_ANNOTATION]?.trim()
  return written === 'forever' ? -1 : parseDuration(written ?? '') || 0
}

/** What is wrong with the annotation, and what to write; null when nothing is. */
export function reservationMistake(service: Pick<Service, 'annotations'>): string | null {
  const written = service.annotations[RESERVE_ANNOTATION]?.trim()
  if (written === undefined || written === 'forever' || parseDuration(written) !== null) return null
  return (
    `annotation ${RESERVE_ANNOTATION}: ${JSON.stringify(written.slice(0, 80))} is no duration, so nothing is reserved: ` +
    'write, for example, 24h, 7d or forever'
  )
}
