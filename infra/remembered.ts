/**
 * What an announcer claimed when it last ran, in a file of its state directory: with it a node that starts while Redis is away
 * answers for what it owned. A file that was not written to its end, or by another version, counts as none.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Claim } from '../functions/liveness/messages.ts'
import { replaceFile } from './replace-file.ts'

/** A storm of changes costs five writes a second. */
const WRITE_EVERY_MS = 200
const VERSION = 1

export class Remembered {
  readonly #path: string
  readonly #claims: Map<string, Claim>
  readonly #failed: (error: unknown) => void
  #timer: NodeJS.Timeout | null = null

  /** `failed` hears of a file that cannot be written; everything else goes on. */
  constructor(stateDir: string, failed: (error: unknown) => void) {
    this.#path = join(stateDir, 'claims.json')
    this.#failed = failed
    this.#claims = new Map(read(this.#path).map(claim => [claim.group, claim]))
  }

  /** By group. */
  get claims(): ReadonlyMap<string, Claim> {
    return this.#claims
  }

  change(claims: readonly Claim[], dropped: readonly string[]): void {
    for (const claim of claims) this.#claims.set(claim.group, claim)
    for (const group of dropped) this.#claims.delete(group)
    this.#timer ??= setTimeout(() => this.flush(), WRITE_EVERY_MS)
  }

  /** Writes what was not written yet. */
  flush(): void {
    if (!this.#timer) return
    clearTimeout(this.#timer)
    this.#timer = null
    try {
      write(this.#path, [...this.#claims.values()])
    } catch (error) {
      this.#failed(error)
    }
  }
}

function read(path: string): Claim[] {
  try {
    const [sum, text = ''] = readFileSync(path, 'utf8').split('\n')
    if (sum !== sumOf(text)) return []
    const { v, claims } = JSON.parse(text) as { v: number; claims: Claim[] }
    return v === VERSION ? claims : []
  } catch {
    return [] // it never ran here
  }
}

function write(path: string, claims: readonly Claim[]): void {
  const text = JSON.stringify({ v: VERSION, claims })
  replaceFile(path, `${sumOf(text)}\n${text}\n`)
}

const sumOf = (text: string): string => createHash('sha256').update(text).digest('hex')
