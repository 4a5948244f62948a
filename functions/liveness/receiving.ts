/** What is heard on the LAN: beats and sets that are no replays, and what follows for what this node says. */
import { compareEpochs } from '../model/placement.ts'
import type { Beat, Claim, SetPart } from './messages.ts'
import type { Sending, Speaker } from './sending.ts'

export class Receiving {
  readonly #speaker: Speaker
  readonly #sending: Sending

  constructor(speaker: Speaker, sending: Sending) {
    this.#speaker = speaker
    this.#sending = sending
  }

  beat(beat: Beat, on: string, nowMs: number): void {
    const { node, session, peers } = this.#speaker
    if (beat.node === node || !this.#hasCarrier(on)) return
    const copy = beat.hears.find(heard => heard.session === session)
    const peer = peers.meet(beat, on, copy !== undefined, nowMs)
    if (!peer?.admitsBeat(beat, on)) return
    const wasSilent = !peer.living(nowMs)
    peer.hear(on, nowMs)
    peer.beat(beat, nowMs)
    if (wasSilent || copy?.synced === false) this.#sending.wantSet(beat.session)
    else if (copy) this.#sending.needNot(beat.session)
    if (peer.unsyncedSinceMs !== null) this.#sending.ask(peer.unsyncedSinceMs, nowMs)
  }

  /** What this node claims and another claims with a greater epoch. */
  set(part: SetPart, on: string, nowMs: number): Claim[] {
    const { node, peers, own } = this.#speaker
    if (part.node === node || !this.#hasCarrier(on)) return []
    const peer = peers.meet(part, on, false, nowMs)
    if (!peer) return this.#exceeded(part.claims)
    if (!peer.admitsSet(part)) return []
    // Before it is judged what it claims, or what it took would be taken back as from the silent.
    const wasSilent = !peer.living(nowMs)
    peer.hearSet(part, on, nowMs)
    if (wasSilent) this.#sending.wantSet(part.session)
    const fresh = peer.learn(part, nowMs)
    for (const { epoch } of fresh) peers.learnEpoch(epoch.number)
    const exceeded = this.#exceeded(fresh)
    const contested = fresh.flatMap(({ group }) => own.claims.get(group) ?? [])
    const defended = contested.filter(claim => !exceeded.includes(claim))
    if (defended.length > 0) this.#sending.remind(defended, [])
    return exceeded
  }

  /** Epochs only grow: what was recorded in former days does not exceed what is claimed since. */
  #exceeded(theirs: readonly Claim[]): Claim[] {
    return theirs.flatMap(({ group, epoch }) => {
      const mine = this.#speaker.own.claims.get(group)
      return mine && compareEpochs(epoch, mine.epoch) > 0 ? [mine] : []
    })
  }

  #hasCarrier(on: string): boolean {
    return this.#speaker.interfaces.get(on)?.carrier === true
  }
}
