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
  /** Marks of addresses that are said to be held, and of those that are said to be reserved. */
  readonly marks: { readonly held: readonly string[]; readonly reserved: readonly string[] }
}

export async function readBook(redis: Redis | Cluster): Promise<Book> {
  const [addresses, allocations, bits, used, marked, reserved] = (await redis.eval(
    `local bits = 0
    for _, page in ipairs(redis.call('KEYS', '{herald}:page:*')) do bits = bits + redis.call('BITCOUNT', page) end
    local used = {}
    for _, key in ipairs(redis.call('KEYS', '{herald}:used:*')) do
      for _, address in ipairs(redis.call('SMEMBERS', key)) do used[#used + 1] = key .. ' ' .. address end
    end
    return {redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[2]), bits, used,
      redis.call('ZRANGE', '{herald}:held', 0, -1), redis.call('HKEYS', '{herald}:reserved')}`,
    2,
    '{herald}:addresses',
    '{herald}:default:allocations',
  )) as [unknown[], unknown[], number, string[], string[], string[]]
  return {
    records: table(addresses, readAddressRecord),
    held: table(allocations, readAllocation),
    bits,
    used,
    marks: { held: marked, reserved },
  }
}

export const violations = async (redis: Redis | Cluster): Promise<string[]> =>
  violationsOf(await readBook(redis))

/** Records, allocations and bits must say the same, and sharers must be allowed to. */
export function violationsOf({ records, held, bits, used, marks }: Book): string[] {
  const found = wrongMarks(records, marks)
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

/** The counters of pools are read from the marks alone. */
function wrongMarks(records: Book['records'], marks: Book['marks']): string[] {
  const marksOf = (those: (record: AddressRecord) => boolean) =>
    [...records.values()]
      .filter(those)
      .map(({ page, offset }) => `${page}:${offset.toString(16).padStart(4, '0')}`)
      .sort()
      .join()
  const held = marksOf(({ holders }) => Object.keys(holders).length > 0)
  const reserved = marksOf(({ after }) => after?.reserved === true)
  return [
    ...(held === [...marks.held].sort().join() ? [] : [`${marks.held} are marked, ${held} held`]),
    ...(reserved === [...marks.reserved].sort().join()
      ? []
      : [`${marks.reserved} are marked, ${reserved} reserved`]),
  ]
}
