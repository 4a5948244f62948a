/**
 * Which groups a standby takes over now (design.md "Takeover"): what their owner last claimed on the
 * LAN, or what Redis said if that is newer, and no living node claims.
 */
import { homeOf } from '../announce/interfaces.ts'
import { parseAddress } from '../model/address.ts'
import { compareEpochs, type Epoch, type PlacedNode } from '../model/placement.ts'
import { type Attached, type Claim, SILENT_AFTER_MS } from './messages.ts'
import type { KnownClaim, Peer } from './peer.ts'
import type { Peers } from './peers.ts'

export interface Watch {
  readonly node: string
  readonly peers: Peers
  readonly interfaces: ReadonlyMap<string, Attached>
  /** What this node claims. */
  readonly own: ReadonlyMap<string, Claim>
  /** The newest placement read from Redis, by group; null = withdrawn. */
  readonly redis: ReadonlyMap<string, { readonly epoch: Epoch; readonly claim: Claim | null }>
}

export interface Takeover {
  /** That this node makes now, with its new epoch. */
  readonly claim: Claim
  /** For so long nobody has answered, going by when the owner was last heard; 0: it hands over. */
  readonly outageMs: number
}

export function takeovers(watch: Watch, nowMs: number): Takeover[] {
  const taken = new Map<string, Takeover>()
  if (!anyMayBeGone(watch.peers, nowMs)) return []
  const consider = (claim: Claim, peer: Peer, known: KnownClaim | null) => {
    const { group } = claim
    const outageMs = taken.has(group) ? null : dueAfter(claim, peer, known, watch, nowMs)
    if (outageMs === null) return
    const epoch = { number: 1 + greatestNumber(group, watch), node: watch.node }
    taken.set(group, { claim: succeed(claim, epoch, watch, nowMs), outageMs })
  }
  for (const peer of watch.peers.all()) {
    if (!mayBeGone(peer, nowMs)) continue
    for (const known of peer.claims.values()) {
      if (!known.dropped && !isOutdated(known.claim, watch)) consider(known.claim, peer, known)
    }
  }
  for (const { claim } of watch.redis.values()) {
    const peer = claim && watch.peers.present(claim.owner.node)
    if (!peer || !mayBeGone(peer, nowMs)) continue
    const last = watch.peers.lastClaim(claim.group)
    if (!last || compareEpochs(claim.epoch, last.epoch) > 0) consider(claim, peer, null)
  }
  return [...taken.values()]
}

function anyMayBeGone(peers: Peers, nowMs: number): boolean {
  for (const peer of peers.all()) if (mayBeGone(peer, nowMs)) return true
  return false
}

/** A quick look, so that nothing of a healthy owner is gone through. */
function mayBeGone(peer: Peer, nowMs: number): boolean {
  if (peer.ended || peer.leavingSinceMs !== null || peer.impairedSinceMs !== null) return true
  for (const heardMs of peer.heard.values()) if (nowMs - heardMs >= SILENT_AFTER_MS) return true
  return false
}

/** Redis knows better than what was heard on the LAN. */
function isOutdated(claim: Claim, { redis }: Watch): boolean {
  const newer = redis.get(claim.group)
  return newer !== undefined && compareEpochs(newer.epoch, claim.epoch) > 0
}

/** Null: it is not this node's turn; otherwise for how long nobody has answered. */
function dueAfter(
  claim: Claim,
  peer: Peer,
  known: KnownClaim | null,
  watch: Watch,
  nowMs: number,
): number | null {
  const me = claim.standbys.find(standby => standby.node === watch.node)
  if (!me || watch.own.has(claim.group)) return null
  if (watch.peers.isClaimed(claim.group, peer, nowMs)) return null
  const lans = lansOf(claim, me, watch)
  const sinceMs = goneSince(peer, lans, known, watch, nowMs)
  if (sinceMs === null) return null
  const before = standbysBefore(claim, lans, watch, nowMs)
  // A standby before this one that still hears the owner is right not to take over.
  if (peer.leavingSinceMs === null && before.some(one => hears(one, peer))) return null
  if (nowMs - sinceMs < SILENT_AFTER_MS * before.length) return null
  return outageOf(peer, lans, nowMs)
}

function outageOf(peer: Peer, { connected }: Lans, nowMs: number): number {
  if (peer.ended || !peer.living(nowMs)) return nowMs - peer.lastHeardMs
  if (peer.leavingSinceMs !== null) return 0
  const gone = connected.filter(on => peer.isGone(on, nowMs))
  return nowMs - Math.min(...gone.map(on => peer.heard.get(on) ?? nowMs))
}

