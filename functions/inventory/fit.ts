/**
 * Tables below each other, an empty line between them, on a screen of so many lines. Each gets the same room; what one does
 * not need, longer ones have. The head of a table is always there, and its last line says how many rows are left out.
 */
export function fit(tables: readonly (readonly string[])[], lines: number): string[] {
  let room = lines - (tables.length - 1)
  let others = tables.length
  const shown = new Map<readonly string[], readonly string[]>()
  for (const table of [...tables].sort((a, b) => a.length - b.length)) {
    const most = Math.max(2, Math.floor(room / others))
    shown.set(table, cut(table, most))
    room -= Math.min(table.length, most)
    others--
  }
  return tables.flatMap((table, at) => [...(at > 0 ? [''] : []), ...(shown.get(table) ?? [])])
}

const cut = (table: readonly string[], most: number): readonly string[] =>
  table.length <= most
    ? table
    : [...table.slice(0, most - 1), `… and ${table.length - most + 1} more`]
