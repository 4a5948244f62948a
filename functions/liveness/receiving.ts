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
    const peer = peers.meet(beat.node, beat.session)
    if (!peer?.admitsBeat(beat, on)) return
    const wasSilent = !peer.living(nowMs)
    peer.hear(on, nowMs)
    peer.beat(beat, nowMs)
    const copy = beat.hears.find(heard => heard.session === session)
    if (wasSilent || copy?.synced === false) this.#sending.wantSet(beat.session)
    else if (copy) this.#sending.needNot(beat.session)
    if (peer.unsyncedSinceMs !== null) this.#sending.ask(peer.unsyncedSinceMs, nowMs)
  }

  /** What this node claims and another claims with a greater epoch. */
  set(part: SetPart, on: string, nowMs: number): Claim[] {
    const { node, peers, own } = this.#speaker
    if (part.node === node || !this.#hasCarrier(on)) return []
    const peer = peers.meet(part.node, part.session)
    if (!peer?.admitsSet(part)) return []
    // Before it is judged what it claims, or what it took would be taken back as from the silent.
    const wasSilent = !peer.living(nowMs)
    peer.hearSet(part, on, nowMs)
    if (wasSilent) this.#sending.wantSet(part.session)
    const [exceeded, defended]: [Claim[], Claim[]] = [[], []]
    for (const claim of peer.learn(part, nowMs)) {
      peers.learnEpoch(claim.epoch.number)
      const mine = own.claims.get(claim.group)
      if (!mine) continue
      if (compareEpochs(claim.epoch, mine.epoch) > 0) exceeded.push(mine)
      else defended.push(mine)
    }
    if (defended.length > 0) this.#sending.remind(defended, [])
    return exceeded
  }

  #hasCarrier(on: string): boolean {
    return this.#speaker.interfaces.get(on)?.carrier === true
  }
}
