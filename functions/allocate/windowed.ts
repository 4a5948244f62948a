/** Turns choices into the options of claim.lua: no more than 64 windows a call, the caller continues. */
import type { AddressRange } from '../model/address.ts'
import { namespaceQuotaOf } from '../model/pool-annotations.ts'
import type { Choice } from './choices.ts'
import { gapsOf } from './guards.ts'
import { type Place, type Window, windowsOf } from './windows.ts'

export type WindowedPart =
  | { readonly exact: Place }
  | { readonly windows: readonly Window[]; readonly buggy: boolean }

export interface WindowedOption {
  readonly pool: string
  readonly parts: readonly WindowedPart[]
  readonly lacking: boolean
  /** As a Choice has it. */
  readonly shown?: boolean
  /** How many addresses of the pool the Service's namespace may hold; absent: as many as there are. */
  readonly quota?: number
}

/** What one call tries, and the choice that each option stands for. */
export type Batch = readonly { readonly choice: Choice; readonly option: WindowedOption }[]

/** One call of claim.lua looks at no more pages than this; a full /8 takes four calls. */
export const WINDOWS_MOST = 64

/**
 * Batches of options, in order. Lazy, as an IPv6 /48 has 2^64 windows: to `next` goes why each option of
 * the batch before could not be had ("full <part>"), so that only the part that is full is searched on.
 */
export function* batches(
  choices: readonly Choice[],
  nodeAddresses: readonly string[] = [],
): Generator<Batch, void, readonly string[]> {
  let batch: { choice: Choice; option: WindowedOption }[] = []
  let size = 0
  for (const choice of choices) {
    const cursors = cursorsOf(choice, gapsOf(choice.pool, nodeAddresses))
    const windows = cursors.reduce((sum, cursor) => sum + cursor.size(), 0)
    const long = cursors.some(cursor => cursor.more())
    if (batch.length > 0 && (long || size + windows > WINDOWS_MOST)) {
      yield batch
      batch = []
      size = 0
    }
    if (long) {
      yield* searchOn(choice, cursors)
    } else {
      batch.push({ choice, option: optionOf(choice, cursors) })
      size += windows
    }
  }
  if (batch.length > 0) yield batch
}

/** A choice too long for one call: chunk after chunk of whichever part is full. */
function* searchOn(
  choice: Choice,
  cursors: readonly Cursor[],
): Generator<Batch, void, readonly string[]> {
  for (;;) {
    const [reason] = yield [{ choice, option: optionOf(choice, cursors) }]
    const full = /^full (\d+)$/.exec(reason ?? '')?.[1]
    const cursor = full ? cursors[Number(full) - 1] : undefined
    if (!cursor?.more()) return
    cursor.advance()
  }
}

function optionOf({ pool, lacking, shown }: Choice, cursors: readonly Cursor[]): WindowedOption {
  const quota = namespaceQuotaOf(pool)
  return {
    pool: pool.name,
    parts: cursors.map(cursor => cursor.part()),
    lacking: lacking !== undefined,
    ...(quota !== null && { quota }),
    ...(shown && { shown }),
  }
}

interface Cursor {
  part(): WindowedPart
  size(): number
  more(): boolean
  advance(): void
}

function cursorsOf({ pool, parts }: Choice, gaps: readonly AddressRange[]): Cursor[] {
  const most = Math.floor(WINDOWS_MOST / parts.length)
  return parts.map(part =>
    'exact' in part
      ? { part: () => part, size: () => 1, more: () => false, advance() {} }
      : cursorOf(
          windowsOf(pool, part.family, gaps),
          pool.avoidBuggyIPs && part.family === 'IPv4',
          most,
        ),
  )
}

function cursorOf(windows: Iterator<Window>, buggy: boolean, most: number): Cursor {
  let ahead = windows.next()
  let chunk: Window[] = []
  const advance = () => {
    chunk = []
    for (; !ahead.done && chunk.length < most; ahead = windows.next()) chunk.push(ahead.value)
  }
  advance()
  return {
    part: () => ({ windows: chunk, buggy }),
    size: () => chunk.length,
    more: () => !ahead.done,
    advance,
  }
}
