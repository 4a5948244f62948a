/**
 * Beats and sets as octets: the payload of a datagram on the LAN, authenticated, and shorter than any MTU.
 * Integers are in network byte order; a text is its length in one octet and UTF-8.
 *
 *   version 1 | kind 1 | cluster | node            the same in every version, so that each knows the other
 *   session 8 | interface | sequence 6             replays: see functions/liveness/peer.ts
 *   beat:  digest 6 | flags 1 | count 2 | (session 8, synced 1) ...
 *   set:   flags 1 | after | up to | count 2 | dropped ... | count 2 | claim ...
 *   the first 16 octets of HMAC-SHA256 over all of it (RFC 2104 section 5)
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Beat, Claim, Heard, SetPart } from '../liveness/messages.ts'
import type { PlacedNode } from '../model/placement.ts'
import { TextReader, TextWriter } from './texts.ts'

export type Message =
  | { readonly is: 'beat'; readonly beat: Beat }
  | { readonly is: 'set'; readonly part: SetPart }

/** Why octets are no message for us. Node: who says to have sent it, if that can be read. */
export interface Refusal {
  readonly is: 'refused'
  readonly reason:
    | 'truncated'
    | 'oversized'
    | 'otherCluster'
    | 'version'
    | 'unauthenticated'
    | 'malformed'
  readonly node: string | null
}

/** What both sides share. */
export interface Secrets {
  readonly cluster: string
  /** The first one signs, each is believed: so a key can be changed node by node. */
  readonly keys: readonly Uint8Array[]
}

/** Of the payload: IPv6 demands an MTU of 1280; its header, UDP's and a tunnel's are taken off. */
export const MESSAGE_LENGTH_MAX = 1200
/** What is left when all names are as long as they may be (node 253, interface 15, cluster 63). */
const HEARD_MAX = 88

const VERSION = 1
const [BEAT, SET] = [1, 2]
const SIGNATURE_LENGTH = 16
const [LEAVING, IMPAIRED] = [1, 2]
const [RANGE, OPEN] = [1, 2]
const ALL_INTERFACES = 255

export function encodeBeat(beat: Beat, secrets: Secrets): Uint8Array {
  const texts = head(BEAT, beat, secrets)
  texts.u48(beat.digest)
  texts.u8((beat.leaving ? LEAVING : 0) | (beat.impaired ? IMPAIRED : 0))
  // Whoever is asked for its set comes first.
  const hears = [...beat.hears]
    .sort((a, b) => Number(a.synced) - Number(b.synced))
    .slice(0, HEARD_MAX)
  texts.u16(hears.length)
  for (const { session, synced } of hears) texts.nonce(session).u8(synced ? 1 : 0)
  return sign(texts, secrets)
}

/**
 * As many messages as it takes, each made when it is asked for; all of them hold alone, in any order. A group with more
 * addresses than one holds goes without: whoever stands by for it has them from Redis.
 */
export function* encodeSet(part: SetPart, secrets: Secrets): Generator<Uint8Array, void> {
  for (const load of splitSet(part, secrets)) yield encodeSetPart(load, secrets)
}

export function decodeMessage(octets: Uint8Array, secrets: Secrets): Message | Refusal {
  const refused = (reason: Refusal['reason'], node: string | null): Refusal => ({
    is: 'refused',
    reason,
    node,
  })
  if (octets.length > MESSAGE_LENGTH_MAX) return refused('oversized', null)
  if (octets.length < 4 + SIGNATURE_LENGTH) return refused('truncated', null)
  const body = octets.subarray(0, -SIGNATURE_LENGTH)
  const reader = new TextReader(body)
  let node: string | null = null
  try {
    const version = reader.u8()
    const kind = reader.u8()
    const cluster = reader.text()
    node = reader.text()
    if (cluster !== secrets.cluster) return refused('otherCluster', null)
    if (version !== VERSION) return refused('version', node)
    if (!isAuthentic(octets, body, secrets)) return refused('unauthenticated', node)
    return kind === BEAT ? readBeat(reader, node) : readSet(reader, node)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return refused(node === null ? 'truncated' : 'malformed', node)
  }
}

/** What a message holds: claims as octets, and up to which group it speaks. */
interface Load {
  readonly part: SetPart
  readonly claims: readonly Uint8Array[]
}

