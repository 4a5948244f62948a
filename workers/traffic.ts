/** Counts what is under way, and says when it is over. */
export interface Traffic {
  during<T>(work: () => Promise<T>): Promise<T>
  /** Resolves while nothing is under way. */
  quiet(): Promise<void>
}

export function traffic(): Traffic {
  let count = 0
  const waiting: (() => void)[] = []
  return {
    async during(work) {
      count++
      try {
        return await work()
      } finally {
        count--
        if (count === 0) for (const resolve of waiting.splice(0)) resolve()
      }
    },
    quiet: () => (count === 0 ? Promise.resolve() : new Promise(resolve => waiting.push(resolve))),
  }
}
