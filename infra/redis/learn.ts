/** What a watcher saw of objects, written down in as few calls of learn.lua as there are kinds of record among them. */
import type { Keys } from './keys.ts'
import type { Run } from './script.ts'

export interface Learned {
  /** Key of the hash of records. */
  readonly records: string
  readonly field: string
  readonly resourceVersion: string
  /** JSON of the projection, or null: the object is gone. */
  readonly value: string | null
  /** Queue and key to make dirty when the content changed. */
  readonly bell: { readonly queue: string; readonly key: string } | null
  /** Key of a counter of accepted changes. */
  readonly counter?: string
}

interface Group {
  readonly keys: string[]
  /** Places in the list of all. */
  readonly at: number[]
}

/** For each, true when what is known of the object changed, null when something newer was known already. */
export async function learnAll(
  learn: Run,
  keys: Keys,
  all: readonly Learned[],
): Promise<(boolean | null)[]> {
  const answers: (boolean | null)[] = all.map(() => null)
  const ask = async (group: Group) => {
    const told = (await learn(
      group.keys,
      group.at.flatMap(at => valuesOf(all[at])),
    )) as number[]
    group.at.forEach((at, index) => {
      answers[at] = told[index] === -1 ? null : told[index] === 1
    })
  }
  await Promise.all(groupsOf(keys, all).map(ask))
  return answers
}

function groupsOf(keys: Keys, all: readonly Learned[]): Group[] {
  const groups = new Map<string, Group>()
  all.forEach(({ records, bell, counter }, at) => {
    const dirty = keys.dirty(bell?.queue ?? 'allocate')
    const touched = [records, dirty, keys.tombstones, ...(counter ? [counter] : [])]
    const name = touched.join()
    const group = groups.get(name) ?? { keys: touched, at: [] }
    group.at.push(at)
    groups.set(name, group)
  })
  return [...groups.values()]
}

const valuesOf = (one: Learned | undefined): string[] =>
  one ? [one.field, one.resourceVersion, one.value ?? 'null', one.bell?.key ?? ''] : []
