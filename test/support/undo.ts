/** A test, a suite or a file (`{ after }` of node:test): what is to be undone when it ends is said to it. */
export interface Scope {
  after(undo: () => unknown): void
}

/** `after` in reverse: node:test undoes in the order of doing, but a client must go before its server. */
export function undoing(t: Scope): Scope {
  const undos: (() => unknown)[] = []
  t.after(async () => {
    const failures: unknown[] = []
    for (const undo of undos.reverse()) {
      await Promise.resolve()
        .then(undo)
        .catch(error => failures.push(error)) // the rest must be undone all the same
    }
    if (failures.length > 0) throw failures[0]
  })
  return { after: undo => void undos.push(undo) }
}
