/** What a shell has to know of a command line to complete it: the words that may stand where. */

export interface CommandWords {
  readonly name: string
  readonly summary: string
  readonly options: readonly OptionWords[]
  readonly arguments: readonly Taken[]
}

export interface OptionWords {
  /** As they are typed: "--output", and "-o" where there is one. */
  readonly names: readonly string[]
  readonly help: string
  /** Null: it takes no value. */
  readonly value: Taken | null
}

/** A value or an argument. */
export interface Taken {
  readonly name: string
  /** Small letters and dashes; empty where it may be anything. */
  readonly words: readonly string[]
  readonly file: boolean
}

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]
