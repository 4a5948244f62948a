/** All other sessions that were heard in this one, and what follows from them. */
import { compareEpochs } from '../model/placement.ts'
import {
  type Beat,
  type Claim,
  type Event,
  SILENT_AFTER_MS,
  TOGETHER_MS,
  UNSYNCED_MAX_MS,
} from './messages.ts'
import { Peer } from './peer.ts'

/** Sessions remembered beyond what is needed, so that their messages are known to be replays. */
const SESSIONS_MAX = 4096

export class Peers {
  readonly #sessions = new Map<string, Peer>()
  /** Node -> its present session. */
  readonly #present = new Map<string, Peer>()
  /** Node and own interface -> when something of it failed authentication there. */
  readonly #unknown = new Map<string, number>()
  /** Number of the greatest epoch that was ever heard of. */
  greatest = 0

  /**
   * Null for a session that was followed by another, for a stranger when there are too many, and for one that would take the
   * place of a living one unproven: what was recorded in former days does not name the session of whom it is played to. It
   * may be a node that has just begun again and has not heard this one yet, so it counts as unknown, not as silence.
   */
  meet(
    { node, session }: Pick<Beat, 'node' | 'session'>,
    on: string,
    proven: boolean,
    nowMs: number,
  ): Peer | null {
    const known = this.#sessions.get(session)
    if (known) return known.ended || known.node !== node ? null : known
    if (this.#sessions.size >= SESSIONS_MAX) return null
    const former = this.#present.get(node)
    if (former?.living(nowMs) && !proven) {
      this.unknown({ node, interface: on }, nowMs)
      return null
    }
    const peer = new Peer(node, session)
    if (former) former.ended = true
    this.#forget()
    this.#sessions.set(session, peer)
    this.#present.set(node, peer)
    return peer
  }

  present(node: string): Peer | null {
    return this.#present.get(node) ?? null
  }

  all(): Iterable<Peer> {
    return this.#sessions.values()
  }

  /** One session a node: the one it has now. */
  nodes(): Iterable<Peer> {
    return this.#present.values()
  }

  /** Some living node claims what is not known here. */
  unsynced(nowMs: number): boolean {
    for (const peer of this.#present.values()) {
      const { unsyncedSinceMs } = peer
      if (unsyncedSinceMs === null || !peer.living(nowMs)) continue
      if (nowMs - unsyncedSinceMs < UNSYNCED_MAX_MS) return true
    }
    return false
  }

  /** Another living node than this one claims the group, with whatever epoch. */
  isClaimed(group: string, except: Peer, nowMs: number): boolean {
    for (const peer of this.#present.values()) {
      if (peer !== except && peer.claim(group) && peer.living(nowMs)) return true
    }
    return false
  }

  /** The greatest that was ever claimed for the group, also by the dead and also if given up since. */
  lastClaim(group: string): Claim | null {
    let greatest: Claim | null = null
    for (const peer of this.#sessions.values()) {
      const claim = peer.claims.get(group)?.claim
      if (claim && (!greatest || compareEpochs(claim.epoch, greatest.epoch) > 0)) greatest = claim
    }
    return greatest
  }

  /** When somebody falls silent or is missed on an interface, after now and before `untilMs`; else that. */
  nextSilenceMs(nowMs: number, untilMs: number): number {
    let nextMs = untilMs
    const soon = (atMs: number) => {
      if (atMs > nowMs && atMs < nextMs) nextMs = atMs
    }
    for (const peer of this.#sessions.values()) {
      for (const heardMs of peer.heard.values()) soon(heardMs + SILENT_AFTER_MS)
      if (peer.impairedSinceMs !== null) soon(peer.impairedSinceMs + TOGETHER_MS)
    }
    return nextMs
  }

  /** What the ended claimed and somebody has claimed since is of no use any more. */
  #forget(): void {
    for (const peer of this.#sessions.values()) {
      if (!peer.ended) continue
      for (const [group, { claim }] of peer.claims) {
        const last = this.lastClaim(group)
        if (last && compareEpochs(last.epoch, claim.epoch) > 0) peer.claims.delete(group)
      }
    }
  }

  restart(nowMs: number, on: string | null): void {
    for (const peer of this.#sessions.values()) peer.restart(nowMs, on)
  }

  learnEpoch(number: number): void {
    this.greatest = Math.max(this.greatest, number)
  }

  /** Anybody can say any name: only those of nodes that were heard are kept. */
  unknown(
    { node, interface: on }: Pick<Extract<Event, { is: 'unknown' }>, 'node' | 'interface'>,
    nowMs: number,
  ): void {
    if (node !== null && this.#present.has(node)) this.#unknown.set(`${node} ${on}`, nowMs)
  }

  /** Something that says it is this node came in on the interface within the silence limit. */
  isUnknown(node: string, on: string, nowMs: number): boolean {
    const heardMs = this.#unknown.get(`${node} ${on}`)
    return heardMs !== undefined && nowMs - heardMs < SILENT_AFTER_MS
  }
}
