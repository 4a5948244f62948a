/**
 * What the ConfigMap of MetalLB 0.7 to 0.12 says about BGP: held to MetalLB's rules, so that a mistake is
 * heard of, and otherwise without effect.
 */
import { type AddressRange, canonical, prefixLengths } from '../model/address.ts'
import {
  entries,
  flag,
  items,
  type Mistakes,
  members,
  type Part,
  shown,
  text,
  whole,
} from './part.ts'
import { readSelectors } from './selectors.ts'

interface Top {
  readonly peers?: Part
  readonly 'bgp-communities'?: Part
  readonly 'bfd-profiles'?: Part
}

/** The aliases of communities, for the advertisements of the pools. */
export function readBgp(top: Top, mistakes: Mistakes): ReadonlySet<string> {
  const profiles = readProfiles(top['bfd-profiles'], mistakes)
  for (const part of items(top.peers, mistakes)) readPeer(part, profiles, mistakes)
  const aliases = entries(top['bgp-communities'], mistakes)
  for (const value of aliases.values()) checkCommunity(value, new Set(), mistakes)
  return new Set(aliases.keys())
}

/** How many there are. */
export function readBgpAdvertisements(
  part: Part | undefined,
  ranges: readonly AddressRange[],
  communities: ReadonlySet<string>,
  mistakes: Mistakes,
): number {
  const all = items(part, mistakes)
  for (const one of all) {
    const given = members(one, ADVERTISEMENT, mistakes)
    whole(given.localpref, UINT32, 0, mistakes)
    for (const community of items(given.communities, mistakes)) {
      checkCommunity(community, communities, mistakes)
    }
    checkLength(given['aggregation-length'], 'IPv4', ranges, mistakes)
    checkLength(given['aggregation-length-v6'], 'IPv6', ranges, mistakes)
  }
  return all.length
}

const UINT32 = [0, 2 ** 32 - 1] as const
const ASN = [1, 2 ** 32 - 1] as const
const PORT = [0, 65535] as const

const ADVERTISEMENT = [
  'aggregation-length',
  'aggregation-length-v6',
  'localpref',
  'communities',
] as const

/** An aggregate must not reach beyond the pool: each of its prefixes is at least as long. */
function checkLength(
  part: Part | undefined,
  family: AddressRange['family'],
  ranges: readonly AddressRange[],
  mistakes: Mistakes,
): void {
  const most = family === 'IPv4' ? 32 : 128
  const before = mistakes.length
  const length = whole(part, [0, most], most, mistakes)
  if (!part || mistakes.length > before) return
  const longest = ranges
    .filter(range => range.family === family)
    .reduce((found, range) => Math.max(found, ...prefixLengths(range)), 0)
  if (length < longest) {
    mistakes.push(
      `${part.where}: ${length} is shorter than a prefix of this pool (/${longest}): write ${longest} or more`,
    )
  }
}

function checkCommunity(part: Part, aliases: ReadonlySet<string>, mistakes: Mistakes): void {
  text(part, mistakes, community => {
    return aliases.has(community) || isCommunity(community)
      ? null
      : 'is no community: write two numbers up to 65535, as in 64512:1, or a name of bgp-communities'
  })
}

/** RFC 1997: two numbers of 16 bits. */
export function isCommunity(written: string): boolean {
  const halves = /^(\d{1,5}):(\d{1,5})$/.exec(written)?.slice(1)
  return halves?.every(half => Number(half) <= 65535) ?? false
}

function readProfiles(part: Part | undefined, mistakes: Mistakes): ReadonlySet<string> {
  const names = new Set<string>()
  for (const one of items(part, mistakes)) {
    const given = members(one, PROFILE, mistakes)
    const name = text(given.name, mistakes)
    if (name === '') mistakes.push(`${one.where}: the BFD profile has no name: give it one`)
    if (names.has(name)) {
      mistakes.push(
        `${one.where}: another BFD profile is named "${name}" too: rename one of the two`,
      )
    }
    names.add(name)
    for (const interval of ['receive-interval', 'transmit-interval', 'echo-interval'] as const) {
      whole(given[interval], [10, 60000], 300, mistakes)
    }
    whole(given['detect-multiplier'], [2, 255], 3, mistakes)
    whole(given['minimum-ttl'], [1, 254], 254, mistakes)
    flag(given['echo-mode'], false, mistakes)
    flag(given['passive-mode'], false, mistakes)
  }
  return names
}

