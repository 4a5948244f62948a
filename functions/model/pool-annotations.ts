/** What annotations under herald.io/ say of a pool. Judged with the pool: a mistake refuses that version of it. */
import { type AddressRange, parseAddress, parseEntry } from './address.ts'
import type { Pool } from './configuration.ts'
import { parseDuration } from './duration.ts'

/** Addresses, ranges and CIDRs, separated by commas, that are never handed out. */
const EXCLUDE_ANNOTATION = 'herald.io/exclude'

/** How long an address rests before another Service may have it; 0: the order is exactly MetalLB's. */
const COOL_DOWN_ANNOTATION = 'herald.io/cool-down'

/** How many addresses of the pool the Services of one namespace may hold together; a shared one counts once. */
export const NAMESPACE_QUOTA_ANNOTATION = 'herald.io/namespace-quota'

type Annotated = Pick<Pool, 'annotations'>

export function exclusionsOf(pool: Annotated): readonly AddressRange[] {
  return excluded(pool).flatMap(range => ('reason' in range ? [] : [range]))
}

/** Milliseconds. */
export function coolDownOf(pool: Annotated | undefined, fallbackMs: number): number {
  const written = pool?.annotations[COOL_DOWN_ANNOTATION]
  return written === undefined ? fallbackMs : (parseDuration(written) ?? fallbackMs)
}

/** Null: as many as there are. */
export function namespaceQuotaOf(pool: Annotated): number | null {
  const written = pool.annotations[NAMESPACE_QUOTA_ANNOTATION]?.trim() ?? ''
  return POSITIVE.test(written) ? Number(written) : null
}

const POSITIVE = /^[1-9]\d{0,8}$/

export function annotationMistakes(pool: Annotated): string[] {
  const coolDown = pool.annotations[COOL_DOWN_ANNOTATION]
  const quota = pool.annotations[NAMESPACE_QUOTA_ANNOTATION]
  return [
    ...excluded(pool).flatMap(range =>
      'reason' in range ? [`annotation ${EXCLUDE_ANNOTATION}: ${range.reason}`] : [],
    ),
    ...(coolDown !== undefined && parseDuration(coolDown) === null
      ? [
          `annotation ${COOL_DOWN_ANNOTATION}: ${JSON.stringify(coolDown)} is no duration: write, for example, 60s, 5m or 0`,
        ]
      : []),
    ...(quota !== undefined && namespaceQuotaOf(pool) === null
      ? [
          `annotation ${NAMESPACE_QUOTA_ANNOTATION}: ${JSON.stringify(quota)} is no quota: write a whole number from 1 on, such as 5`,
        ]
      : []),
  ]
}

function excluded({ annotations }: Annotated): (AddressRange | { readonly reason: string })[] {
  const texts = (annotations[EXCLUDE_ANNOTATION] ?? '').split(',').map(one => one.trim())
  return texts
    .filter(text => text !== '')
    .map(text => {
      const single = parseAddress(text)
      return single
        ? { family: single.family, first: single.value, last: single.value }
        : parseEntry(text)
    })
}
