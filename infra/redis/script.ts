/** One Lua script as a function. */
import { readFileSync } from 'node:fs'
import type { Cluster, Redis } from 'ioredis'

export type Run = (
  keys: readonly string[],
  values: readonly (string | number)[],
) => Promise<unknown>

/** EVALSHA with the source sent again where the server has lost it: ioredis does that by itself. */
export function script(redis: Redis | Cluster, name: string, lua: string = source(name)): Run {
  const command = `herald_${name}`
  redis.defineCommand(command, { lua })
  const commands = redis as unknown as Record<
    string,
    (...args: (string | number)[]) => Promise<unknown>
  >
  return (keys, values) => {
    const call = commands[command]
    if (!call) throw new Error(`script ${name} is not defined`)
    return call.call(redis, keys.length, ...keys, ...values)
  }
}

export const source = (name: string): string =>
  readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8')

/** Made once for each key. */
export function remembered<T>(make: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>()
  return key => {
    const made = known.get(key) ?? make(key)
    known.set(key, made)
    return made
  }
}

export const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [])
