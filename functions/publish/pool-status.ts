/**
 * The counters in the status of an IPAddressPool (metallb-behaviour 1.1). Assigned is what Services hold, a shared address
 * once. Available is what another Service could be given: not held, not reserved, not excluded, no node's own, and not
 * .0 or .255 where those are avoided. An address that merely rests is available: it is handed out when no other is left.
 */
import { gapsOf } from '../allocate/guards.ts'
import { rangesOf } from '../allocate/windows.ts'
import type { AddressRange, Family } from '../model/address.ts'
import type { Pool } from '../model/configuration.ts'
import type { Condition } from '../model/service.ts'

export interface PoolStatus {
  readonly assignedIPv4: bigint
  readonly assignedIPv6: bigint
  readonly availableIPv4: bigint
  readonly availableIPv6: bigint
  /** Null: nothing is said, and never was. */
  readonly conditions: readonly Condition[] | null
}

/** What the book of addresses knows of a range. */
export interface Tally {
  readonly held: number
  /** Held by nobody, and kept for one Service. */
  readonly reserved: number
}

/** The ranges that must be tallied: of all addresses of the pool, and of those that may be handed out. */
export interface Ranges {
  readonly all: readonly AddressRange[]
  readonly usable: readonly AddressRange[]
}

export function rangesToTally(
  pool: Pool,
  family: Family,
  nodeAddresses: readonly string[],
): Ranges {
  const gaps = gapsOf(pool, nodeAddresses)
  return { all: rangesOf(pool, family), usable: rangesOf(pool, family, gaps) }
}

/** Of one family: `all` and `usable` are the sums over the ranges of `rangesToTally`. */
export function count(
  pool: Pool,
  usable: readonly AddressRange[],
  tallies: { readonly all: Tally; readonly usable: Tally },
): { assigned: bigint; available: bigint } {
  const capacity = usable.reduce((sum, range) => sum + sizeOf(range, pool.avoidBuggyIPs), 0n)
  const available = capacity - BigInt(tallies.usable.held + tallies.usable.reserved)
  return {
    assigned: BigInt(tallies.all.held),
    // Less than nothing: what became unusable a moment ago is held until its Service has another address.
    available: available < 0n ? 0n : available > INT64_MAX ? INT64_MAX : available,
  }
}

const INT64_MAX = 2n ** 63n - 1n

function sizeOf({ family, first, last }: AddressRange, avoidBuggy: boolean): bigint {
  const size = last - first + 1n
  return avoidBuggy && family === 'IPv4' ? size - (buggyUpTo(last) - buggyUpTo(first - 1n)) : size
}

/** How many addresses from 0 to n end in .0 or .255. */
const buggyUpTo = (n: bigint): bigint => (n < 0n ? 0n : n / 256n + 1n + (n + 1n) / 256n)

const COUNTERS = ['assignedIPv4', 'assignedIPv6', 'availableIPv4', 'availableIPv6'] as const

/** As JSON: the numbers of int64 are more than JavaScript has. */
export function statusText(status: PoolStatus): string {
  const fields = COUNTERS.map(name => `"${name}":${status[name]}`)
  if (status.conditions) fields.push(`"conditions":${JSON.stringify(status.conditions)}`)
  return `{${fields.join()}}`
}

/**
 * Does the object show it? What JavaScript cannot tell apart (beyond 2^53) counts as shown only if this very text was
 * written last.
 */
export function shows(
  shown: unknown,
  status: PoolStatus,
  lastWritten: string | undefined,
): boolean {
  if (typeof shown !== 'object' || shown === null) return false
  const fields = shown as Readonly<Record<string, unknown>>
  const exact = COUNTERS.every(name => status[name] <= BigInt(Number.MAX_SAFE_INTEGER))
  return (
    COUNTERS.every(name => fields[name] === Number(status[name])) &&
    (exact || lastWritten === statusText(status)) &&
    (!status.conditions || JSON.stringify(fields.conditions) === JSON.stringify(status.conditions))
  )
}
