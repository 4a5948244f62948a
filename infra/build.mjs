// `npm run build`: the sources as JavaScript in dist/, laid out as they are here, with the files that they read beside them.
// A process starts in half the time and keeps 30 MB less than one that strips types as it goes. The command `herald` runs
// what was built as long as no source is younger (built.mjs).
import { spawnSync } from 'node:child_process'
import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { BUILT, DIST, ROOMS, ROOT } from './built.mjs'

const tsc = join(
  dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
  'bin/tsc',
)

rmSync(DIST, { recursive: true, force: true })
const { status } = spawnSync(
  process.execPath,
  [tsc, '-p', join(ROOT, 'infra/tsconfig.build.json')],
  {
    stdio: 'inherit',
  },
)
if (status !== 0) process.exit(status ?? 1)
for (const room of ROOMS) {
  cpSync(join(ROOT, room), join(DIST, room), {
    recursive: true,
    filter: path => !/\.(ts|mjs|webp)$/.test(path),
  })
}
cpSync(join(ROOT, 'package.json'), join(DIST, 'package.json'))
writeFileSync(BUILT, '')
