/** What `herald get` lists: each kind of thing, its columns, and how a row is made of the records in Redis. */
import type { Usage } from '../allocate/usage.ts'
import { canonical } from '../model/address.ts'
import type { AddressRecord, Allocation } from '../model/allocation.ts'
import type { Pool } from '../model/configuration.ts'
import type { Announcer } from '../model/node.ts'
import type { Placement } from '../model/placement.ts'
import { quarantineOf } from '../model/quarantine.ts'
import { nameIn, type Service } from '../model/service.ts'
import { age, alarming, type Column, plain, type Row } from './row.ts'

export const KINDS = ['services', 'addresses', 'pools', 'nodes', 'queues'] as const
export type Kind = (typeof KINDS)[number]

/** kubectl's habit: "svc", "service" and "services" are one. */
export function kindOf(word: string): Kind | null {
  if (word === 'svc') return 'services'
  return KINDS.find(kind => kind === word || kind === `${word}s` || kind === `${word}es`) ?? null
}

/** A name as its row has it: an IPv6 address may be written in several ways. */
export const nameOf = (kind: Kind, text: string): string =>
  (kind === 'addresses' ? canonical(text) : null) ?? text

export const COLUMNS: Readonly<Record<Kind, readonly Column[]>> = {
  services: [
    plain('SERVICE', 'name'),
    plain('ADDRESSES', 'addresses'),
    plain('POOL', 'pool'),
    plain('NODE', 'nodes'),
    age('SINCE', 'sinceMs'),
    alarming(plain('WHY NOT', 'reason'), row => row.reason !== null),
    plain('PORTS', 'ports', true),
    plain('MESSAGE', 'message', true),
  ],
  addresses: [
    plain('ADDRESS', 'name'),
    alarming(plain('STATE', 'state'), row => row.state === 'quarantined'),
    plain('POOL', 'pool'),
    plain('SERVICES', 'services'),
    plain('NODE', 'node'),
    age('SINCE', 'sinceMs'),
    plain('SHARING KEY', 'sharingKey', true),
    plain('STANDBYS', 'standbys', true),
    plain('EPOCH', 'epoch', true),
  ],
  pools: [
    plain('POOL', 'name'),
    plain('ADDRESSES', 'addresses'),
    plain('AUTO', 'autoAssign'),
    plain('HELD', 'held'),
    plain('FREE', 'free'),
    plain('RESTING', 'resting', true),
    plain('RESERVED', 'reserved', true),
    plain('PRIORITY', 'priority', true),
    plain('NAMESPACES', 'namespaces', true),
  ],
  nodes: [
    plain('NODE', 'name'),
    alarming(plain('LEASE', 'lease'), row => row.lease !== 'renewed'),
    plain('DRAINED', 'drained'),
    plain('INTERFACES', 'interfaces'),
    plain('ANNOUNCES', 'groups'),
    age('LAG', 'behindSinceMs'),
    age('ENDED', 'endedMs', true),
    plain('HEARS', 'hears', true),
    plain('EPOCH', 'epoch', true),
    plain('PREFIXES', 'prefixes', true),
  ],
  queues: [
    plain('QUEUE', 'name'),
    plain('WAITING', 'waiting'),
    plain('ACTIVE', 'active'),
    plain('DELAYED', 'delayed'),
    alarming(plain('FAILED', 'failed'), row => row.failed !== 0),
    age('OLDEST', 'oldestMs'),
    plain('UNANSWERED', 'unanswered', true),
  ],
}

/** Which node announces an address. */
export function ownersOf(placements: Iterable<Placement | null>): Map<string, string> {
  return new Map(
    [...placements].flatMap(one =>
      one?.owner ? one.addresses.map(address => [address, one.owner?.node ?? ''] as const) : [],
    ),
  )
}

export function serviceRows(
  services: ReadonlyMap<string, Service | null>,
  allocations: ReadonlyMap<string, Allocation | null>,
  owners: ReadonlyMap<string, string>,
): Row[] {
  return [...services].flatMap(
    ([name, one]) => serviceRow(name, one, allocations.get(name) ?? null, owners) ?? [],
  )
}

/** Of all clusters; Services are named as in this one. */
export function addressRows(
  cluster: string,
  records: ReadonlyMap<string, AddressRecord>,
  placements: Iterable<Placement | null>,
): Row[] {
  const byAddress = new Map(
    [...placements].flatMap(one => one?.addresses.map(address => [address, one] as const) ?? []),
  )
  return [...records].map(([address, record]) =>
    addressRow(cluster, address, record, byAddress.get(address) ?? null),
  )
}

