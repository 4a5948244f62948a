/**
 * The last step of a trace: until what was placed here has been announced on the wire, which a new address is once it
 * was probed.
 */
import { setTimeout as after } from 'node:timers/promises'
import type { Link } from '../infra/link/link.ts'
import { step, traceparent } from '../infra/tracing.ts'

const LOOK_EVERY_MS = 20
const LIMIT_MS = 5000

/** Does nothing outside a trace; a step that has waited too long is marked as failed, and nobody waits for it. */
export function traceFirstFrames(added: readonly string[], link: Link): void {
  if (added.length === 0 || !traceparent()) return
  const untilAnnounced = async () => {
    const limitMs = performance.now() + LIMIT_MS
    while (performance.now() < limitMs) {
      const { addresses } = await link.counters()
      if (added.every(one => (addresses[one]?.announcementsSent ?? 0) > 0)) return
      await after(LOOK_EVERY_MS)
    }
    throw new Error('not announced')
  }
  step('frame', { 'herald.addresses': added.join() }, untilAnnounced).catch(() => {}) // the trace says so
}
