/**
 * Decides which nodes may answer for a group of addresses, best first (design.md "Group").
 * The script place.lua picks among them by live counts and keeps whoever has it and still may.
 */
import { sendsIPv6 } from '../announce/interfaces.ts'
import { familyOf } from '../model/address.ts'
import type { Advertisement, Configuration, Pool } from '../model/configuration.ts'
import {
  type Announcer,
  type AnnouncerInterface,
  type Endpoints,
  EXCLUDE_LABEL,
  type Node,
} from '../model/node.ts'
import { anySelects, selects } from '../model/selector.ts'
import type { Service } from '../model/service.ts'

export interface Member {
  readonly service: Service
  readonly endpoints: Endpoints | null
  /** What it holds, and the pool that comes from, as the allocation says. */
  readonly addresses: readonly string[]
  readonly pool: string
}

export interface Candidate {
  readonly node: string
  /** Null = all interfaces that qualify. */
  readonly interfaces: readonly string[] | null
  readonly weight: number
}

export interface Placing {
  readonly candidates: readonly Candidate[]
  /** Why these, or why none. */
  readonly reason: string
}

export interface PlaceState {
  readonly configuration: Configuration
  readonly nodes: readonly Node[]
  readonly announcers: readonly Announcer[]
  /** Names of nodes that serve only what no other may. */
  readonly drained: readonly string[]
}

/** A node must be eligible for every Service of the group. */
export function place(members: readonly Member[], state: PlaceState): Placing {
  if (members.length === 0) return none('no Service holds these addresses any more')
  const perMember = members.map(member => eligible(member, state))
  const empty = perMember.find(one => one.candidates.length === 0)
  if (empty) return empty
  const [first, ...others] = perMember
  const candidates = (first?.candidates ?? []).flatMap(candidate => {
    const same = others.map(one => one.candidates.find(other => other.node === candidate.node))
    return same.includes(undefined)
      ? []
      : [merge([candidate, ...same.filter(one => one !== undefined)])]
  })
  if (candidates.length === 0) return none('no node may serve all Services that share the address')
  const able = ofBothFamilies(candidates, members, state)
  if (able.length === 0) {
    return none(
      'no node that may serve it has an IPv6 link-local address, without which IPv6 is not announced',
    )
  }
  const awake = able.filter(one => !state.drained.includes(one.node))
  return {
    candidates: (awake.length > 0 ? awake : able).sort(best),
    reason:
      awake.length > 0
        ? 'eligible by endpoints, labels and advertisements'
        : 'drained, but no other node may serve it',
  }
}

function eligible({ service, endpoints, pool }: Member, state: PlaceState): Placing {
  const name = `${service.namespace}/${service.name}`
  if (!endpoints?.any) return none(`no endpoint of ${name} can serve`)
  const kept = advertisementsOf(service, pool, state.configuration)
  if (kept.length === 0) return none(`no L2Advertisement covers pool "${pool}" for ${name}`)
  const shared = Object.keys(service.annotations).some(key => key.endsWith('/allow-shared-ip'))
  if (shared && kept.some(one => one.serviceSelectors.length > 0)) {
    return none(
      `${name} shares its address, which an L2Advertisement with serviceSelectors does not allow`,
    )
  }
  const candidates = state.nodes
    .filter(node => !node.networkUnavailable && !Object.hasOwn(node.labels, EXCLUDE_LABEL))
    .filter(
      node => service.externalTrafficPolicy === 'Cluster' || endpoints.nodes.includes(node.name),
    )
    .map(node => candidate(node, kept))
    .filter(one => one !== null)
    .filter(one => hasInterface(one, state.announcers))
  if (candidates.length === 0) {
    return none(
      `no node may serve ${name}: look at node labels, NetworkUnavailable, nodeSelectors, interfaces and, for externalTrafficPolicy Local, at where its endpoints run`,
    )
  }
  return { candidates, reason: '' }
}

/** Advertisements of the pool whose serviceSelectors are empty or match (metallb-behaviour 5.1). */
export function advertisementsOf(
  service: Service,
  poolName: string,
  { pools, advertisements }: Configuration,
): Advertisement[] {
  const pool = pools.find(one => one.name === poolName)
  return advertisements
    .filter(one => pool && covers(one, pool))
    .filter(
      one => one.serviceSelectors.length === 0 || anySelects(one.serviceSelectors, service.labels),
    )
}

function covers(advertisement: Advertisement, pool: Pool): boolean {
  const { pools, poolSelectors } = advertisement
  if (pools.length === 0 && poolSelectors.length === 0) return true
  return pools.includes(pool.name) || anySelects(poolSelectors, pool.labels)
}

function candidate(node: Node, kept: readonly Advertisement[]): Candidate | null {
  const covering = kept.filter(
    one => one.nodeSelectors.length === 0 || anySelects(one.nodeSelectors, node.labels),
  )
  if (covering.length === 0) return null
  const preferences = covering.flatMap(one => one.preferredNodes)
  return {
    node: node.name,
    interfaces: covering.some(one => one.interfaces.length === 0)
      ? null
      : [...new Set(covering.flatMap(one => one.interfaces))].sort(),
    weight: preferences
      .filter(({ preference }) => selects(preference, node.labels))
      .reduce((sum, { weight }) => sum + weight, 0),
  }
}

/** Who handed a group over in a planned stop has it back once it has been back for so long. */
export const BACK_AFTER_MS = 60_000

export function isBack(node: string, announcers: readonly Announcer[]): boolean {
  return announcers.some(one => one.node === node && (one.upMs ?? 0) >= BACK_AFTER_MS)
}

/** Those that can announce all of it; where none can, IPv4 is not given up for the sake of IPv6. */
function ofBothFamilies(
  candidates: readonly Candidate[],
  members: readonly Member[],
  { announcers }: PlaceState,
): Candidate[] {
  const families = new Set(members.flatMap(one => one.addresses.map(familyOf)))
  if (!families.has('IPv6')) return [...candidates]
  const able = candidates.filter(one => hasInterface(one, announcers, sendsIPv6))
  return able.length > 0 || !families.has('IPv4') ? able : [...candidates]
}

/** An announcer that has said which interfaces qualify must have one of those asked for. */
function hasInterface(
  { node, interfaces }: Candidate,
  announcers: readonly Announcer[],
  qualifies: (one: AnnouncerInterface) => boolean = () => true,
): boolean {
  const announcer = announcers.find(other => other.node === node)
  if (!announcer) return true // not heard yet: its lease decides
  const asked = announcer.interfaces.filter(
    ({ name }) => interfaces === null || interfaces.includes(name),
  )
  return asked.some(qualifies)
}

/** Services that share an address: answered if any of them allows the interface (metallb-behaviour 5.5). */
function merge(same: readonly Candidate[]): Candidate {
  return {
    node: same[0]?.node ?? '',
    interfaces: same.some(one => one.interfaces === null)
      ? null
      : [...new Set(same.flatMap(one => one.interfaces ?? []))].sort(),
    weight: same.reduce((sum, one) => sum + one.weight, 0),
  }
}

const best = (a: Candidate, b: Candidate): number =>
  b.weight - a.weight || (a.node < b.node ? -1 : a.node > b.node ? 1 : 0)

const none = (reason: string): Placing => ({ candidates: [], reason })