export function poolRows(pools: readonly Pool[], usages: ReadonlyMap<string, Usage>): Row[] {
  return pools.flatMap(pool => {
    const usage = usages.get(pool.name)
    return usage ? [poolRow(pool, usage)] : []
  })
}

/** Null for a Service that is none of ours and holds nothing. */
export function serviceRow(
  name: string,
  service: Service | null,
  allocation: Allocation | null,
  owners: ReadonlyMap<string, string>,
): Row | null {
  const ours = service?.type === 'LoadBalancer'
  if (!ours && !allocation?.addresses.length) return null
  const addresses = allocation?.addresses ?? []
  const nodes = addresses.flatMap(address => owners.get(address) ?? [])
  return {
    name,
    addresses,
    pool: allocation?.pool ?? null,
    nodes: [...new Set(nodes)],
    sinceMs: addresses.length > 0 ? (allocation?.sinceMs ?? null) : null,
    reason: allocation ? (allocation.refusal?.reason ?? null) : 'NotDecidedYet',
    message: allocation?.refusal?.message ?? null,
    ports: service?.ports.map(({ protocol, port }) => `${protocol}/${port}`) ?? [],
  }
}

export function addressRow(
  cluster: string,
  address: string,
  record: AddressRecord,
  placement: Placement | null,
): Row {
  const holders = Object.entries(record.holders)
  const since = holders.map(([, holder]) => holder.sinceMs)
  const shared = holders.length > 1
  return {
    name: address,
    state: holders.length > 0 ? (shared ? 'shared' : 'held') : afterwards(record),
    pool: record.pool,
    services:
      holders.length > 0
        ? holders.map(([id]) => nameIn(cluster, id))
        : [afterwardsFor(cluster, record)],
    node: placement?.owner?.node ?? null,
    sinceMs: since.length > 0 ? Math.min(...since) : null,
    sharingKey: record.sharingKey || null,
    standbys: placement?.standbys.map(one => one.node) ?? [],
    epoch: placement?.epoch.number ?? null,
  }
}

function afterwards({ after }: AddressRecord): string {
  if (!after) return 'free'
  if (quarantineOf(after.service)) return 'quarantined'
  return after.reserved ? 'reserved' : 'resting'
}

function afterwardsFor(cluster: string, { after }: AddressRecord): string {
  const quarantine = quarantineOf(after?.service ?? '')
  return quarantine ? `another host (MAC ${quarantine.mac})` : nameIn(cluster, after?.service ?? '')
}

function poolRow(pool: Pool, usage: Usage): Row {
  const held = usage.held.IPv4 + usage.held.IPv6
  const usable = usage.usable.IPv4 + usage.usable.IPv6
  return {
    name: pool.name,
    addresses: pool.addresses,
    autoAssign: pool.autoAssign,
    held,
    free: Math.max(0, usable - held - usage.resting - usage.reserved),
    resting: usage.resting,
    reserved: usage.reserved,
    priority: pool.serviceAllocation?.priority ?? null,
    namespaces: pool.serviceAllocation?.namespaces ?? [],
  }
}

/** What is known of a node that announces, or could. */
export interface NodeFacts {
  readonly node: string
  readonly announcer: Announcer | null
  readonly leaseEndMs: number | null
  readonly groups: number
  readonly drained: boolean
  /** Since when the oldest bell has waited that its announcer has not answered, ms since the epoch; null: it is up to date. */
  readonly behindSinceMs: number | null
}

export function nodeRow(facts: NodeFacts, nowMs: number): Row {
  const { node, announcer, leaseEndMs, groups, drained, behindSinceMs } = facts
  const ran = leaseEndMs !== null && leaseEndMs > nowMs
  return {
    name: node,
    lease: leaseEndMs === null ? null : ran ? 'renewed' : 'ended',
    drained,
    interfaces: announcer?.interfaces.map(one => one.name) ?? [],
    groups,
    behindSinceMs,
    endedMs: ran ? null : leaseEndMs,
    hears: ran ? [...(announcer?.hears ?? [])].sort() : [],
    epoch: announcer?.epoch ?? null,
    prefixes: announcer?.interfaces.flatMap(one => one.prefixes) ?? [],
  }
}
