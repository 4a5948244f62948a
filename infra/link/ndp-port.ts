/** One interface on which IPv6 addresses are announced: its socket, its groups, and when what is announced. */
import type { Interfaces } from '../../functions/announce/answer.ts'
import { livesOn } from '../../functions/announce/answer.ts'
import { Askers } from '../../functions/announce/askers.ts'
import { sendsIPv6 } from '../../functions/announce/interfaces.ts'
import {
  answerNeighbor,
  type NeighborAnswer,
  type NeighborDropReason,
  neighborAnnouncement,
} from '../../functions/announce/neighbor.ts'
import { Schedule } from '../../functions/announce/schedule.ts'
import { parseMAC } from '../../functions/wire/bytes.ts'
import { ALL_NODES, solicitedNodeGroup } from '../../functions/wire/ipv6.ts'
import { decodeNeighborFrame } from '../../functions/wire/neighbor-frame.ts'
import type { Ledger } from './ledger.ts'
import type { LinkInterface } from './messages.ts'
import { NdpSocket } from './ndp-socket.ts'
import type { RawSocket } from './raw-socket.ts'

export type NdpLedger = Ledger<bigint, NeighborDropReason>

/** A link-local address is tentative for a second or two after the interface came up; nothing can be sent before. */
const RETRY_MS = 500
/** Longer than that a timer of Node cannot wait. */
const TIMER_MAX_MS = 2 ** 31 - 1

export class NdpPort {
  readonly index: number
  readonly name: string
  mac: number
  readonly #ledger: NdpLedger
  readonly #socket: NdpSocket
  readonly #schedule = new Schedule<bigint>()
  readonly #askers: Askers<bigint>
  /** Could not be announced; tried again soon. */
  readonly #failed = new Set<bigint>()
  /** Where this port is in a group for it. */
  readonly #on = new Set<bigint>()
  #retryMs = Number.POSITIVE_INFINITY
  #ready: boolean
  #timer: NodeJS.Timeout | null = null
  #closed = false

  /** Throws when the kernel refuses a socket. */
  constructor(
    at: LinkInterface,
    given: {
      open: () => RawSocket
      ledger: NdpLedger
      answersPerSecond: number | undefined
      onError: (error: Error) => void
    },
  ) {
    this.index = at.index
    this.name = at.name
    this.mac = parseMAC(at.mac)
    this.#ready = canSend(at)
    this.#ledger = given.ledger
    this.#askers = new Askers(given.answersPerSecond)
    this.#socket = new NdpSocket(given.open, at, {
      onMessage: (message, source) => this.#answer(message, source),
      onForeign: () => given.ledger.drop('hopLimit'),
      onError: given.onError,
    })
  }

  /** What is to be announced here is what the ledger says. Throws when the kernel refuses a group. */
  set(table: ReadonlyMap<bigint, Interfaces>): void {
    for (const address of this.#on) {
      const interfaces = table.get(address)
      if (interfaces === undefined || !livesOn(this.name, interfaces)) this.#end(address)
    }
    for (const [address, interfaces] of table) {
      if (this.#on.has(address) || !livesOn(this.name, interfaces)) continue
      this.#socket.join(solicitedNodeGroup(address))
      this.#on.add(address)
      this.#schedule.start(address, performance.now())
    }
    this.#wait()
  }

  /** Announces these from the start, if they are announced here; all without an argument. */
  announce(addresses: Iterable<bigint> = this.#on): void {
    for (const address of addresses) {
      if (this.#on.has(address)) this.#schedule.start(address, performance.now())
    }
    this.#wait()
  }

  defend(address: bigint): void {
    if (this.#on.has(address)) this.#announceOnce(address)
  }

  /** The interface has changed: a new MAC, a carrier or an address to send from is news for all. */
  change(at: LinkInterface): void {
    const [mac, ready] = [parseMAC(at.mac), canSend(at)]
    const news = mac !== this.mac || (ready && !this.#ready)
    this.mac = mac
    this.#ready = ready
    if (news) this.announce()
  }

  /** A solicitation that was sent to one address, in its frame. */
  hear(frame: Uint8Array): void {
    const read = decodeNeighborFrame(frame)
    if (typeof read === 'string') this.#ledger.drop(read)
    else this.#answer(read.message, read.source)
  }

  close(): void {
    this.#closed = true
    if (this.#timer) clearTimeout(this.#timer)
    this.#socket.close()
  }

  #end(address: bigint): void {
    this.#on.delete(address)
    this.#failed.delete(address)
    this.#schedule.stop(address)
    this.#socket.leave(solicitedNodeGroup(address))
  }

  #answer(message: Uint8Array, source: bigint): void {
    const answered = answerNeighbor(message, source, this, this.#ledger.table)
    if (typeof answered === 'string') this.#ledger.drop(answered)
    else if (!this.#askers.allow(source, performance.now())) this.#ledger.drop('rateLimited')
    else this.#say(answered)
  }

  /** To an asker that there is no route to, as to all: it believes that too, as it has an entry for what it asked. */
  #say({ address, to, message }: NeighborAnswer): void {
    this.#ledger.asked(address)
    this.#socket.send(message, to, error => {
      if (!error) this.#ledger.answered(address)
      else if (to === ALL_NODES) this.#ledger.sendFailed(codeOf(error))
      else {
        const toAll = neighborAnnouncement(address, this.mac)
        this.#say({ address, to: ALL_NODES, message: toAll })
      }
    })
  }

  #wait(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#closed || !this.#ready) return
    const nextMs = Math.min(this.#schedule.nextMs(), this.#retryMs)
    if (nextMs === Number.POSITIVE_INFINITY) return
    const waitMs = Math.max(0, Math.ceil(nextMs - performance.now()))
    this.#timer = setTimeout(() => this.#run(), Math.min(waitMs, TIMER_MAX_MS))
  }

  #run(): void {
    const nowMs = performance.now()
    if (this.#retryMs <= nowMs) {
      this.#retryMs = Number.POSITIVE_INFINITY
      for (const address of this.#failed) this.#schedule.start(address, nowMs)
      this.#failed.clear()
    }
    for (const address of this.#schedule.due(nowMs, Math.random())) this.#announceOnce(address)
    this.#wait()
  }

  #announceOnce(address: bigint): void {
    this.#socket.send(neighborAnnouncement(address, this.mac), ALL_NODES, error => {
      if (error) this.#failedTo(address, error)
      else this.#ledger.announced(address)
    })
  }

  #failedTo(address: bigint, error: Error): void {
    this.#ledger.sendFailed(codeOf(error))
    if (!this.#on.has(address)) return
    this.#failed.add(address)
    this.#schedule.stop(address)
    if (this.#retryMs === Number.POSITIVE_INFINITY) this.#retryMs = performance.now() + RETRY_MS
    this.#wait()
  }
}

/** There is a carrier, and a link-local address to send from. */
const canSend = (at: LinkInterface): boolean => at.running && sendsIPv6(at)

/** raw-socket has the words of strerror(3), and no code. */
function codeOf(error: Error): string {
  return error.message
}
