/** What claim.lua decides, said again in the simplest way that works for pools of a few addresses. */
import type { AllocateCommand } from '../../functions/allocate/allocate.ts'
import type { Choice } from '../../functions/allocate/choices.ts'
import type { SharingTerms } from '../../functions/allocate/sharing.ts'
import { type Family, formatAddress, isBuggy, parseEntry } from '../../functions/model/address.ts'
import type { AddressRecord } from '../../functions/model/allocation.ts'
import type { Pool } from '../../functions/model/configuration.ts'

export type Records = ReadonlyMap<string, AddressRecord>

/** May the Service have this address? Whatever nobody holds is free. */
function fitsOn(book: Records, address: string, id: string, terms: SharingTerms): boolean {
  const record = book.get(address)
  const others = Object.entries(record?.holders ?? {}).filter(([holder]) => holder !== id)
  if (!record || others.length === 0) return true
  return (
    terms.sharing !== '' &&
    record.sharingKey === terms.sharing &&
    record.backendKey === terms.backend &&
    others.every(([, { ports }]) => !ports.some(port => terms.ports.includes(port)))
  )
}

/** The addresses that a choice gives, or null when it cannot be had. */
export function claimable(
  book: Records,
  choice: Choice,
  id: string,
  terms: SharingTerms,
): string[] | null {
  const found = choice.parts.map(part =>
    'exact' in part
      ? [part.exact.address].find(one => fitsOn(book, one, id, terms))
      : addressesOf(choice.pool, part.family).find(one => fitsOn(book, one, id, terms)),
  )
  return found.every(one => one !== undefined) ? found : null
}

/** What a Service holds after its bell was answered; null where that hangs on others too. */
export function expected(
  command: AllocateCommand,
  held: readonly string[],
  book: Records,
  id: string,
  terms: SharingTerms,
): readonly string[] | null {
  const stays = held.every(one => fitsOn(book, one, id, terms)) ? held : []
  switch (command.do) {
    case 'nothing':
      return held
    case 'release':
      return []
    case 'refuse':
      return command.keep === '' ? [] : stays
    case 'claim': {
      for (const choice of command.choices) {
        const found = claimable(book, choice, id, terms)
        if (found) return found
      }
      return command.keep === null ? [] : null
    }
  }
}

/** Pools of the model are small: every address is looked at. */
function addressesOf(pool: Pool, family: Family): string[] {
  return pool.addresses.flatMap(entry => {
    const range = parseEntry(entry)
    if ('reason' in range || range.family !== family) return []
    const count = Number(range.last - range.first) + 1
    return Array.from({ length: count }, (_, i) => ({ family, value: range.first + BigInt(i) }))
      .filter(address => !pool.avoidBuggyIPs || !isBuggy(address))
      .map(formatAddress)
  })
}
