/**
 * One JSON line per event: level as a word, time in ISO 8601, a constant message, values as fields.
 * Readable lines instead when the output is a terminal. Passwords and tokens never appear.
 */
import { createRequire } from 'node:module'
import { isatty } from 'node:tty'
import pino from 'pino'
import type { PrettyOptions } from 'pino-pretty'
import { Fault } from '../functions/model/fault.ts'

/** For a terminal alone: what others would never use is not loaded. */
const load = createRequire(import.meta.url)
const pretty = (options: PrettyOptions) =>
  (load('pino-pretty') as typeof import('pino-pretty'))(options)

export type Logger = {
  readonly [level in 'debug' | 'info' | 'warn' | 'error']: (fields: object, message: string) => void
} & { child(fields: object): Logger }

export function openLog(options: {
  readonly level: string
  readonly process: string
  /** 1 = standard output, the default; 2 = standard error. */
  readonly to?: 1 | 2
}): Logger {
  const fd = options.to ?? 1
  return pino(
    {
      level: options.level,
      base: { process: options.process, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      serializers: { error: textOf },
      redact: { paths: SECRETS.flatMap(name => [name, `*.${name}`]), censor: '[redacted]' },
      hooks: { streamWrite: withoutCredentials },
    },
    isatty(fd) ? pretty({ ...READABLE, destination: fd }) : pino.destination({ fd, sync: true }),
  )
}

/** Takes the lines of another process's log and puts them into ours: as they are, or readable on a terminal. */
export function relayLog(): (line: string) => void {
  const out = isatty(1) ? pretty({ ...READABLE, destination: 1 }) : process.stdout
  return line => void out.write(`${line}\n`)
}

const READABLE = { sync: true, ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l' } as const

const SECRETS = ['password', 'token', 'authorization', 'privateKey']

/** A Fault says all in its message, and so does an error of the system; anything else is a bug with a stack. */
function textOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  return error instanceof Fault || 'code' in error ? error.message : (error.stack ?? error.message)
}

/** "redis://user:password@host" becomes "redis://…@host", wherever it stands in the line. */
function withoutCredentials(line: string): string {
  return line.replace(/(\w:\/\/)[^/@\s"]*@/g, '$1…@')
}
