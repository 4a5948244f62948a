/**
 * The objects that speak of BGP, held to what MetalLB holds them to whichever of its backends runs (metallb-behaviour 6.2),
 * so that a mistake is heard of at once. Herald stores them and obeys none of them.
 */
import { checkAddress, isCommunity, readDurationMs, readHoldTime } from '../configure/bgp.ts'
import {
  contentOf,
  items,
  type Mistakes,
  members,
  type Part,
  partOf,
  refuseDoubles,
  shown,
  text,
  whole,
} from '../configure/part.ts'
import { readDistinctSelectors } from '../configure/selectors.ts'
import { parseEntry, prefixLengths } from '../model/address.ts'
import type { Pool } from '../model/configuration.ts'
import { anySelects } from '../model/selector.ts'

/** An object of these kinds, as far as it is looked at. */
export interface Named {
  readonly name: string
  readonly spec: unknown
}

export function peerMistakes({ spec }: Named): Mistakes {
  const mistakes: Mistakes = []
  const part = partOf(spec, 'spec')
  const given = members(part, PEER, mistakes)
  const number = (name: 'myASN' | 'peerASN') => whole(given[name], [0, 2 ** 32 - 1], 0, mistakes)
  const [mine, theirs] = [number('myASN'), number('peerASN')]
  const said = (name: 'dynamicASN' | 'peerAddress' | 'interface' | 'password') =>
    text(given[name], mistakes) !== ''
  const secret = members(given.passwordSecret, ['name'], mistakes).name
  const wrong = (field: string, why: string) => mistakes.push(`spec.${field}: ${why}`)
  if (mine === 0) wrong('myASN', 'is missing or 0: write the AS number of the cluster')
  if ((theirs !== 0) === said('dynamicASN')) {
    wrong('peerASN', 'write exactly one of peerASN and dynamicASN')
  }
  if (said('peerAddress') === said('interface')) {
    wrong('peerAddress', 'write exactly one of peerAddress and interface')
  }
  if (
    given.ebgpMultiHop?.kind === 'scalar' &&
    given.ebgpMultiHop.value === true &&
    mine === theirs
  ) {
    wrong('ebgpMultiHop', 'is for a peer of another AS: remove it, or change peerASN')
  }
  if (said('password') && text(secret, mistakes) !== '') {
    wrong('password', 'remove it or passwordSecret')
  }
  for (const name of ['peerAddress', 'sourceAddress', 'routerID'] as const) {
    if (given[name] && text(given[name], []) !== '') checkAddress(given[name], mistakes)
  }
  checkTimers(given, mistakes)
  readDistinctSelectors(given.nodeSelectors, mistakes)
  return mistakes
}

const PEER = [
  'myASN',
  'peerASN',
  'dynamicASN',
  'peerAddress',
  'interface',
  'sourceAddress',
  'routerID',
  'holdTime',
  'keepaliveTime',
  'nodeSelectors',
  'password',
  'passwordSecret',
  'ebgpMultiHop',
] as const

/** Either alone makes the other three times or a third of it. */
function checkTimers(
  { holdTime, keepaliveTime }: { readonly holdTime?: Part; readonly keepaliveTime?: Part },
  mistakes: Mistakes,
): void {
  const holdMs = holdTime ? readHoldTime(holdTime, mistakes) : null
  const keepaliveMs = keepaliveTime ? readDurationMs(keepaliveTime, mistakes) : null
  if (holdMs !== null && keepaliveMs !== null && keepaliveMs > holdMs) {
    mistakes.push(`spec.keepaliveTime: is more than holdTime: write less`)
  }
}

