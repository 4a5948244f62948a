/** How a setting is given and what it may be: the pieces that the table of all of them (settings.ts) is made of. */
import * as z from 'zod'
import type { ProbePlan } from '../../functions/announce/guard.ts'
import { parseDuration } from '../../functions/model/duration.ts'

/** One setting: how it is given, what it may be, and how `--help` explains it. */
export interface Setting<T> {
  /** As commander writes it; null where a command line would show a secret in `ps`. */
  readonly flag: string | null
  /** Variables that give it when the flag does not; the first one set wins. */
  readonly variables: readonly string[]
  readonly help: string
  /** Used when nothing is given; as a user would write it. */
  readonly fallback: string | null
  readonly example: string
  readonly schema: z.ZodType<T, string>
}

/** "--redis-url <urls>" is given by HERALD_REDIS_URL too: the name of one makes the other. */
export function setting<T>(
  name: string,
  value: string,
  about: {
    help: string
    fallback?: string
    example: string
    schema: z.ZodType<T, string>
    alias?: string
    /** One letter. */
    short?: string
  },
): Setting<T> {
  const variable = `HERALD_${name.toUpperCase().replaceAll('-', '_')}`
  return {
    flag: `${about.short ? `-${about.short}, ` : ''}--${name} ${value}`,
    variables: about.alias ? [variable, about.alias] : [variable],
    help: about.help,
    fallback: about.fallback ?? null,
    example: about.example,
    schema: about.schema,
  }
}

/** A flag without a value; its variable is "true" or "false". */
export function toggle(name: string, about: { help: string; short?: string }): Setting<boolean> {
  const schema = oneOf(['true', 'false']).transform(given => given === 'true')
  const given = { help: about.help, fallback: 'false', example: 'true', schema }
  const made = setting(name, '', about.short ? { ...given, short: about.short } : given)
  return { ...made, flag: made.flag?.trim() ?? null }
}

export function secret(variable: string): Setting<string> {
  return {
    flag: null,
    variables: [variable],
    help: '',
    fallback: null,
    example: '',
    schema: text(),
  }
}

export function text() {
  return z.string()
}

export function dnsLabel() {
  return z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, {
    error: 'it must be a DNS label: at most 63 small letters, digits and dashes',
  })
}

export function oneOf<const T extends readonly [string, ...string[]]>(words: T) {
  return z.enum(words, { error: `it must be one of ${words.join(', ')}` }) as unknown as z.ZodType<
    T[number],
    string
  >
}

export function wholeNumber(least: number, most: number) {
  return z.string().transform((given, context) => {
    const number = /^\d{1,9}$/.test(given) ? Number(given) : Number.NaN
    if (number >= least && number <= most) return number
    context.addIssue(`it must be a whole number from ${least} to ${most}`)
    return z.NEVER
  })
}

export function duration() {
  return z.string().transform((given, context) => {
    const ms = parseDuration(given)
    if (ms !== null) return ms
    context.addIssue('it must be a duration: a number with ms, s, m, h or d, or 0')
    return z.NEVER
  })
}

/** -1: for ever. */
export function parseTerm(given: string, context: z.RefinementCtx): number {
  const ms = given === 'forever' ? -1 : parseDuration(given)
  if (ms) return ms
  context.addIssue('it must be "forever", or a number with s, m, h or d')
  return z.NEVER
}

/** "off" or "3x200ms". */
export function parseProbe(given: string, context: z.RefinementCtx): ProbePlan {
  if (given === 'off') return { count: 0, intervalMs: 0 }
  const [, count, interval = ''] = /^([1-9])x(\d+m?s)$/.exec(given) ?? []
  const intervalMs = parseDuration(interval) ?? 0
  if (intervalMs >= 10 && intervalMs <= 10_000) return { count: Number(count), intervalMs }
  context.addIssue('it must be "off", or 1 to 9 probes and 10ms to 10s between them, as in 3x200ms')
  return z.NEVER
}

export function listOf<T>(item: z.ZodType<T, string>) {
  return z
    .string()
    .transform(given => given.split(',').map(part => part.trim()))
    .pipe(z.array(item))
}

export function parsePattern(given: string, context: z.RefinementCtx): RegExp {
  try {
    return new RegExp(given)
  } catch {
    context.addIssue(`"${given}" is not a regular expression`)
    return z.NEVER
  }
}

export interface Listen {
  readonly host: string
  readonly port: number
}

/** "host:port" or "[v6]:port"; null for "off". Port 0 takes any free one. */
export function listen() {
  return z.string().transform((given, context): Listen | null => {
    if (given === 'off') return null
    const [, v6, name, digits] = /^(?:\[([0-9a-f:.]+)\]|([^:]*)):(\d{1,5})$/i.exec(given) ?? []
    const port = Number(digits)
    if (digits !== undefined && port <= 65_535) return { host: v6 ?? (name || '0.0.0.0'), port }
    context.addIssue('it must be host:port, or "off"')
    return z.NEVER
  })
}
