/**
 * The secrets of the beats: as configured, or else one that all announcers share through Redis. A copy of that lies in the
 * state directory, so that a node can start while Redis is away.
 */
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Longer than a Redis that is there needs; no announcer with a copy waits longer for it. */
const ASK_LIMIT_MS = 1000

interface Given {
  readonly beatKeys: readonly string[] | null
  readonly stateDir: string
}

/** `ask` answers the key in Redis, the one given to it if there was none. Waits for that only where there is no copy. */
export async function findBeatKeys(
  { beatKeys, stateDir }: Given,
  ask: (otherwise: string) => Promise<string>,
): Promise<Uint8Array[]> {
  if (beatKeys) return beatKeys.map(octetsOf)
  const path = join(stateDir, 'beat-key')
  const copy = read(path)
  const asked = ask(copy ?? randomBytes(32).toString('hex'))
  if (!copy) {
    const key = await asked
    write(path, key)
    return [octetsOf(key)]
  }
  const key = await Promise.race([asked.catch(() => copy), late(copy)])
  if (key !== copy) write(path, key)
  return [...new Set([key, copy])].map(octetsOf)
}

function late(copy: string): Promise<string> {
  return new Promise(resolve => setTimeout(() => resolve(copy), ASK_LIMIT_MS).unref())
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim() || null
  } catch {
    return null // the first start here
  }
}

function write(path: string, key: string): void {
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 })
  writeFileSync(path, `${key}\n`, { mode: 0o600 })
}

const octetsOf = (text: string): Uint8Array => new TextEncoder().encode(text)
