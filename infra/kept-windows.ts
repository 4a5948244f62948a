/**
 * The newest pool windows that this node has ever seen signed, as they came, in a file of its state directory: a node that
 * starts while Redis is away is bound by them, and an older signature that somebody brings back counts for nothing.
 */
import type { KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readWindows, type Windows } from '../functions/announce/windows.ts'
import { replaceFile } from './replace-file.ts'

/** What became of a line: taken, known already, of a lower version than one known, or not signed by the key. */
export type Taken = 'taken' | 'known' | 'older' | 'unsigned'

export class KeptWindows {
  readonly #path: string
  readonly #about: { readonly key: KeyObject; readonly cluster: string }
  readonly #failed: (error: unknown) => void
  #line = ''
  #windows: Windows | null = null

  /** `failed` hears of a file that cannot be written; what is in it is in force all the same. */
  constructor(
    stateDir: string,
    about: { readonly key: KeyObject; readonly cluster: string },
    failed: (error: unknown) => void,
  ) {
    this.#path = join(stateDir, 'windows')
    this.#about = about
    this.#failed = failed
    try {
      this.#line = readFileSync(this.#path, 'utf8')
      this.#windows = readWindows(this.#line, about.key, about.cluster)
    } catch {
      // it never ran here
    }
  }

  get windows(): Windows | null {
    return this.#windows
  }

  take(line: string): Taken {
    if (this.#windows && line === this.#line) return 'known'
    const windows = readWindows(line, this.#about.key, this.#about.cluster)
    if (!windows) return 'unsigned'
    if (this.#windows && windows.version <= this.#windows.version) return 'older'
    this.#windows = windows
    this.#line = line
    this.#write()
    return 'taken'
  }

  #write(): void {
    try {
      replaceFile(this.#path, this.#line)
    } catch (error) {
      this.#failed(error)
    }
  }
}
