/** How full pools are, counted from the records of their addresses. */
import { type Family, familyOf, usableSize } from '../model/address.ts'
import type { AddressRecord } from '../model/allocation.ts'
import type { Pool } from '../model/configuration.ts'
import { gapsOf } from './guards.ts'
import { poolHolding } from './pools.ts'
import { rangesOf } from './windows.ts'

/** What has become of an address of a pool; those without a record are free. */
export type AddressState = 'held' | 'resting' | 'reserved'

export interface Usage {
  /** Addresses that may be handed out; past 2^53 only about right. */
  readonly usable: Record<Family, number>
  readonly held: Record<Family, number>
  readonly resting: number
  readonly reserved: number
}

/** Null for what neither is held nor waits for anything: it is free. */
export function stateOfAddress(record: AddressRecord): AddressState | null {
  if (Object.keys(record.holders).length > 0) return 'held'
  if (!record.after) return null
  return record.after.reserved ? 'reserved' : 'resting'
}

/**
 * By pool. A record belongs to the pool that it names, of the cluster that it names; one that names none, because nobody has
 * held the address before it was reserved, to the pool that contains it.
 */
export function usagesOf(
  cluster: string,
  pools: readonly Pool[],
  records: Iterable<readonly [address: string, record: AddressRecord]>,
  nodeAddresses: readonly string[],
): Map<string, Usage> {
  const usages = new Map(pools.map(pool => [pool.name, emptyUsage(pool, nodeAddresses)]))
  for (const [address, record] of records) {
    const of = poolOf(address, record, cluster, pools)
    const usage = usages.get(of)
    if (usage) usages.set(of, withAddress(usage, address, record))
  }
  return usages
}

/** Its name; '' for none of these. */
function poolOf(
  address: string,
  record: AddressRecord,
  cluster: string,
  pools: readonly Pool[],
): string {
  if (record.pool === '') return poolHolding(pools, [address])?.name ?? ''
  return record.cluster === cluster ? record.pool : ''
}

function emptyUsage(pool: Pool, nodeAddresses: readonly string[]): Usage {
  const usable = (family: Family) =>
    Number(
      rangesOf(pool, family, gapsOf(pool, nodeAddresses))
        .map(range => usableSize(range, pool.avoidBuggyIPs))
        .reduce((sum, size) => sum + size, 0n),
    )
  return {
    usable: { IPv4: usable('IPv4'), IPv6: usable('IPv6') },
    held: { IPv4: 0, IPv6: 0 },
    resting: 0,
    reserved: 0,
  }
}

/** The usage with one more address. */
function withAddress(usage: Usage, address: string, record: AddressRecord): Usage {
  const state = stateOfAddress(record)
  const family = familyOf(address)
  if (!state || !family) return usage
  if (state !== 'held') return { ...usage, [state]: usage[state] + 1 }
  return { ...usage, held: { ...usage.held, [family]: usage.held[family] + 1 } }
}
