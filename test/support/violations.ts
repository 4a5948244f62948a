/** What must never be found in the book of addresses, whoever wrote it and whatever died meanwhile. */
import type { Cluster, Redis } from 'ioredis'
import type { AddressRecord, Allocation } from '../../functions/model/allocation.ts'
import { readAddressRecord, readAllocation } from '../../infra/redis/records.ts'

/** Everything that is written down about addresses, read in one step. */
export interface Book {
  /** By address. */
  readonly records: ReadonlyMap<string, AddressRecord>
  /** By Service. */
  readonly held: ReadonlyMap<string, Allocation>
  /** How many bits are set in all pages. */
  readonly bits: number
  /** "key address" of all that namespaces are said to hold. */
  readonly used: readonly string[]
}

export async function readBook(redis: Redis | Cluster): Promise<Book> {
  const [addresses, allocations, bits, used] = (await redis.eval(
    `local bits = 0
    for _, page in ipairs(redis.call('KEYS', '{herald}:page:*')) do bits = bits + redis.call('BITCOUNT', page) end
    local used = {}
    for _, key in ipairs(redis.call('KEYS', '{herald}:used:*')) do
      for _, address in ipairs(redis.call('SMEMBERS', key)) do used[#used + 1] = key .. ' ' .. address end
    end
    return {redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[2]), bits, used}`,
    2,
    '{herald}:addresses',
    '{herald}:default:allocations',
  )) as [unknown[], unknown[], number, string[]]
  return {
    records: table(addresses, readAddressRecord),
    held: table(allocations, readAllocation),
    bits,
    used,
  }
}

export const violations = async (redis: Redis | Cluster): Promise<string[]> =>
  violationsOf(await readBook(redis))

/** Records, allocations and bits must say the same, and sharers must be allowed to. */
export function violationsOf({ records, held, bits, used }: Book): string[] {
  const found: string[] = []
  if (bits !== records.size) found.push(`${bits} bits but ${records.size} records`)
  const counted = [...records].flatMap(([address, { pool, holders }]) =>
    Object.keys(holders).map(id => `{herald}:used:${id.replace(/[^/]*$/, pool)} ${address}`),
  )
  if ([...new Set(counted)].sort().join() !== [...used].sort().join()) {
    found.push(`namespaces are said to hold ${used.join()}, not ${counted.join()}`)
  }
  for (const [address, record] of records) {
    const holders = Object.entries(record.holders)
    if (holders.length === 0 && !record.after) found.push(`${address} has a record and no holder`)
    if (holders.length > 1 && record.sharingKey === '') found.push(`${address} is held twice`)
    const ports = holders.flatMap(([, holder]) => holder.ports)
    if (new Set(ports).size !== ports.length) found.push(`${address}: one port twice`)
    for (const [holder] of holders) {
      const name = holder.slice('default/'.length)
      if (!(held.get(name)?.addresses ?? []).includes(address)) {
        found.push(`${address} is recorded for ${name}, which does not hold it`)
      }
    }
  }
  for (const [service, allocation] of held) {
    for (const address of allocation.addresses) {
      if (!records.get(address)?.holders[`default/${service}`]) {
        found.push(`${service} holds ${address} without a record`)
      }
    }
  }
  return found
}

/** A hash as RESP2 (flat) or RESP3 gives it to a script's caller. */
function table<T>(flat: readonly unknown[], read: (text: string) => T): Map<string, T> {
  const map = new Map<string, T>()
  for (let i = 0; i + 1 < flat.length; i += 2) map.set(String(flat[i]), read(String(flat[i + 1])))
  return map
}
