/** What the commands that ask or tell Redis something and end have in common: which Redis, and how an answer is printed. */
import { resolve } from 'node:path'
import type { Cluster, Redis } from 'ioredis'
import { stringify } from 'yaml'
import type { Tone } from '../functions/inventory/row.ts'
import { Fault } from '../functions/model/fault.ts'
import { type RedisConfig, socketConfig } from '../infra/config/redis.ts'
import type { UpConfig } from '../infra/config.ts'
import type { World } from '../infra/process.ts'
import { checkRedis } from '../infra/redis/check.ts'
import { connectRedis } from '../infra/redis/connect.ts'
import { type Scripts, scriptsOf } from '../infra/redis/scripts.ts'
import { type State, stateOf } from '../infra/redis/state.ts'
import { holderOf } from '../infra/state-dir.ts'

export interface Asked {
  readonly redis: Redis | Cluster
  readonly state: State
  readonly scripts: Scripts
}

/** Runs a command against the Redis of --redis-url, or else of the `herald up` that runs; answers its exit code. */
export async function withRedis(
  { config, log }: World<UpConfig>,
  command: (asked: Asked) => Promise<number>,
): Promise<number> {
  const where = config.redis ?? redisOfUp(config.stateDir)
  const redis = connectRedis(where, 'commands', log)
  try {
    await checkRedis(redis, where)
    const { prefix } = config
    return await command({
      redis,
      state: stateOf(redis, prefix),
      scripts: scriptsOf(redis, prefix),
    })
  } finally {
    redis.disconnect()
  }
}

/** Lines for people: a name in front, what is to be said behind it. */
export type Told = readonly (readonly [name: string, text: string])[]

/** A few lines may stand, aligned by themselves, under one of them. */
export type Nested = readonly (readonly [name: string, text: string | Told])[]

/** Prints an answer: its lines, or the value where a structured output is asked for. */
export function tell(
  { value, lines }: { readonly value: unknown; readonly lines: Nested },
  output: UpConfig['output'],
): void {
  const structured = output === 'json' || output === 'yaml'
  process.stdout.write(structured ? asText(value, output) : inLines(lines))
}

function inLines(lines: Nested, indent = ''): string {
  const width = Math.max(0, ...lines.map(([name]) => name.length))
  const told = lines.map(([name, text]) => {
    return typeof text === 'string'
      ? `${indent}${name.padEnd(width)}  ${text}\n`
      : `${indent}${name}\n${inLines(text, `${indent}  `)}`
  })
  return told.join('')
}

/** How far long work has come: one line that the next one replaces, where somebody looks at a terminal; '' ends it. */
export function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

/** On a terminal that has colours, unless NO_COLOR (no-color.org) or TERM=dumb says otherwise. */
export function paint(text: string, tone: Tone): string {
  const coloured = process.stdout.isTTY && process.stdout.hasColors()
  return coloured ? `\x1b[${tone === 'head' ? 1 : 31}m${text}\x1b[0m` : text
}

export const timeOf = (ms: number): string => new Date(ms).toISOString()

export function asText(value: unknown, output: 'json' | 'yaml'): string {
  return output === 'json' ? `${JSON.stringify(value, null, 2)}\n` : stringify(value)
}

function redisOfUp(stateDir: string): RedisConfig {
  const socket = holderOf(resolve(stateDir))?.redis
  if (socket) return socketConfig(new URL(socket).pathname)
  throw new Fault('ConfigInvalid', {
    what: 'It is not known where Redis is',
    why: `no --redis-url was given, and no "herald up" holds the state directory ${resolve(stateDir)}`,
    remedy: 'Give --redis-url (or REDIS_URL), or start "herald up" (npm start) first',
  })
}
