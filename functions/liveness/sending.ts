/**
 * What this node says on the LAN, and when: beats, every change of its set at once and a small one again with
 * the next beats, and the whole set when somebody lacks it.
 */
import type { Attached, Claim, Command, Heard, SetPart } from './messages.ts'
import {
  ASK_MS,
  BEAT_EVERY_MS,
  REPEATED_MAX,
  REPEATS,
  SET_CLAIMS_PER_MS,
  SET_EVERY_MS,
} from './messages.ts'
import type { Own } from './own.ts'
import type { Peers } from './peers.ts'

export interface Speaker {
  readonly node: string
  readonly session: string
  readonly own: Own
  readonly peers: Peers
  /** Nothing is said on those without a carrier. */
  readonly interfaces: ReadonlyMap<string, Attached>
  /** Where commands go. */
  readonly commands: Command[]
}

export class Sending {
  readonly #speaker: Speaker
  /** Changed groups, and how often that is to be said again: a lost frame must not cost a beat. */
  readonly #changed = new Map<string, number>()
  #sequence = 0
  #beatMs: number
  #lastBeatMs = Number.NEGATIVE_INFINITY
  /** Sessions that lack the set of this node. */
  readonly #wantedBy = new Set<string>()
  /** Not before: a set is long. */
  #setDueMs = Number.NEGATIVE_INFINITY

  constructor(speaker: Speaker, nowMs: number) {
    this.#speaker = speaker
    this.#beatMs = nowMs
  }

  beatAt(ms: number): void {
    this.#beatMs = Math.min(this.#beatMs, ms)
  }

  /** What is known of a set has differed from what its sender beats since then: ask, if no beat has asked yet. */
  ask(sinceMs: number, nowMs: number): void {
    if (this.#lastBeatMs <= sinceMs) this.beatAt(nowMs + ASK_MS) // it may be on its way
  }

  wantSet(session: string): void {
    this.#wantedBy.add(session)
  }

  /** What was on its way has arrived there. */
  needNot(session: string): void {
    this.#wantedBy.delete(session)
  }

  /** The set has changed: says so at once, and `REPEATS` times more unless it is much. */
  change(claims: readonly Claim[], dropped: readonly string[], nowMs: number): void {
    const groups = [...claims.map(claim => claim.group), ...dropped]
    if (groups.length <= REPEATED_MAX) for (const group of groups) this.#changed.set(group, REPEATS)
    else this.#rest(groups.length, nowMs)
    this.remind(claims, dropped)
  }

  /** Says part of the set, once. */
  remind(claims: readonly Claim[], dropped: readonly string[]): void {
    this.#say(claims, dropped, null)
  }

  run(nowMs: number, state: { readonly leaving: boolean; readonly impaired: boolean }): void {
    if (this.#wantedBy.size > 0 && nowMs >= this.#setDueMs) {
      this.#wantedBy.clear()
      const claims = [...this.#speaker.own.claims.values()]
      this.#rest(claims.length, nowMs)
      this.#say(claims, [], { after: '', upTo: null })
    }
    if (nowMs < this.#beatMs) return
    this.#beat(nowMs, state)
    if (this.#changed.size > 0) this.#sayAgain()
  }

  nextMs(): number {
    return this.#wantedBy.size > 0 ? Math.min(this.#setDueMs, this.#beatMs) : this.#beatMs
  }

  #beat(nowMs: number, { leaving, impaired }: { leaving: boolean; impaired: boolean }): void {
    const { node, session, own, peers, interfaces, commands } = this.#speaker
    this.#lastBeatMs = nowMs
    this.#beatMs = nowMs + BEAT_EVERY_MS
    const hears: Heard[] = []
    for (const peer of peers.nodes()) {
      if (peer.living(nowMs)) hears.push({ session: peer.session, synced: peer.synced })
    }
    const { digest } = own
    for (const [name, { carrier }] of interfaces) {
      if (!carrier) continue
      const sequence = ++this.#sequence
      const beat = { node, session, interface: name, sequence, hears, digest, leaving, impaired }
      commands.push({ do: 'beat', beat })
    }
  }

  /** So much takes its time to be read: the whole set is not said before. */
  #rest(claims: number, nowMs: number): void {
    this.#setDueMs = nowMs + Math.max(SET_EVERY_MS, claims / SET_CLAIMS_PER_MS)
  }

  #sayAgain(): void {
    const [claims, dropped]: [Claim[], string[]] = [[], []]
    for (const [group, times] of this.#changed) {
      const own = this.#speaker.own.claims.get(group)
      if (own) claims.push(own)
      else dropped.push(group)
      if (times > 1) this.#changed.set(group, times - 1)
      else this.#changed.delete(group)
    }
    this.remind(claims, dropped)
  }

  #say(claims: readonly Claim[], dropped: readonly string[], range: SetPart['range']): void {
    const { node, session, interfaces, commands } = this.#speaker
    for (const [name, { carrier }] of interfaces) {
      if (!carrier) continue
      const sequence = ++this.#sequence
      const part = { node, session, interface: name, sequence, claims, dropped, range }
      commands.push({ do: 'set', part })
    }
  }
}
