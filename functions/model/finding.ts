/** What an announcer found out on the LAN about an address that its node is to announce. */
export interface Finding {
  readonly address: string
  /** Before its first announcement; else while it was announced. */
  readonly probing: boolean
  /** Who has it too; null: it was probed, and nobody has. */
  readonly foreign: Sighting | null
}

export interface Sighting {
  readonly mac: string
  /** Name of the interface at which it was heard. */
  readonly interface: string
}

/** What Redis knows of an address by those who announce it. */
export type LanRecord =
  /** Nobody has announced it yet. */
  | { readonly unprobed: Asking }
  /** Nobody will: somebody else has it. */
  | { readonly taken: Claimed }
  /** Somebody else claims it too. */
  | { readonly claimed: Claimed }

/** Somebody else has, or claims, the address. */
export interface Claimed extends Sighting {
  /** Who heard it. */
  readonly node: string
  readonly sinceMs: number
  readonly lastMs: number
}

/** How an address was asked for that is still to be probed: what is found in use is kept by whoever asked for it by name. */
export type Asking = 'automatic' | 'named'
