import type { Row } from './row.ts'

export interface Changes {
  readonly changed: readonly Row[]
  readonly gone: readonly string[]
}

/** What rows now say that they did not say before; `shown`, by name the text last compared, is brought up to date. */
export function changesOf(rows: readonly Row[], shown: Map<string, string>): Changes {
  const names = new Set(rows.map(row => row.name))
  const gone = [...shown.keys()].filter(name => !names.has(name))
  for (const name of gone) shown.delete(name)
  const changed = rows.filter(row => {
    const text = JSON.stringify(row)
    if (shown.get(row.name) === text) return false
    shown.set(row.name, text)
    return true
  })
  return { changed, gone }
}
