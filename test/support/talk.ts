import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { typescriptArguments } from '../../infra/programs.ts'

export type Line = Readonly<Record<string, unknown>>

/** A process that takes and gives lines of JSON. */
export interface Talk {
  readonly child: ChildProcess
  /** Everything that it has said so far. */
  readonly said: readonly Line[]
  say(order: object): void
  /**
   * The first line with this field, among those from `since` on (default: those still to come). Fails when the process
   * ends first.
   */
  hear(field: string, since?: number): Promise<Line>
  /** Says it, and hears the next line with this field. */
  ask(order: object, field: string): Promise<Line>
  /** Ends its input and waits until it is gone; its exit code. */
  end(): Promise<number | null>
}

/** Runs a TypeScript file of this folder, or of one beside it; `enter` stands before the command. */
export function talk(file: string, args: readonly string[], enter: readonly string[] = []): Talk {
  const script = fileURLToPath(new URL(file, import.meta.url))
  const [command = '', ...rest] = [
    ...enter,
    process.execPath,
    ...typescriptArguments(),
    script,
    ...args,
  ]
  const child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
  const gone = once(child, 'exit').then(([code]) => code as number | null)
  const said: Line[] = []
  const waiting = new Set<() => void>()
  const look = () => {
    for (const wake of waiting) wake()
  }
  createInterface({ input: child.stdout }).on('line', line => {
    said.push(JSON.parse(line))
    look()
  })
  gone.then(look)
  child.stdin.on('error', () => {}) // it may end before it has read all

  const hear = async (field: string, since = said.length): Promise<Line> => {
    for (;;) {
      const line = said.slice(since).find(one => field in one)
      if (line) return line
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`${file} ended without "${field}"; it said ${JSON.stringify(said)}`)
      }
      await new Promise<void>(resolve => {
        const wake = () => {
          waiting.delete(wake)
          resolve()
        }
        waiting.add(wake)
      })
    }
  }
  return {
    child,
    said,
    say: order => void child.stdin.write(`${JSON.stringify(order)}\n`),
    hear,
    ask(order, field) {
      const answer = hear(field)
      child.stdin.write(`${JSON.stringify(order)}\n`)
      return answer
    },
    end() {
      child.stdin.end()
      return gone
    },
  }
}
