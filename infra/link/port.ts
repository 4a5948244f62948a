/** One interface that announces: its socket, what is announced on it, and when. */
import { announcements } from '../../functions/announce/announcement.ts'
import { answer, type DropReason, type Here } from '../../functions/announce/answer.ts'
import { Askers } from '../../functions/announce/askers.ts'
import { probe } from '../../functions/announce/probe.ts'
import { BATCH_MAX, Schedule } from '../../functions/announce/schedule.ts'
import { type ArpFrame, decodeArpFrame } from '../../functions/wire/arp.ts'
import { Batch } from './batch.ts'
import type { Ledger } from './ledger.ts'
import type { Timed } from './loop.ts'
import { lostFrames, openPacketSocket } from './packet-socket.ts'
import { close, errorName, send } from './syscalls.ts'

/** Longer than any frame that is answered, so that what is too long is seen to be. */
const BUFFER_LENGTH = 2048
const ANSWER_LENGTH = 42
/** After so many frames the others have their turn. */
const TURN_MAX = 64
/** Nothing is there, a signal came, or the interface is down: the socket goes on when it is up again. */
const PASSING = new Set(['EAGAIN', 'EINTR', 'ENETDOWN'])

export type ArpLedger = Ledger<number, DropReason>

export class Port implements Here, Timed {
  readonly index: number
  readonly name: string
  readonly fd: number
  mac: number
  /** There is a carrier. Without one nothing is announced; when it returns, everything is. */
  running: boolean
  readonly #ledger: ArpLedger
  readonly #schedule = new Schedule<number>()
  readonly #askers: Askers<number>
  readonly #questions = new Batch(TURN_MAX, BUFFER_LENGTH)
  readonly #answers = new Batch(TURN_MAX, ANSWER_LENGTH)
  readonly #announcements = new Batch(2 * BATCH_MAX, ANSWER_LENGTH)
  /** Which address each of the answers, and of the announcements, is for. */
  readonly #answered: number[] = []
  readonly #announced: number[] = []

  /** Throws SystemError. */
  constructor(
    link: { index: number; name: string; mac: number; running: boolean },
    ledger: ArpLedger,
    answersPerSecond?: number,
  ) {
    this.index = link.index
    this.name = link.name
    this.mac = link.mac
    this.running = link.running
    this.#ledger = ledger
    this.#askers = new Askers(answersPerSecond)
    this.fd = openPacketSocket(link.index)
  }

  start(address: number, nowMs: number): void {
    this.#schedule.start(address, nowMs)
  }

  end(address: number): void {
    this.#schedule.stop(address)
  }

  /**
   * Answers what has come in; `hear` gets each frame too. What is returned is the error after which the socket is of no use
   * any more.
   */
  answer(hear: (frame: ArpFrame) => void): string | null {
    const count = this.#questions.receive(this.fd)
    if (count < 0) return this.#failure()
    const nowMs = performance.now()
    this.#answered.length = 0
    for (let i = 0; i < count; i++) {
      const read = decodeArpFrame(this.#questions.frame(i))
      if (typeof read !== 'string') hear(read)
      const answered = answer(read, this, this.#ledger.table)
      if (typeof answered === 'string') this.#ledger.drop(answered)
      else if (!this.#askers.allow(answered.asker, nowMs)) this.#ledger.drop('rateLimited')
      else {
        this.#ledger.asked(answered.address)
        this.#answers.put(this.#answered.length, answered.frame)
        this.#answered.push(answered.address)
      }
    }
    this.#sendAll(this.#answers, this.#answered, address => this.#ledger.answered(address))
    return null
  }

  nextMs(): number {
    return this.running ? this.#schedule.nextMs() : Number.POSITIVE_INFINITY
  }

  run(nowMs: number): void {
    this.#announce(this.#schedule.due(nowMs, Math.random()))
  }

  /** Once, now. */
  defend(address: number): void {
    this.#announce([address])
  }

  #announce(addresses: readonly number[]): void {
    this.#announced.length = 0
    for (const address of addresses) {
      for (const frame of announcements(address, this.mac)) {
        this.#announcements.put(this.#announced.length, frame)
        this.#announced.push(address)
      }
    }
    this.#sendAll(this.#announcements, this.#announced, address => this.#ledger.announced(address))
  }

  /** False when it did not go out. */
  probe(address: number): boolean {
    if (!this.running) return false
    const sent = send(this.fd, probe(address, this.mac)) >= 0
    if (!sent) this.#ledger.sendFailed(errorName())
    return sent
  }

  lost(): number {
    return lostFrames(this.fd)
  }

  close(): void {
    close(this.fd)
  }

  #failure(): string | null {
    const error = errorName()
    return PASSING.has(error) ? null : error
  }

  /** One that the kernel refuses is counted, and the others go on. */
  #sendAll(batch: Batch, addresses: readonly number[], count: (address: number) => void): void {
    for (let from = 0; from < addresses.length; ) {
      const sent = batch.send(this.fd, from, addresses.length)
      if (sent <= 0) this.#ledger.sendFailed(errorName())
      addresses.slice(from, from + Math.max(0, sent)).forEach(count)
      from += Math.max(1, sent)
    }
  }
}
