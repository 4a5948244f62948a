/** How a command of this folder begins and ends, and how a test runs one. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { dyingWithParent } from '../../infra/child.ts'
import type { Scope } from '../support/undo.ts'

/**
 * Runs it and prints what it found wrong; exit code 0 only if that is nothing. What it started is undone in reverse, also
 * when it is asked to end before it is done.
 */
export async function command(run: (scope: Scope) => Promise<readonly string[]>): Promise<void> {
  const steps: (() => unknown)[] = []
  const undo = async () => {
    for (const step of steps.splice(0).reverse()) await step()
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => undo().finally(() => process.exit(1)))
  }
  try {
    const found = await run({ after: step => void steps.push(step) })
    for (const one of found) console.log(`WRONG: ${one}`)
    console.log(found.length === 0 ? 'everything held' : `${found.length} things did not hold`)
    process.exitCode = found.length === 0 ? 0 : 1
  } finally {
    await undo()
  }
  process.exit()
}

/** Runs one as `npm run` does, to its end; HERALD_TEST_LOG=1 shows what it prints. */
export async function ran(
  name: string,
  ...args: string[]
): Promise<{ code: number; said: string }> {
  const path = fileURLToPath(new URL(`./${name}.ts`, import.meta.url))
  // What makes tests of files is not for the processes that it starts.
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...env } = process.env
  const argv = [...dyingWithParent('TERM'), process.execPath, '--import', 'tsx', path, ...args]
  const child = spawn(argv[0] ?? '', argv.slice(1), { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', text => {
      said += text
      if (process.env.HERALD_TEST_LOG) process.stderr.write(text)
    })
  }
  const [code] = await once(child, 'close')
  return { code, said }
}
