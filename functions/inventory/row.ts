/** A row of a listing: the same facts for people (columns) and for scripts (JSON). */

export type Value = string | number | boolean | null | readonly string[]

export interface Row {
  /** What it is asked for by: "namespace/name", an address, a pool, a node, a queue. */
  readonly name: string
  readonly [fact: string]: Value
}

export interface Column {
  /** In capitals, as kubectl heads its columns. */
  readonly head: string
  /** Shown with `-o wide` only. */
  readonly wide?: boolean
  text(row: Row, nowMs: number): string
  /** Somebody should look at it. Never, where this is missing. */
  alarms?(row: Row): boolean
}

/** How a text stands out on a terminal. */
export type Tone = 'head' | 'alarm'

/** The fact as it is; a list with commas, "-" where there is none. */
export function plain(head: string, fact: string, wide = false): Column {
  return { head, wide, text: row => words(row[fact]) }
}

/** Stands out where that is so. */
export const alarming = (column: Column, alarms: (row: Row) => boolean): Column => ({
  ...column,
  alarms,
})

/** Time since the fact, as kubectl shows an age. */
export function age(head: string, fact: string, wide = false): Column {
  return {
    head,
    wide,
    text: (row, nowMs) => {
      const at = row[fact]
      return typeof at === 'number' ? ageOf(nowMs - at) : '-'
    },
  }
}

/** "12s", "5m", "3h", "9d": the greatest unit of which there are at least two, else the next smaller one. */
export function ageOf(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const [size, unit] = UNITS_S.find(([one]) => seconds >= 2 * one) ?? [1, 's']
  return `${Math.floor(seconds / size)}${unit}`
}

const UNITS_S: readonly (readonly [seconds: number, unit: string])[] = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'm'],
]

function words(value: Value | undefined): string {
  if (value === null || value === undefined || value === '') return '-'
  if (typeof value === 'object') return printable(value.join(',')) || '-'
  // The addresses of an IPv6 pool: their last digits are none that a number can hold.
  if (typeof value === 'number' && value > Number.MAX_SAFE_INTEGER) return value.toPrecision(2)
  return printable(String(value))
}

/** Users of a cluster write sharing keys and the like: what they write is not to move the cursor of who reads it. */
const printable = (text: string): string =>
  text.replace(/\p{Cc}/gu, one => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** One row as kubectl describes a thing: a line for each column. */
export function facts(
  columns: readonly Column[],
  row: Row,
  nowMs: number,
): (readonly [head: string, text: string])[] {
  return columns.map(({ head, text }) => [
    `${head.slice(0, 1)}${head.slice(1).toLowerCase()}:`,
    text(row, nowMs),
  ])
}

/** Lines of a table, the head first; each column as wide as its widest text. */
export function table(
  columns: readonly Column[],
  rows: readonly Row[],
  about: {
    readonly wide: boolean
    readonly nowMs: number
    paint(text: string, tone: Tone): string
  },
): string[] {
  const { wide, nowMs, paint } = about
  const shown = columns.filter(column => wide || !column.wide)
  const texts = [
    shown.map(column => column.head),
    ...rows.map(row => shown.map(column => column.text(row, nowMs))),
  ]
  const widths = shown.map((_, at) => Math.max(...texts.map(text => text[at]?.length ?? 0)))
  return texts.map((text, line) => {
    const row = rows[line - 1]
    return text
      .map((one, at) => {
        const tone = row ? shown[at]?.alarms?.(row) && 'alarm' : 'head'
        const rest = at < text.length - 1 ? ' '.repeat((widths[at] ?? 0) - one.length) : ''
        return `${tone && one !== '' ? paint(one, tone) : one}${rest}`
      })
      .join('   ')
      .trimEnd()
  })
}
