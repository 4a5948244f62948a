/** The way of beats and sets on one interface: sent in IPv4 where it has such an address, else in IPv6; heard in both. */
import {
  decodeDatagram,
  encodeDatagram,
  GROUP_IPV6,
  type Source,
} from '../../functions/wire/datagram.ts'
import { senderOf } from '../../functions/wire/ethernet.ts'
import { reportGroup } from './multicast.ts'
import { openBeatSockets } from './packet-socket.ts'
import { close, errorName, receive, send } from './syscalls.ts'

const BUFFER_LENGTH = 2048
/** After so many frames the others have their turn. */
const TURN_MAX = 16

export class BeatSocket {
  readonly fds: readonly number[]
  readonly #sockets: { readonly ipv4: number; readonly ipv6: number }
  readonly #index: number
  /** What has the kernel report that beats in IPv6 are listened to; null: it does not yet. */
  #report: number | null = null
  readonly #buffer = new Uint8Array(BUFFER_LENGTH)
  source: Source

  /** Throws SystemError. */
  constructor(interfaceIndex: number, source: Source) {
    this.#sockets = openBeatSockets(interfaceIndex)
    this.fds = Object.values(this.#sockets)
    this.#index = interfaceIndex
    this.source = source
  }

  /** Calls back with each payload, or with why there is none, and the MAC of its sender; valid during the call. */
  read(each: (payload: Uint8Array | string, mac: number) => void): void {
    for (const fd of this.fds) {
      for (let turn = 0; turn < TURN_MAX; turn++) {
        const length = receive(fd, this.#buffer)
        if (length < 0) break // nothing more, or the interface is down or gone: ports.ts sees to it
        const frame = this.#buffer.subarray(0, Math.min(length, BUFFER_LENGTH))
        each(length > BUFFER_LENGTH ? 'oversized' : decodeDatagram(frame), senderOf(frame))
      }
    }
  }

  discard(): void {
    for (const fd of this.fds) while (receive(fd, this.#buffer) >= 0) {}
  }

  /** The error, if it was not sent. */
  send(payload: Uint8Array): string | null {
    const fd = this.source.family === 'IPv4' ? this.#sockets.ipv4 : this.#sockets.ipv6
    return send(fd, encodeDatagram(this.source, payload)) < 0 ? errorName() : null
  }

  /** Once there is an address to report it from; to be said again and again, for it may fail. */
  report(): void {
    this.#report ??= reportGroup(GROUP_IPV6, this.#index)
  }

  close(): void {
    for (const fd of this.fds) close(fd)
    if (this.#report !== null) close(this.#report)
  }
}
