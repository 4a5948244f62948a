/** A pool as a map: each address a cell, or where there are too many, equal stretches with how full they are. */
import { rangesOf } from '../allocate/windows.ts'
import { type AddressRange, type Family, formatAddress, parseAddress } from '../model/address.ts'
import type { Pool } from '../model/configuration.ts'
import type { Row } from './row.ts'

export interface PoolMap {
  readonly pool: string
  /** Address by address, in order; empty when there are more than CELLS_MOST. */
  readonly cells: readonly Cell[]
  readonly stretches: readonly Stretch[]
}

export interface Cell {
  readonly address: string
  readonly state: string
  /** Services that hold it, or to which it returns; '' when it is free. */
  readonly owner: string
  readonly node: string
}

export interface Stretch {
  readonly first: string
  readonly last: string
  /** Addresses that are held, rest, or are reserved. */
  readonly taken: number
  /** Of 1. */
  readonly share: number
}

const CELLS_MOST = 1024
/** In one map; each range has at least one. */
const STRETCHES = 128n

/** `rows` are addresses that are not free, by address. */
export function poolMap(pool: Pool, rows: ReadonlyMap<string, Row>): PoolMap {
  const families: Family[] = ['IPv4', 'IPv6']
  const ranges = families.flatMap(family => rangesOf(pool, family))
  const size = ranges.reduce((sum, range) => sum + sizeOf(range), 0n)
  if (size <= BigInt(CELLS_MOST)) {
    const addresses = ranges.flatMap(addressesOf)
    return { pool: pool.name, cells: addresses.map(one => cellOf(one, rows)), stretches: [] }
  }
  const step = (size + STRETCHES - 1n) / STRETCHES
  const stretches = ranges.flatMap(range => cut(range, step))
  const taken = countIn(stretches, [...rows.keys()])
  return {
    pool: pool.name,
    cells: [],
    stretches: stretches.map((range, at) => ({
      first: textOf(range, range.first),
      last: textOf(range, range.last),
      taken: taken[at] ?? 0,
      share: (taken[at] ?? 0) / Number(sizeOf(range)),
    })),
  }
}

const sizeOf = ({ first, last }: AddressRange): bigint => last - first + 1n
const textOf = ({ family }: AddressRange, value: bigint) => formatAddress({ family, value })

function addressesOf(range: AddressRange): string[] {
  const size = Number(sizeOf(range))
  return Array.from({ length: size }, (_, at) => textOf(range, range.first + BigInt(at)))
}

function cellOf(address: string, rows: ReadonlyMap<string, Row>): Cell {
  const row = rows.get(address)
  if (!row) return { address, state: 'free', owner: '', node: '' }
  const services = Array.isArray(row.services) ? row.services : []
  return {
    address,
    state: String(row.state),
    owner: services.join(', '),
    node: String(row.node ?? ''),
  }
}

function cut(range: AddressRange, step: bigint): AddressRange[] {
  const pieces: AddressRange[] = []
  for (let first = range.first; first <= range.last; first += step) {
    const end = first + step - 1n
    pieces.push({ ...range, first, last: end < range.last ? end : range.last })
  }
  return pieces
}

/** How many of the addresses lie in each range. */
function countIn(ranges: readonly AddressRange[], addresses: readonly string[]): number[] {
  const counts = ranges.map(() => 0)
  for (const text of addresses) {
    const address = parseAddress(text)
    if (!address) continue
    const at = ranges.findIndex(
      ({ family, first, last }) =>
        family === address.family && first <= address.value && address.value <= last,
    )
    if (at >= 0) counts[at] = (counts[at] ?? 0) + 1
  }
  return counts
}
