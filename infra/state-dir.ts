/**
 * The state directory: held by one `herald up` at a time. What that one says of itself lies in `up.json`, so that other
 * commands find it. A holder that died leaves the file; process id and start time together tell that it did.
 */
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { Fault } from '../functions/model/fault.ts'
import { replaceFile } from './replace-file.ts'

/** Who holds the state directory, and what a command needs to join in. */
export interface Holder {
  readonly pid: number
  /** As the system tells it; differs when the process id was used again. */
  readonly started: string
  /** As --redis-url takes it. */
  readonly redis?: string
  readonly kubeconfig?: string
  /** Put before a command, runs it as the client on the LAN. */
  readonly client?: readonly string[]
}

export interface HeldStateDir {
  readonly path: string
  /** Adds to what is said of the holder. */
  say(about: Pick<Holder, 'redis' | 'kubeconfig' | 'client'>): void
  release(): void
}

/** Makes the directory if need be. Throws Fault `StateDirInUse` or `StateDirUnusable`. */
export function holdStateDir(path: string): HeldStateDir {
  const self: Holder = { pid: process.pid, started: startOf(process.pid) ?? '' }
  try {
    makeFolder(path)
    while (!claim(path, self)) removeDead(path)
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    throw new Fault('StateDirUnusable', {
      what: `The state directory ${path} cannot be used`,
      why: cause instanceof Error ? cause.message : String(cause),
      remedy: 'Give one that you may write to: --state-dir <path> (or HERALD_STATE_DIR=<path>)',
      cause,
    })
  }
  return {
    path,
    say: about => put(fileIn(path), { ...self, ...about }),
    release: () => rmSync(fileIn(path), { force: true }),
  }
}

/** The living holder, or null. */
export function holderOf(path: string): Holder | null {
  const holder = read(fileIn(path))
  return holder && holder.started === startOf(holder.pid) ? holder : null
}

const fileIn = (path: string) => join(path, 'up.json')

/** Not `recursive`: Node 20 never comes back from a file system that answers ENOENT for good, as /proc does. */
function makeFolder(path: string): void {
  if (existsSync(path)) return
  const parent = dirname(path)
  if (!existsSync(parent)) makeFolder(parent)
  mkdirSync(path, { mode: 0o700 })
}

/** Only one of several can make the link. */
function claim(path: string, self: Holder): boolean {
  const draft = `${fileIn(path)}.${process.pid}`
  writeFileSync(draft, JSON.stringify(self))
  try {
    linkSync(draft, fileIn(path))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(draft)
  }
}

/** Throws when the holder lives. What is moved away is looked at again: another may have been quicker. */
function removeDead(path: string): void {
  const holder = holderOf(path)
  if (holder) {
    throw new Fault('StateDirInUse', {
      what: `The state directory ${path} is in use`,
      why: `"herald up" runs there already, as process ${holder.pid}`,
      remedy: `Stop it (kill ${holder.pid}), or give another: --state-dir <path>`,
    })
  }
  const away = `${fileIn(path)}.dead.${process.pid}`
  try {
    renameSync(fileIn(path), away)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  const moved = read(away)
  if (moved && moved.started === startOf(moved.pid)) renameSync(away, fileIn(path))
  else rmSync(away)
}

function read(file: string): Holder | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder
  } catch {
    return null // not there, or not written by us
  }
}

function put(file: string, holder: Holder): void {
  replaceFile(file, JSON.stringify(holder, null, 2))
}

/** When a process started; null when there is none. proc_pid_stat(5), field 22; `ps` where there is no /proc. */
function startOf(pid: number): string | null {
  try {
    if (process.platform !== 'linux') {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()
    }
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? null : (fields[19] ?? null)
  } catch {
    return null
  }
}
