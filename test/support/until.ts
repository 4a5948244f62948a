import assert from 'node:assert/strict'
import { setTimeout as after } from 'node:timers/promises'

/** Polls until the condition holds; fails in the condition's own words after a generous limit. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMs = 20_000,
): Promise<void> {
  const end = Date.now() + limitMs
  while (!(await holds())) {
    assert.ok(Date.now() < end, `not within ${limitMs} ms: ${what}`)
    await after(10)
  }
}