const PROFILE = [
  'name',
  'receive-interval',
  'transmit-interval',
  'detect-multiplier',
  'echo-interval',
  'echo-mode',
  'passive-mode',
  'minimum-ttl',
] as const

function readPeer(part: Part, profiles: ReadonlySet<string>, mistakes: Mistakes): void {
  const given = members(part, PEER, mistakes)
  for (const name of ['my-asn', 'peer-asn', 'peer-address'] as const) {
    if (!given[name]) mistakes.push(`${part.where}: the peer has no ${name}: write one`)
  }
  whole(given['my-asn'], ASN, 0, mistakes)
  whole(given['peer-asn'], ASN, 0, mistakes)
  whole(given['peer-port'], PORT, 179, mistakes)
  for (const name of ['peer-address', 'source-address', 'router-id'] as const) {
    checkAddress(given[name], mistakes)
  }
  const holdMs = readHoldTime(given['hold-time'], mistakes)
  const keepalive = given['keepalive-time']
  if (keepalive && readDurationMs(keepalive, mistakes) > holdMs) {
    mistakes.push(`${keepalive.where}: ${shown(keepalive)} is more than the hold-time: write less`)
  }
  readSelectors(given['node-selectors'], mistakes, SPELLING)
  text(given.password, mistakes)
  flag(given['ebgp-multihop'], false, mistakes)
  text(given['bfd-profile'], mistakes, name =>
    profiles.has(name) ? null : 'is no BFD profile: write the name of one under bfd-profiles',
  )
}

export const SPELLING = { labels: 'match-labels', expressions: 'match-expressions' }

const PEER = [
  'my-asn',
  'peer-asn',
  'peer-address',
  'peer-port',
  'source-address',
  'hold-time',
  'keepalive-time',
  'router-id',
  'node-selectors',
  'password',
  'bfd-profile',
  'ebgp-multihop',
] as const

export function checkAddress(part: Part | undefined, mistakes: Mistakes): void {
  text(part, mistakes, value =>
    canonical(value) ? null : 'is not an IP address: write one, for example 10.0.0.1',
  )
}

/** RFC 4271 section 4.2: zero, or at least three seconds. */
export function readHoldTime(part: Part | undefined, mistakes: Mistakes): number {
  if (!part) return 90_000
  const ms = Math.trunc(readDurationMs(part, mistakes) / 1000) * 1000
  if (ms !== 0 && ms < 3000) {
    mistakes.push(
      `${part.where}: ${shown(part)} is neither 0s nor at least 3s: write, for example, 90s`,
    )
  }
  return ms
}

/** Go's time.ParseDuration. */
export function readDurationMs(part: Part, mistakes: Mistakes): number {
  const written = text(part, mistakes, value =>
    DURATION.test(value)
      ? null
      : 'is no duration: write numbers with units, for example 90s or 1m30s',
  )
  if (!DURATION.test(written)) return 0
  const ms = [...written.matchAll(/([\d.]+)([^\d.]+)/g)].reduce(
    (sum, [, amount, unit = '']) => sum + Number(amount) * (UNITS_MS[unit] ?? 0),
    0,
  )
  return written.startsWith('-') ? -ms : ms
}

/** Both letters that look like a Greek mu are in use (U+00B5, U+03BC). */
const DURATION = /^[-+]?(0|(\d+(\.\d*)?(ns|us|\u00b5s|\u03bcs|ms|s|m|h))+)$/

const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  '\u00b5s': 1e-3,
  '\u03bcs': 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}
