/** What must never be found in the book of addresses, whoever wrote it and whatever died meanwhile. */
import type { Cluster, Redis } from 'ioredis'
import { readAddressRecord, readAllocation } from '../../infra/redis/records.ts'

/** Records, allocations and bits read in one step must say the same, and sharers must be allowed to. */
export async function violations(redis: Redis | Cluster): Promise<string[]> {
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
  const records = table(addresses, readAddressRecord)
  const held = table(allocations, readAllocation)
  const found: string[] = []
  if (bits !== records.size) found.push(`${bits} bits but ${records.size} records`)
  const counted = [...records].flatMap(([address, { pool, holders }]) =>
    Object.keys(holders).map(id => `{herald}:used:${id.replace(/[^/]*$/, pool)} ${address}`),
  )
  if ([...new Set(counted)].sort().join() !== used.sort().join()) {
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