/** Parts that fit into a message each; a range is divided among them. */
function* splitSet(part: SetPart, secrets: Secrets): Generator<Load, void> {
  const empty = { part: { ...part, claims: [], dropped: [] }, claims: [] }
  const roomFor = MESSAGE_LENGTH_MAX - encodeSetPart(empty, secrets).length - 256
  const claims = [...part.claims].sort((a, b) => (a.group < b.group ? -1 : 1))
  let [batch, room, after, last]: [Uint8Array[], number, string, string | null] = [
    [],
    roomFor,
    part.range?.after ?? '',
    null,
  ]
  const upTo = (group: string | null): Load => {
    const range = part.range && { after, upTo: group }
    return { part: { ...part, claims: [], dropped: [], range }, claims: batch }
  }
  for (const claim of claims) {
    let octets = octetsOf(claim)
    if (octets.length > roomFor) octets = octetsOf({ ...claim, addresses: [] })
    if (octets.length > room && last !== null) {
      yield upTo(last)
      ;[batch, room, after] = [[], roomFor, last]
    }
    batch.push(octets)
    room -= octets.length
    last = claim.group
  }
  if (batch.length > 0 || part.range) yield upTo(part.range?.upTo ?? null)
  for (let at = 0; at < part.dropped.length; at += DROPPED_MAX) {
    const dropped = part.dropped.slice(at, at + DROPPED_MAX)
    yield { part: { ...part, claims: [], dropped, range: null }, claims: [] }
  }
}

/** Groups are addresses: 45 characters at most. */
const DROPPED_MAX = 12

/** A claim is said several times, on every interface. */
const known = new WeakMap<Claim, Uint8Array>()

function octetsOf(claim: Claim): Uint8Array {
  const octets = known.get(claim) ?? claimed(new TextWriter(), claim).octets
  known.set(claim, octets)
  return octets
}

function encodeSetPart({ part, claims }: Load, secrets: Secrets): Uint8Array {
  const texts = head(SET, part, secrets)
  const { range, dropped } = part
  texts.u8((range ? RANGE : 0) | (range && range.upTo === null ? OPEN : 0))
  texts.text(range?.after ?? '').text(range?.upTo ?? '')
  texts.u16(dropped.length)
  for (const group of dropped) texts.text(group)
  texts.u16(claims.length)
  for (const claim of claims) texts.append(claim)
  return sign(texts, secrets)
}

function claimed(
  texts: TextWriter,
  { group, addresses, epoch, owner, standbys }: Claim,
): TextWriter {
  texts.text(group).u16(addresses.length)
  for (const address of addresses) texts.text(address)
  texts.u48(epoch.number).text(epoch.node)
  placed(texts, owner)
  texts.u8(standbys.length)
  for (const standby of standbys) placed(texts, standby)
  return texts
}

function placed(texts: TextWriter, { node, interfaces }: PlacedNode): void {
  texts.text(node).u8(interfaces ? interfaces.length : ALL_INTERFACES)
  for (const name of interfaces ?? []) texts.text(name)
}

function head(kind: number, sent: Beat | SetPart, { cluster }: Secrets): TextWriter {
  const { node, session, sequence, interface: name } = sent
  return new TextWriter()
    .u8(VERSION)
    .u8(kind)
    .text(cluster)
    .text(node)
    .nonce(session)
    .text(name)
    .u48(sequence)
}

function sign(texts: TextWriter, { keys: [key] }: Secrets): Uint8Array {
  if (!key) throw new RangeError('beats need a key')
  return texts.append(signatureOf(texts.octets, key)).octets
}

function isAuthentic(octets: Uint8Array, body: Uint8Array, { keys }: Secrets): boolean {
  const signature = octets.subarray(-SIGNATURE_LENGTH)
  return keys.some(key => timingSafeEqual(signatureOf(body, key), signature))
}

function signatureOf(body: Uint8Array, key: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(body).digest().subarray(0, SIGNATURE_LENGTH)
}

function readBeat(reader: TextReader, node: string): Message {
  const sent = readSent(reader, node)
  const [digest, flags] = [reader.u48(), reader.u8()]
  const hears: Heard[] = reader.times(reader.u16(), () => ({
    session: reader.nonce(),
    synced: reader.u8() !== 0,
  }))
  const leaving = (flags & LEAVING) !== 0
  const impaired = (flags & IMPAIRED) !== 0
  return { is: 'beat', beat: { ...sent, hears, digest, leaving, impaired } }
}

function readSet(reader: TextReader, node: string): Message {
  const sent = readSent(reader, node)
  const flags = reader.u8()
  const [after, upTo] = [reader.text(), reader.text()]
  const range = flags & RANGE ? { after, upTo: flags & OPEN ? null : upTo } : null
  const dropped = reader.times(reader.u16(), () => reader.text())
  const claims = reader.times(reader.u16(), () => readClaim(reader))
  return { is: 'set', part: { ...sent, claims, dropped, range } }
}

function readClaim(reader: TextReader): Claim {
  return {
    group: reader.text(),
    addresses: reader.times(reader.u16(), () => reader.text()),
    epoch: { number: reader.u48(), node: reader.text() },
    owner: readPlaced(reader),
    standbys: reader.times(reader.u8(), () => readPlaced(reader)),
  }
}

function readPlaced(reader: TextReader): PlacedNode {
  const node = reader.text()
  const count = reader.u8()
  return {
    node,
    interfaces: count === ALL_INTERFACES ? null : reader.times(count, () => reader.text()),
  }
}

function readSent(reader: TextReader, node: string) {
  return { node, session: reader.nonce(), interface: reader.text(), sequence: reader.u48() }
}
