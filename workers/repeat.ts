/** A task that is done at once and then every so often, and never twice at a time. */
export interface Repeated {
  /** Also within so many ms: once, however often it is said. */
  soon(ms: number): void
  stop(): void
}

export function repeat(
  everyMs: number,
  task: () => Promise<void>,
  failed: (error: unknown) => void,
): Repeated {
  let busy = false
  let again = false
  let early: NodeJS.Timeout | null = null
  const run = async () => {
    if (busy) return
    busy = true
    do {
      again = false
      await task().catch(failed)
    } while (again)
    busy = false
  }
  const timer = setInterval(run, everyMs)
  run()
  return {
    soon(ms) {
      early ??= setTimeout(() => {
        early = null
        again = busy
        run()
      }, ms)
    },
    stop() {
      clearInterval(timer)
      if (early) clearTimeout(early)
    },
  }
}
