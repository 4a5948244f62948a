import type { TestContext } from 'node:test'

type Undo = () => unknown

/** `after` in reverse: node:test undoes in the order of doing, but a client must go before its server. */
export function undoing(t: Pick<TestContext, 'after'>): { after(undo: Undo): void } {
  const undos: Undo[] = []
  t.after(async () => {
    for (const undo of undos.reverse()) await undo()
  })
  return { after: undo => void undos.push(undo) }
}
