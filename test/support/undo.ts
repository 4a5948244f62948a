/** A test, a suite or a file (`{ after }` of node:test): what is to be undone when it ends is said to it. */
export interface Scope {
  after(undo: () => unknown): void
}

/** `after` in reverse: node:test undoes in the order of doing, but a client must go before its server. */
export function undoing(t: Scope): Scope {
  const undos: (() => unknown)[] = []
  t.after(async () => {
    for (const undo of undos.reverse()) await undo()
  })
  return { after: undo => void undos.push(undo) }
}
