/**
 * A network namespace that lives exactly as long as this process wants it to. A `cat` inside holds it; its
 * standard input is a pipe from here, so it ends with us, however we end, and the kernel then removes the
 * namespace with every interface and address in it. Nothing has a name on the host, nothing is left behind.
 *
 * Each has a mount namespace too, with a /sys of its own: /sys shows the interfaces of whoever mounted it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Fault } from '../../../functions/model/fault.ts'

/** As root, or as root of a user namespace of one's own (user_namespaces(7)). */
export type Privilege = 'root' | 'user'

export interface Namespace {
  /** The process that holds it. */
  readonly pid: number
  /** Put before a command, runs it here; usable from any process of the same user. */
  readonly enter: readonly string[]
  /** Returns once the holder is gone. Other processes inside keep the namespace until they end. */
  close(): Promise<void>
}

/** Throws Fault `NamespaceRefused` with what the kernel or `unshare` said. */
export async function openNamespace(privilege: Privilege, inside?: Namespace): Promise<Namespace> {
  const user = privilege === 'user' && !inside ? ['--user', '--map-root-user'] : []
  const unshare = ['unshare', ...user, '--mount', '--net', 'sh', '-c', HOLD]
  const holder = detached([...(inside?.enter ?? []), ...unshare])
  const pid = await started(holder)
  const same = privilege === 'user' ? ['--user', '--preserve-credentials'] : []
  return {
    pid,
    enter: ['nsenter', '--target', String(pid), ...same, '--mount', '--net', '--wd', '--'],
    async close() {
      if (holder.exitCode !== null || holder.signalCode !== null) return
      const gone = once(holder, 'exit')
      holder.stdin?.end()
      await gone
    },
  }
}

export interface Outcome {
  /** Null: ended by a signal. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end; a failing command is an outcome, one that cannot start is an error. */
export async function runIn(
  namespace: Pick<Namespace, 'enter'>,
  argv: readonly string[],
  options: { input?: string; signal?: AbortSignal } = {},
): Promise<Outcome> {
  const [file = '', ...args] = [...namespace.enter, ...argv]
  const signal = options.signal ? { signal: options.signal } : {}
  const child = spawn(file, args, { ...signal, stdio: 'pipe' })
  const [stdout, stderr] = [textOf(child.stdout), textOf(child.stderr)]
  child.stdin.on('error', () => {}) // it need not read all of its input
  child.stdin.end(options.input ?? '')
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout: stdout(), stderr: stderr() }
}

const HOLD = 'mount -t sysfs sysfs /sys && echo ready && exec cat'

/** In a session of its own, so that Ctrl-C in the terminal leaves the order of ending to us. */
function detached([file = '', ...args]: readonly string[]): ChildProcess {
  return spawn(file, args, { stdio: 'pipe', detached: true })
}

async function started(holder: ChildProcess): Promise<number> {
  const stderr = textOf(holder.stderr)
  try {
    await new Promise<void>((resolve, reject) => {
      holder.once('error', reject)
      holder.once('exit', code => reject(new Error(stderr().trim() || `exit code ${code}`)))
      holder.stdout?.once('data', () => resolve())
    })
  } catch (cause) {
    throw new Fault('NamespaceRefused', {
      what: 'A network namespace could not be made',
      why: cause instanceof Error ? cause.message : String(cause),
      remedy: 'Run as root, or allow user namespaces to unprivileged users',
      cause,
    })
  }
  if (holder.pid === undefined) throw new Error('a process that speaks has no pid')
  return holder.pid
}

function textOf(stream: NodeJS.ReadableStream | null): () => string {
  let text = ''
  stream?.setEncoding('utf8').on('data', chunk => {
    text += chunk
  })
  return () => text
}
