/** Turns choices into the options of claim.lua: no more than 64 windows a call, the caller continues. */
import type { Choice } from './allocate.ts'
import { type Place, type Window, windowsOf } from './windows.ts'

export type WindowedPart =
  | { readonly exact: Place }
  | { readonly windows: readonly Window[]; readonly buggy: boolean }

export interface WindowedOption {
  readonly pool: string
  readonly parts: readonly WindowedPart[]
}

/** One call of claim.lua looks at no more pages than this; a full /8 takes four calls. */
export const WINDOWS_MOST = 64

/** Batches of options, in order; lazy, as an IPv6 /48 would have 2^58 of them. */
export function* batches(choices: readonly Choice[]): Generator<readonly WindowedOption[]> {
  let batch: WindowedOption[] = []
  let size = 0
  for (const choice of choices) {
    for (const parts of combinations(choice, 0)) {
      const windows = parts.reduce(
        (sum, part) => sum + ('windows' in part ? part.windows.length : 1),
        0,
      )
      if (batch.length > 0 && size + windows > WINDOWS_MOST) {
        yield batch
        batch = []
        size = 0
      }
      batch.push({ pool: choice.pool.name, parts })
      size += windows
    }
  }
  yield batch
}

/** Every pairing of window chunks of the parts from `index` on; the last part turns fastest. */
function* combinations(choice: Choice, index: number): Generator<WindowedPart[]> {
  const part = choice.parts[index]
  if (!part) {
    yield []
    return
  }
  const heads: Iterable<WindowedPart> =
    'exact' in part
      ? [part]
      : chunks(windowsOf(choice.pool, part.family), choice.pool.avoidBuggyIPs, choice.parts.length)
  for (const head of heads) {
    for (const rest of combinations(choice, index + 1)) yield [head, ...rest]
  }
}

function* chunks(
  windows: Iterable<Window>,
  buggy: boolean,
  parts: number,
): Generator<WindowedPart> {
  const most = Math.floor(WINDOWS_MOST / parts)
  let chunk: Window[] = []
  for (const window of windows) {
    chunk.push(window)
    if (chunk.length === most) {
      yield { windows: chunk, buggy }
      chunk = []
    }
  }
  if (chunk.length > 0) yield { windows: chunk, buggy }
}
