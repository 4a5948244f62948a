// Where `npm run build` (build.mjs) leaves the sources as JavaScript, and whether that is what they say now.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('..', import.meta.url))
export const DIST = join(ROOT, 'dist')
export const ROOMS = ['functions', 'infra', 'workers']
/** Written last: a build that was cut off is none. */
export const BUILT = join(DIST, '.built')

/** False when nothing was built, or a source has changed since. An image holds no sources: what it holds is built. */
export function isBuilt() {
  const builtMs = changedMs(BUILT)
  if (builtMs === null) return false
  const sources = ROOMS.flatMap(room => filesIn(join(ROOT, room)))
  return [...sources, join(ROOT, 'package.json')].every(path => (changedMs(path) ?? 0) <= builtMs)
}

const changedMs = path => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? null

function filesIn(folder) {
  if (changedMs(folder) === null) return []
  return readdirSync(folder, { recursive: true }).map(path => join(folder, path))
}
