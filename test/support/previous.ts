/** An earlier version of Herald out of the history of this checkout, made ready to run. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Scope } from './undo.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** Records, keys, jobs and beats: what the processes of two versions must understand of each other. */
const SPOKEN = ['functions/model', 'functions/wire', 'infra/queue', 'infra/redis']

/**
 * The version that users come from: the last release; before the first one, what stood before the last change to what
 * processes say to each other. Null where the history does not reach back so far.
 */
export function previousRef(): string | null {
  const release = git('describe', '--tags', '--abbrev=0', 'HEAD^')
  const change = release ?? git('log', '-1', '--format=%H^', '--', ...SPOKEN)
  return change && git('rev-parse', '--verify', '--quiet', '--short', `${change}^{commit}`)
}

/** False: it needs others, which npm has to bring. */
export const hasOurPackages = (ref: string): boolean =>
  git('show', `${ref}:package-lock.json`) ===
  readFileSync(join(ROOT, 'package-lock.json'), 'utf8').trim()

/** Unpacks and builds it beside packages like those of its lock file; answers the path of its `herald.mjs`. */
export function versionOf(t: Scope, ref: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'herald-version-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  run(folder, 'sh', '-c', 'git -C "$1" archive "$2" | tar -x', 'sh', ROOT, ref)
  if (hasOurPackages(ref)) {
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  } else run(folder, 'npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund')
  if (existsSync(join(folder, 'infra/build.mjs'))) run(folder, 'node', 'infra/build.mjs')
  return join(folder, 'workers/herald.mjs')
}

function git(...args: string[]): string | null {
  const { status, stdout } = spawnSync('git', ['-C', ROOT, ...args], { encoding: 'utf8' })
  return status === 0 && stdout.trim() !== '' ? stdout.trim() : null
}

function run(cwd: string, file: string, ...args: string[]): void {
  const { status, stdout, stderr } = spawnSync(file, args, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${file} ${args.join(' ')}: ${stdout}${stderr}`)
}
