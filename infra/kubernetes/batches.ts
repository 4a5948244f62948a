/**
 * What has come of a stream while the last batch was worked on, in order. Reads at most `most` ahead, so that a stream waits for
 * a slow taker. What the stream throws comes after everything before it. Who stops early ends the stream by its own means.
 */
export async function* inBatches<T>(source: AsyncIterable<T>, most: number): AsyncGenerator<T[]> {
  let ready: T[] = []
  let ended: { readonly error?: unknown } | null = null
  let arrived = () => {}
  let emptied = () => {}
  const read = async () => {
    for await (const one of source) {
      ready.push(one)
      arrived()
      if (ready.length < most) continue
      await new Promise<void>(resolve => {
        emptied = resolve
      })
    }
  }
  read().then(
    () => {
      ended = {}
      arrived()
    },
    (error: unknown) => {
      ended = { error }
      arrived()
    },
  )
  for (;;) {
    if (ready.length > 0) {
      const batch = ready
      ready = []
      emptied()
      yield batch
    } else if (ended) {
      const { error } = ended as { readonly error?: unknown }
      if (error !== undefined) throw error
      return
    } else {
      await new Promise<void>(resolve => {
        arrived = resolve
      })
    }
  }
}
