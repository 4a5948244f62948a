/** Records that the scripts keep as lines of text (book.lua and holding.lua say why and how), read. */
import type {
  AddressRecord,
  Afterlife,
  Allocation,
  Holder,
  Refusal,
} from '../../functions/model/allocation.ts'
import type { LanRecord } from '../../functions/model/finding.ts'
import { refuseLater } from './schema.ts'

/** Of both kinds of record. */
const SCHEMA = 2 as const

/** "2 sinceMs incarnation uid", then addresses, pool, refusal and notice. */
export function readAllocation(text: string): Allocation {
  const [head = '', addresses = '', pool = '', refusal = '', notice = ''] = text.split('\n')
  const [schema, sinceMs, incarnation = '', uid = ''] = head.split(' ')
  refuseLater('An allocation', schema, SCHEMA)
  return {
    v: SCHEMA,
    uid,
    addresses: listOf(addresses),
    pool: pool || null,
    sinceMs: Number(sinceMs),
    refusal: refusal ? (JSON.parse(refusal) as Refusal) : null,
    ...(notice && { notices: [JSON.parse(notice) as Refusal] }),
    incarnation,
  }
}

/** "2 page offset cluster", then pool, sharing key, backend key, and a line a holder or one of what comes after. */
export function readAddressRecord(text: string): AddressRecord {
  const [head = '', pool = '', sharingKey = '', backendKey = '', ...lines] = text.split('\n')
  const [schema, page = '', offset, cluster = ''] = head.split(' ')
  refuseLater('The record of an address', schema, SCHEMA)
  const holders: Record<string, Holder> = {}
  let after: Afterlife | undefined
  for (const line of lines.filter(one => one !== '')) {
    const [name = '', first = '', second = '', third = '', fourth = ''] = line.split(' ')
    if (name === '-') {
      after = { service: first, untilMs: Number(second), reserved: third === 'reserved' }
    } else {
      const ports = listOf(fourth)
      holders[name] = { uid: first, ports, sinceMs: Number(second), reserveMs: Number(third) }
    }
  }
  const place = { page, offset: Number(offset), cluster, pool }
  const record = { v: SCHEMA, ...place, sharingKey, backendKey, holders }
  return after ? { ...record, after } : record
}

/** "unprobed automatic", or "taken" or "claimed" and "mac node interface sinceMs lastMs". */
export function readLanRecord(text: string): LanRecord {
  const [kind, first = '', node = '', at = '', sinceMs, lastMs] = text.split(' ')
  if (kind === 'unprobed') return { unprobed: first === 'named' ? 'named' : 'automatic' }
  const times = { sinceMs: Number(sinceMs), lastMs: Number(lastMs) }
  const who = { mac: first, node, interface: at, ...times }
  return kind === 'taken' ? { taken: who } : { claimed: who }
}

const listOf = (text: string): string[] => text.split(',').filter(one => one !== '')
