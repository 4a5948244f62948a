/**
 * A process that is to be there: started again when it ends by itself, after 0.2 s at first and 5 s at most. It does not
 * outlive us (on Linux: the kernel kills it when our main thread ends, however that happens).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { on, once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Logger } from './log.ts'

export interface ChildOptions {
  readonly name: string
  readonly argv: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly log: Logger
  /** Each line that it writes, to standard output or standard error. */
  readonly onLine: (line: string) => void
  /** Called at every start, with its standard input. */
  readonly onStart?: (stdin: NodeJS.WritableStream) => void
  /** Gives it a channel for `ask` (child_process: ipc). */
  readonly askable?: boolean
}

/** What is asked over the channel, and what is said to it: answers may be late, or overtake each other. */
export interface Question {
  readonly id: number
  readonly question: string
}
export interface Answer {
  readonly id: number
  readonly answer: unknown
}

export interface Child {
  readonly name: string
  /** Null while it is down. */
  pid(): number | null
  /** Sends a question over the channel. Null when it is down, or does not answer it for 2 s. */
  ask(question: string): Promise<unknown>
  /** Asks it to end, and kills it when it has not after 4 s. Returns when it is gone. */
  stop(): Promise<void>
}

const FIRST_WAIT_MS = 200
const LONGEST_WAIT_MS = 5000
/** Who ran this long starts from the first wait again. */
const GOOD_RUN_MS = 10_000
const PATIENCE_MS = 4000
const ANSWER_LIMIT_MS = 2000

export function keepRunning(options: ChildOptions): Child {
  let child: ChildProcess | null = null
  let timer: NodeJS.Timeout | null = null
  let waitMs = FIRST_WAIT_MS
  let stopping = false
  let asked = 0

  const start = (): void => {
    const startedMs = performance.now()
    const started = launch(options)
    child = started
    const ended = (how: string) => {
      if (child !== started) return // a failed start says so twice
      child = null
      if (stopping) return
      if (performance.now() - startedMs > GOOD_RUN_MS) waitMs = FIRST_WAIT_MS
      options.log.warn(
        { child: options.name, how, waitMs },
        'ended by itself, will be started again',
      )
      timer = setTimeout(start, waitMs)
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)
    }
    started.once('error', error => ended(error.message))
    started.once('exit', (code, signal) => ended(signal ?? `exit code ${code}`))
  }
  start()
  return {
    name: options.name,
    pid: () => child?.pid ?? null,
    ask: async question => (child?.connected ? ask(child, { id: ++asked, question }) : null),
    async stop() {
      stopping = true
      if (timer) clearTimeout(timer)
      if (child) await endProcess(child)
    },
  }
}

async function ask(child: ChildProcess, question: Question): Promise<unknown> {
  const heard = on(child, 'message', { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) })
  child.send(question, () => {}) // it may end before it has read it
  try {
    for await (const [{ id, answer }] of heard as AsyncIterable<[Answer]>) {
      if (id === question.id) return answer
    }
  } catch {} // it is silent
  return null
}

/** SIGTERM, and SIGKILL after 4 s. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const harder = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
  await gone
  clearTimeout(harder)
}

/** In a session of its own: Ctrl-C reaches only us, and we end the children in order. */
function launch({ argv, environment, onLine, onStart, askable }: ChildOptions): ChildProcess {
  const [file = '', ...args] = argv
  const child = spawn(file, args, {
    stdio: askable ? ['pipe', 'pipe', 'pipe', 'ipc'] : 'pipe',
    detached: true,
    env: { ...process.env, ...environment },
  })
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) createInterface({ input: stream }).on('line', onLine)
  }
  child.stdin?.on('error', () => {}) // it may end before it has read all
  if (child.stdin) onStart?.(child.stdin)
  return child
}

/** Put before a command: the kernel ends it together with its parent (prctl(2) PR_SET_PDEATHSIG). */
export function dyingWithParent(signal: 'KILL' | 'TERM'): string[] {
  return process.platform === 'linux' ? ['setpriv', '--pdeathsig', signal, '--'] : []
}