/** Own interfaces on which the group lives, as this node would announce it. */
interface Lans {
  readonly connected: readonly string[]
  /** One of them has no carrier. */
  readonly impaired: boolean
}

function lansOf({ addresses }: Claim, { interfaces: placed }: PlacedNode, watch: Watch): Lans {
  const { interfaces } = watch
  let names = [...interfaces.keys()].filter(name => placed === null || placed.includes(name))
  if (names.length > 1) {
    const present = names.map(name => ({ name, networks: interfaces.get(name)?.networks ?? [] }))
    const homes = addresses.map(text => {
      const address = parseAddress(text)
      return (address && homeOf(address, placed, present)) ?? names
    })
    if (homes.length > 0) names = names.filter(name => homes.some(home => home.includes(name)))
  }
  const connected = names.filter(name => interfaces.get(name)?.carrier)
  return { connected, impaired: connected.length < names.length }
}

/** Since when the owner is no owner any more for this standby; null: it is. */
function goneSince(
  peer: Peer,
  { connected, impaired }: Lans,
  known: KnownClaim | null,
  watch: Watch,
  nowMs: number,
): number | null {
  const alive = !peer.ended && peer.living(nowMs)
  if (alive && peer.leavingSinceMs !== null) return peer.leavingSinceMs
  let sinceMs: number | null = null
  for (const on of connected) {
    if (watch.peers.isUnknown(peer.node, on, nowMs)) return null
    if (alive) {
      if (!peer.isGone(on, nowMs)) continue
      const relieves = !impaired && peer.isMissedOn(on)
      if (relieves || isTheirs(peer, on, known, watch, nowMs)) sinceMs ??= peer.goneMs(on)
    } else {
      const heardMs = peer.heard.get(on)
      if (heardMs !== undefined) sinceMs = Math.max(sinceMs ?? 0, heardMs + SILENT_AFTER_MS)
    }
  }
  return sinceMs !== null && nowMs >= sinceMs ? sinceMs : null
}

/**
 * On this LAN the owner fell silent, while it is heard on another: it was heard here since it made the
 * claim, so that two who do not hear each other here do not take from each other for ever; and it is
 * not our own cable: of the others that were heard here somebody still is.
 */
function isTheirs(
  peer: Peer,
  on: string,
  known: KnownClaim | null,
  { peers }: Watch,
  nowMs: number,
): boolean {
  if (!known || (peer.heard.get(on) ?? 0) <= known.sinceMs) return false
  let lost = false
  for (const other of peers.nodes()) {
    const heardMs = other.heard.get(on)
    if (other === peer || heardMs === undefined || !other.living(nowMs)) continue
    if (nowMs - heardMs < SILENT_AFTER_MS) return true
    lost = true
  }
  return !lost
}

/** The living standbys whose turn comes before ours: those on all LANs of the group first, then in the order given. */
function standbysBefore(claim: Claim, lans: Lans, watch: Watch, nowMs: number): Peer[] {
  const before: Peer[] = []
  let passed = false
  for (const { node } of claim.standbys) {
    if (node === watch.node) {
      passed = true
      continue
    }
    const peer = watch.peers.present(node)
    if (!peer?.living(nowMs) || peer.leavingSinceMs !== null) continue
    const sound = !lans.connected.some(on => peer.isGone(on, nowMs))
    if (lans.impaired ? sound || !passed : sound && !passed) before.push(peer)
  }
  return before
}

function greatestNumber(group: string, { peers, redis }: Watch): number {
  const last = peers.lastClaim(group)
  return Math.max(last?.epoch.number ?? 0, redis.get(group)?.epoch.number ?? 0)
}

function hears({ hears }: Peer, { session }: Peer): boolean {
  return hears.some(heard => heard.session === session)
}

/** The same group under its new owner: whoever is heard stands by first, the former owner last. */
function succeed(claim: Claim, epoch: Epoch, watch: Watch, nowMs: number): Claim {
  const order = [...claim.standbys, claim.owner]
  const owner = order.find(({ node }) => node === watch.node) ?? claim.owner
  const others = order.filter(({ node }) => node !== watch.node)
  const isHeard = ({ node }: PlacedNode) => {
    const peer = watch.peers.present(node)
    return peer?.living(nowMs) === true && peer.leavingSinceMs === null
  }
  const standbys = [...others.filter(isHeard), ...others.filter(one => !isHeard(one))].slice(0, 2)
  const written = watch.redis.get(claim.group)?.claim?.addresses
  const addresses = claim.addresses.length > 0 ? claim.addresses : (written ?? [])
  return { group: claim.group, addresses, epoch, owner, standbys }
}