export function bgpAdvertisementMistakes(
  { name, spec }: Named,
  others: readonly Named[],
  pools: readonly Pool[],
): Mistakes {
  const mistakes: Mistakes = []
  const given = members(partOf(spec, 'spec'), ADVERTISEMENT, mistakes)
  const lengths = {
    IPv4: whole(given.aggregationLength, [1, 32], 32, mistakes),
    IPv6: whole(given.aggregationLengthV6, [0, 128], 128, mistakes),
  }
  for (const list of LISTS) refuseDoubles(given[list], mistakes)
  for (const community of items(given.communities, mistakes)) {
    const written = text(community, mistakes)
    if (written.includes(':')) checkCommunity(community, written, mistakes)
  }
  const selectors = readDistinctSelectors(given.ipAddressPoolSelectors, mistakes)
  readDistinctSelectors(given.nodeSelectors, mistakes)
  const some = readDistinctSelectors(given.serviceSelectors, mistakes).length > 0
  if (some && (lengths.IPv4 !== 32 || lengths.IPv6 !== 128)) {
    mistakes.push(
      'spec.serviceSelectors: need single addresses: remove aggregationLength and aggregationLengthV6',
    )
  }
  const names = items(given.ipAddressPools, mistakes).map(one => text(one, mistakes))
  const every = names.length === 0 && selectors.length === 0
  const mine = pools.filter(
    pool => every || names.includes(pool.name) || anySelects(selectors, pool.labels),
  )
  for (const pool of mine) mistakes.push(...aggregates(pool, lengths))
  const twin = others.find(other => other.name !== name && sameSpec(other.spec, spec))
  if (twin) {
    mistakes.push(
      `spec: the BGPAdvertisement "${twin.name}" says exactly the same: delete one of the two`,
    )
  }
  return mistakes
}

const LISTS = ['ipAddressPools', 'communities', 'peers'] as const
const ADVERTISEMENT = [
  ...LISTS,
  'ipAddressPoolSelectors',
  'nodeSelectors',
  'serviceSelectors',
  'aggregationLength',
  'aggregationLengthV6',
] as const

/** Of each entry the largest block counts: it must be no smaller than an aggregate. */
function aggregates(
  pool: Pool,
  lengths: { readonly IPv4: number; readonly IPv6: number },
): string[] {
  return pool.addresses.flatMap(entry => {
    const range = parseEntry(entry)
    if ('reason' in range) return []
    const field = range.family === 'IPv4' ? 'aggregationLength' : 'aggregationLengthV6'
    const shortest = Math.min(...prefixLengths(range))
    return lengths[range.family] >= shortest
      ? []
      : [
          `spec.${field}: ${lengths[range.family]} reaches beyond "${entry}" of pool "${pool.name}": write ${shortest} or more`,
        ]
  })
}

export function communityMistakes({ name, spec }: Named, others: readonly Named[]): Mistakes {
  const mistakes: Mistakes = []
  const aliases = new Map<string, string>()
  for (const other of others.filter(one => one.name !== name)) {
    for (const { alias } of aliasesOf(other.spec, [])) aliases.set(alias, other.name)
  }
  for (const { alias, value, where } of aliasesOf(spec, mistakes)) {
    const rival = aliases.get(alias)
    if (rival !== undefined) {
      mistakes.push(
        `${where}: the Community "${rival}" names "${alias}" too: rename one of the two`,
      )
    }
    aliases.set(alias, name)
    if (value) checkCommunity(value, text(value, mistakes), mistakes)
    else mistakes.push(`${where}: "${alias}" has no value: write one, as in 64512:1`)
  }
  return mistakes
}

function aliasesOf(spec: unknown, mistakes: Mistakes) {
  const { communities } = members(partOf(spec, 'spec'), ['communities'], mistakes)
  return items(communities, mistakes).map(one => {
    const given = members(one, ['name', 'value'], mistakes)
    return { alias: text(given.name, mistakes), value: given.value, where: one.where }
  })
}

function checkCommunity(part: Part, written: string, mistakes: Mistakes): void {
  const thirds = /^large:(\d{1,10}):(\d{1,10}):(\d{1,10})$/.exec(written)?.slice(1)
  if (isCommunity(written) || thirds?.every(third => Number(third) < 2 ** 32)) return
  mistakes.push(
    `${part.where}: ${shown(part)} is no community: write two numbers up to 65535, as in 64512:1, or large:64512:1:2`,
  )
}

/** Who speaks to its router with this BFDProfile. */
export function peersWith(profile: string, peers: readonly Named[]): string[] {
  return peers
    .filter(
      ({ spec }) =>
        text(members(partOf(spec, 'spec'), ['bfdProfile'], []).bfdProfile, []) === profile,
    )
    .map(one => one.name)
}

const sameSpec = (a: unknown, b: unknown): boolean =>
  contentOf(partOf(a ?? {}, '')) === contentOf(partOf(b ?? {}, ''))
