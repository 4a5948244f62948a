/**
 * Many small calls as a few large ones: what is asked for while a call is under way, or in the same turn of the event loop,
 * goes into the next one. At rest a call goes out at once. Under load the round trips, and what each costs on both sides,
 * are shared by all who wait. A call that fails fails for each of them.
 */
export function gathered<T, R>(
  ask: (items: readonly T[]) => Promise<readonly R[]>,
  most: number,
): (item: T) => Promise<R> {
  let waiting: Waiting<T, R>[] = []
  let busy = false
  const next = async () => {
    const taken = waiting.slice(0, most)
    waiting = waiting.slice(most)
    try {
      const answers = await ask(taken.map(one => one.item))
      taken.forEach((one, index) => {
        one.resolve(answers[index] as R)
      })
    } catch (error) {
      for (const one of taken) one.reject(error)
    }
    busy = waiting.length > 0
    if (busy) next()
  }
  return item =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      if (busy) return
      busy = true
      setImmediate(next)
    })
}

interface Waiting<T, R> {
  readonly item: T
  resolve(answer: R): void
  reject(error: unknown): void
}
