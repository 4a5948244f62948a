/** What is known of one session of another node: where and when it was heard, and what it claims. */
import { compareEpochs } from '../model/placement.ts'
import { minus, plus } from './digest.ts'
import {
  type Beat,
  type Claim,
  type Heard,
  type SetPart,
  SILENT_AFTER_MS,
  TOGETHER_MS,
} from './messages.ts'

export interface KnownClaim {
  /** What it claimed last; kept when dropped, for its epoch. */
  readonly claim: Claim
  readonly dropped: boolean
  readonly sequence: number
  /** When this claim was first heard. */
  readonly sinceMs: number
}

/** Messages that may overtake a part of a set. */
const STALE_AFTER = 64

export class Peer {
  readonly node: string
  readonly session: string
  /** Own interface -> when it was last heard there. */
  readonly heard = new Map<string, number>()
  /** Anywhere, and in truth: `heard` may begin anew without a word from it. */
  lastHeardMs = Number.NEGATIVE_INFINITY
  readonly claims = new Map<string, KnownClaim>()
  /** Whom it says it hears. */
  hears: readonly Heard[] = []
  leavingSinceMs: number | null = null
  impairedSinceMs: number | null = null
  /** Since when its digest differs from what is known of its set. */
  unsyncedSinceMs: number | null = null
  /** Known to have been followed by another session of the node: nothing that it says counts any more. */
  ended = false
  #digest = 0
  #said = 0
  /** Sender's interface, and that with the own one -> greatest sequence heard. */
  readonly #sequences = new Map<string, number>()
  #beatSequence = -1
  #setSequence = -1

  constructor(node: string, session: string) {
    this.node = node
    this.session = session
  }

  /** False for what was heard before: a beat counts once on each of our interfaces, and never an older one. */
  admitsBeat({ interface: from, sequence }: Beat, on: string): boolean {
    const way = `${from} ${on}`
    if (sequence < (this.#sequences.get(from) ?? -1)) return false
    if (sequence <= (this.#sequences.get(way) ?? -1)) return false
    this.#sequences.set(from, sequence)
    this.#sequences.set(way, sequence)
    return true
  }

  /** Parts of sets overtake each other: what each says of a group is ordered by itself. Those long past are replays. */
  admitsSet({ sequence }: SetPart): boolean {
    return sequence > this.#beatSequence - STALE_AFTER
  }

  /** A set that is newer than all heard before is a sign of life, as a beat is. */
  hearSet({ sequence }: SetPart, on: string, nowMs: number): void {
    if (sequence <= Math.max(this.#beatSequence, this.#setSequence)) return
    this.#setSequence = sequence
    this.hear(on, nowMs)
  }

  hear(on: string, nowMs: number): void {
    this.heard.set(on, nowMs)
    this.lastHeardMs = nowMs
  }

  beat(beat: Beat, nowMs: number): void {
    if (beat.sequence <= this.#beatSequence) return
    this.#beatSequence = beat.sequence
    this.hears = beat.hears
    this.leavingSinceMs = beat.leaving ? (this.leavingSinceMs ?? nowMs) : null
    this.impairedSinceMs = beat.impaired ? (this.impairedSinceMs ?? nowMs) : null
    this.#said = beat.digest
    this.#compare(nowMs)
  }

  /** What it claims now that was not known. */
  learn(part: SetPart, nowMs: number): Claim[] {
    const fresh: Claim[] = []
    const named = new Set<string>()
    for (const claim of part.claims) {
      named.add(claim.group)
      if (this.#claim(claim, part.sequence, nowMs)) fresh.push(claim)
    }
    for (const group of part.dropped) this.#drop(group, part.sequence)
    if (part.range) {
      const { after, upTo } = part.range
      for (const group of this.claims.keys()) {
        if (named.has(group) || group <= after || (upTo !== null && group > upTo)) continue
        this.#drop(group, part.sequence)
      }
    }
    this.#compare(nowMs)
    return fresh
  }

  living(nowMs: number): boolean {
    for (const [, heardMs] of this.heard) if (nowMs - heardMs < SILENT_AFTER_MS) return true
    return false
  }

  /**
   * When it is gone from the LAN at this interface: silent for the limit, or at once when it says that it is cut off
   * somewhere and that comes in elsewhere only. Null where it was never heard.
   */
  goneMs(on: string): number | null {
    if (this.isMissedOn(on)) return (this.impairedSinceMs ?? 0) + TOGETHER_MS
    const heardMs = this.heard.get(on)
    return heardMs === undefined ? null : heardMs + SILENT_AFTER_MS
  }

  isGone(on: string, nowMs: number): boolean {
    const goneMs = this.goneMs(on)
    return goneMs !== null && nowMs >= goneMs
  }

  /** It says that it is cut off somewhere, and has not been heard here since. */
  isMissedOn(on: string): boolean {
    if (this.impairedSinceMs === null) return false
    return (this.heard.get(on) ?? Number.NEGATIVE_INFINITY) < this.impairedSinceMs
  }

  get synced(): boolean {
    return this.unsyncedSinceMs === null
  }

  claim(group: string): Claim | null {
    const known = this.claims.get(group)
    return known && !known.dropped ? known.claim : null
  }

  /** The silence so far was ours: begin to count anew. */
  restart(nowMs: number, on: string | null): void {
    for (const name of this.heard.keys()) {
      if (on === null || on === name) this.heard.set(name, nowMs)
    }
  }

  #claim(claim: Claim, sequence: number, nowMs: number): boolean {
    const known = this.claims.get(claim.group)
    if (known && sequence <= known.sequence) return false
    const same = known && !known.dropped && compareEpochs(known.claim.epoch, claim.epoch) === 0
    if (known && !known.dropped) this.#digest = minus(this.#digest, known.claim)
    this.#digest = plus(this.#digest, claim)
    this.claims.set(claim.group, {
      claim,
      dropped: false,
      sequence,
      sinceMs: same ? known.sinceMs : nowMs,
    })
    return !same
  }

  #drop(group: string, sequence: number): void {
    const known = this.claims.get(group)
    if (!known || known.dropped || sequence <= known.sequence) return
    this.#digest = minus(this.#digest, known.claim)
    this.claims.set(group, { ...known, dropped: true, sequence })
  }

  #compare(nowMs: number): void {
    this.unsyncedSinceMs = this.#digest === this.#said ? null : (this.unsyncedSinceMs ?? nowMs)
  }
}
