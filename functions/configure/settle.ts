/**
 * No two pools in force may share an address. Whoever already has its addresses in force wins over one
 * that changed, that one over a newcomer, and among equals the earlier name. A refused pool stays in force
 * as it was, and then has its addresses still: so its refusal may be another's.
 */
import type { Pool } from '../model/configuration.ts'
import { entriesOf, overlap, Territory } from './overlap.ts'
import type { Mistakes } from './part.ts'

/** An object judged by itself: good, or null with the mistakes. */
export interface Judged<T> {
  readonly name: string
  readonly good: T | null
  readonly mistakes: Mistakes
}

export interface Settled {
  /** To be in force; sorted by name. */
  readonly pools: readonly Pool[]
  readonly refusals: readonly { name: string; mistakes: Mistakes; kept: boolean }[]
}

export function settle(judged: readonly Judged<Pool>[], previous: readonly Pool[]): Settled {
  const old = new Map(previous.map(pool => [pool.name, pool]))
  const refused = new Map(
    judged.flatMap(({ name, good, mistakes }) => (good ? [] : [[name, mistakes] as const])),
  )
  const candidates = judged
    .flatMap(({ good }) => good ?? [])
    .sort((a, b) => rank(a, old) - rank(b, old) || (a.name < b.name ? -1 : 1))
  // Every round but the last refuses another pool for good, so there are at most as many as pools.
  for (;;) {
    const kept = [...refused.keys()].flatMap(name => old.get(name) ?? [])
    const { accepted, rejected } = admit(
      candidates.filter(pool => !refused.has(pool.name)),
      kept,
    )
    const reverted = [...rejected].filter(([name]) => old.has(name))
    for (const [name, mistakes] of reverted) refused.set(name, mistakes)
    if (reverted.length > 0) continue
    return {
      pools: [...kept, ...accepted].sort((a, b) => (a.name < b.name ? -1 : 1)),
      refusals: [...refused, ...rejected].map(([name, mistakes]) => ({
        name,
        mistakes,
        kept: old.has(name),
      })),
    }
  }
}

/** Takes pools in turn, each whole or not at all. */
function admit(pools: readonly Pool[], kept: readonly Pool[]) {
  const territory = new Territory()
  for (const pool of kept) {
    for (const entry of entriesOf(pool.name, pool.addresses)) territory.add(entry)
  }
  const keptNames = new Set(kept.map(pool => pool.name))
  const accepted: Pool[] = []
  const rejected = new Map<string, Mistakes>()
  for (const pool of pools) {
    const entries = entriesOf(pool.name, pool.addresses)
    const mistakes = entries.flatMap((entry, i) => {
      const rival = territory.rival(entry)
      return rival
        ? [`spec.addresses[${i}]: ${overlap(entry, rival, keptNames.has(rival.pool))}`]
        : []
    })
    if (mistakes.length > 0) {
      rejected.set(pool.name, mistakes)
      continue
    }
    for (const entry of entries) territory.add(entry)
    accepted.push(pool)
  }
  return { accepted, rejected }
}

/** 0 = its addresses are in force already, 1 = it had others, 2 = it is new. */
function rank(pool: Pool, old: ReadonlyMap<string, Pool>): number {
  const before = old.get(pool.name)
  if (!before) return 2
  return JSON.stringify(before.addresses) === JSON.stringify(pool.addresses) ? 0 : 1
}
