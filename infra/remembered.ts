/**
 * What an announcer claimed when it last ran, in a file of its state directory: with it a node that starts while Redis is away
 * answers for what it owned, and one that ended while it probed goes on with that. A file that was not written to its
 * end, or by another version, counts as none.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Claim } from '../functions/liveness/messages.ts'
import type { Asking } from '../functions/model/finding.ts'
import { replaceFile } from './replace-file.ts'

/** A storm of changes costs five writes a second. */
const WRITE_EVERY_MS = 200
const VERSION = 1

export class Remembered {
  readonly #path: string
  readonly #claims: Map<string, Claim>
  readonly #withheld: Map<string, Asking>
  readonly #failed: (error: unknown) => void
  #timer: NodeJS.Timeout | null = null

  /** `failed` hears of a file that cannot be written; everything else goes on. */
  constructor(stateDir: string, failed: (error: unknown) => void) {
    this.#path = join(stateDir, 'claims.json')
    this.#failed = failed
    const { claims, withheld } = read(this.#path)
    this.#claims = new Map(claims.map(claim => [claim.group, claim]))
    this.#withheld = new Map(withheld)
  }

  /** By group. */
  get claims(): ReadonlyMap<string, Claim> {
    return this.#claims
  }

  /** Addresses that were claimed and never announced. */
  get withheld(): ReadonlyMap<string, Asking> {
    return this.#withheld
  }

  change(claims: readonly Claim[], dropped: readonly Claim[]): void {
    for (const claim of claims) this.#claims.set(claim.group, claim)
    for (const { group } of dropped) this.#claims.delete(group)
    this.#writeSoon()
  }

  withhold(
    begun: Iterable<readonly [address: string, asking: Asking]>,
    ended: Iterable<string>,
  ): void {
    for (const [address, asking] of begun) this.#withheld.set(address, asking)
    for (const address of ended) this.#withheld.delete(address)
    this.#writeSoon()
  }

  /** Writes what was not written yet. */
  flush(): void {
    if (!this.#timer) return
    clearTimeout(this.#timer)
    this.#timer = null
    try {
      write(this.#path, { claims: [...this.#claims.values()], withheld: [...this.#withheld] })
    } catch (error) {
      this.#failed(error)
    }
  }

  #writeSoon(): void {
    this.#timer ??= setTimeout(() => this.flush(), WRITE_EVERY_MS)
  }
}

interface Kept {
  readonly claims: readonly Claim[]
  readonly withheld: readonly (readonly [address: string, asking: Asking])[]
}

function read(path: string): Kept {
  try {
    const [sum, text = ''] = readFileSync(path, 'utf8').split('\n')
    if (sum !== sumOf(text)) return NOTHING
    // An earlier version wrote `claims` alone, and passes over the rest.
    const { v, claims, withheld = [] } = JSON.parse(text) as Partial<Kept> & { v: number }
    return v === VERSION && claims ? { claims, withheld } : NOTHING
  } catch {
    return NOTHING // it never ran here
  }
}

const NOTHING: Kept = { claims: [], withheld: [] }

function write(path: string, kept: Kept): void {
  const text = JSON.stringify({ v: VERSION, ...kept })
  replaceFile(path, `${sumOf(text)}\n${text}\n`)
}

const sumOf = (text: string): string => createHash('sha256').update(text).digest('hex')
