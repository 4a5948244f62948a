/** Placements as Redis has them, in the terms of this protocol. */
import type { Epoch, Placement } from '../model/placement.ts'
import type { Claim } from './messages.ts'

export interface Reading {
  readonly group: string
  readonly epoch: Epoch
  /** Null: withdrawn, nobody shall answer. */
  readonly claim: Claim | null
}

export function readingsOf(placements: readonly Placement[]): Reading[] {
  return placements.map(({ group, addresses, epoch, owner, standbys }) => ({
    group,
    epoch,
    claim: owner && { group, addresses, epoch, owner, standbys },
  }))
}

/** What was claimed on the LAN, as Redis shall have it. */
export function placementOf(claim: Claim, reason: string, nowMs: number): Placement {
  return { v: 1, ...claim, reason, sinceMs: nowMs }
}
