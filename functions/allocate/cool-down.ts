/** How long an address rests before another Service may have it: a client may still believe in the old one. */

import type { Pool } from '../model/configuration.ts'
import { parseDuration } from '../model/duration.ts'

export const COOL_DOWN_ANNOTATION = 'herald.io/cool-down'

/** Milliseconds; 0: not at all, and then the order is exactly MetalLB's. */
export function coolDownOf(pool: Pool | undefined, fallbackMs: number): number {
  const written = pool?.annotations[COOL_DOWN_ANNOTATION]
  return written === undefined ? fallbackMs : (parseDuration(written) ?? fallbackMs)
}
