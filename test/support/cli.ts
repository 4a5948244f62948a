/** The command `herald` as a user starts it: a process of its own, nothing inherited that would configure it. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { endProcess } from '../../infra/child.ts'
import type { Scope } from './undo.ts'
import { until } from './until.ts'

export interface Cli {
  readonly pid: number
  /** Standard output and standard error so far. */
  said(): string
  /** Its log so far. */
  lines(): { level: string; msg: string; [field: string]: unknown }[]
  /** Status and body of /readyz; null while nobody listens. */
  ready(): Promise<{ status: number; text: string } | null>
  /** The signal, and then the exit code and how long it took. */
  stop(signal: NodeJS.Signals): Promise<{ code: number | null; tookMs: number }>
  readonly exit: Promise<number | null>
}

const HERALD = fileURLToPath(new URL('../../workers/herald.mjs', import.meta.url))

export function herald(
  t: Scope,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  program = HERALD,
): Cli {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(HERALD_|REDIS_|KUBE|NODE_OPTIONS|NODE_TEST)/.test(name),
  )
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...Object.fromEntries(inherited), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exit = once(child, 'exit').then(([code]: (number | null)[]) => code ?? null)
  t.after(() => endProcess(child))
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', chunk => {
      said += chunk
    })
  }
  const lines = () =>
    said
      .split('\n')
      .slice(0, -1)
      .filter(line => line.startsWith('{'))
      .map(line => JSON.parse(line) as { level: string; msg: string })
  return {
    pid: child.pid ?? 0,
    said: () => said,
    lines,
    exit,
    async ready() {
      const port = lines().find(line => 'port' in line && line.msg.includes('/readyz'))
      if (!port || !('port' in port)) return null
      const answer = await fetch(`http://127.0.0.1:${port.port}/readyz`)
      return { status: answer.status, text: await answer.text() }
    },
    async stop(signal) {
      const begunMs = Date.now()
      child.kill(signal)
      const code = await exit
      return { code, tookMs: Date.now() - begunMs }
    },
  }
}

/**
 * What a command shows on a terminal (util-linux, script(1)), its standard error too. Of this process's environment
 * it gets the search path alone: CI, TMUX, FORCE_COLOR and others decide what Node thinks that a terminal can show.
 */
export async function onTerminal(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const command = [process.execPath, HERALD, ...args].join(' ')
  const env = { PATH: process.env.PATH, TERM: 'xterm', ...environment }
  const { stdout } = await promisify(execFile)('script', ['-qec', command, '/dev/null'], { env })
  return stdout
}

/** Waits until /readyz has this status, and answers its text. */
export async function readyz(cli: Cli, status: number, words = /(?:)/): Promise<string> {
  let last: Awaited<ReturnType<Cli['ready']>> = null
  await until(
    `/readyz answers ${status} ${words}`,
    async () => {
      last = await cli.ready().catch(() => null)
      return last?.status === status && words.test(last.text)
    },
    150_000,
  ).catch(error => {
    throw new Error(`${error}\nlast: ${JSON.stringify(last)}\nsaid: ${cli.said().slice(-3000)}`)
  })
  return last === null ? '' : (last as { text: string }).text
}

/** Commands that ask or tell that Redis something and end. */
export const commands =
  (t: Scope, redisUrl: string) =>
  async (...args: string[]): Promise<{ code: number | null; said: string }> => {
    const cli = herald(t, [...args, '--redis-url', redisUrl])
    return { code: await cli.exit, said: cli.said() }
  }
