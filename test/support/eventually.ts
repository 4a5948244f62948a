import { setTimeout as after } from 'node:timers/promises'

/** Repeats an assertion until it holds; what it says at the end of its patience is the failure. */
export async function eventually<T>(check: () => T | Promise<T>, limitMs = 15_000): Promise<T> {
  const end = performance.now() + limitMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > end) throw error
    }
    await after(20)
  }
}
