// Where `npm run build` (build.mjs) leaves the sources as JavaScript, and whether that is what they say now.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('..', import.meta.url))
export const DIST = join(ROOT, 'dist')
export const ROOMS = ['functions', 'infra', 'workers']
/** Written last: a build that was cut off is none. */
export const BUILT = join(DIST, '.built')

/** False when nothing was built, or a source has changed since. */
export function isBuilt() {
  const builtMs = changedMs(BUILT)
  if (builtMs === null) return false
  const sources = ROOMS.flatMap(room =>
    readdirSync(join(ROOT, room), { recursive: true }).map(path => join(ROOT, room, path)),
  )
  // A file that is gone by now has changed its folder.
  return [...sources, join(ROOT, 'package.json')].every(path => (changedMs(path) ?? 0) <= builtMs)
}

const changedMs = path => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? null
