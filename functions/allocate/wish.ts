/** What a Service that keeps its old address would rather have, so that two that want to swap are seen. */
import type { Family } from '../model/address.ts'
import type { Choice } from './choices.ts'

export interface Wish {
  readonly pools: readonly { readonly pool: string; readonly families: readonly Family[] }[]
  readonly addresses: readonly string[]
}

/** From the choices that it was refused. */
export function wishOf(choices: readonly Choice[]): Wish {
  const parts = choices.flatMap(({ pool, parts }) => parts.map(part => ({ pool: pool.name, part })))
  return {
    addresses: [
      ...new Set(parts.flatMap(({ part }) => ('exact' in part ? part.exact.address : []))),
    ],
    pools: choices.flatMap(({ pool, parts }) => {
      const families = parts.flatMap(part => ('family' in part ? part.family : []))
      return families.length > 0 ? [{ pool: pool.name, families }] : []
    }),
  }
}
