/** Asks a console (server.ts) over HTTP. */
import { Fault } from '../../functions/model/fault.ts'

/** What it answers to a path. Throws the Fault that it had, or one that says that it cannot be asked. */
export type AskConsole = <Answer>(path: string) => Promise<Answer>

const PATIENCE_MS = 10_000

export function askerOf(base: string, signal: AbortSignal): AskConsole {
  const url = base.endsWith('/') ? base : `${base}/`
  return async <Answer>(path: string) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)])
    const answer = await fetch(new URL(path, url), { signal: limit }).catch(cause => {
      throw noAnswer(url, causeOf(cause))
    })
    const said: unknown = await answer.json().catch(() => null)
    if (answer.ok && said !== null) return said as Answer
    const { fault, trouble } = (said ?? {}) as Trouble
    if (fault) throw new Fault(fault.code, fault)
    throw noAnswer(url, trouble ?? `it answered ${path} with status ${answer.status}`)
  }
}

interface Trouble {
  readonly trouble?: string
  readonly fault?: Pick<Fault, 'code' | 'what' | 'why' | 'remedy'>
}

/** What `fetch` throws says little itself. */
const causeOf = (error: Error): string =>
  error.cause instanceof Error ? error.cause.message : error.message

function noAnswer(url: string, why: string): Fault {
  return new Fault('ConsoleUnanswering', {
    what: `The console at ${url} gave no answer`,
    why,
    remedy:
      'See that it runs and is of this version, or point --console-url (HERALD_CONSOLE_URL) at another',
    retry: true,
  })
}
