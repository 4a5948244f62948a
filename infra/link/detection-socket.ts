/** Duplicate address detection on one interface: IPv6's way to probe an address, and to hear who else has one. */
import { ALL_NODES, groupMAC, solicitedNodeGroup } from '../../functions/wire/ipv6.ts'
import { join, leave, openDetectionSocket } from './packet-socket.ts'
import { close, receive, SystemError, send } from './syscalls.ts'

const BUFFER_LENGTH = 2048
/** After so many frames the others have their turn. */
const TURN_MAX = 64

export class DetectionSocket {
  readonly fd: number
  readonly #index: number
  readonly #buffer = new Uint8Array(BUFFER_LENGTH)

  /** Throws SystemError. */
  constructor(interfaceIndex: number) {
    this.#index = interfaceIndex
    this.fd = openDetectionSocket(interfaceIndex)
    this.#member(join, ALL_NODES)
  }

  /** Who probes an address hears others that do. */
  join(address: bigint): void {
    this.#member(join, solicitedNodeGroup(address))
  }

  leave(address: bigint): void {
    this.#member(leave, solicitedNodeGroup(address))
  }

  /** Calls back with each frame; valid during the call. */
  read(each: (frame: Uint8Array) => void): void {
    for (let turn = 0; turn < TURN_MAX; turn++) {
      const length = receive(this.fd, this.#buffer)
      if (length < 0) return // nothing more, or the interface is down or gone: ports.ts sees to it
      if (length <= BUFFER_LENGTH) each(this.#buffer.subarray(0, length))
    }
  }

  send(frame: Uint8Array): boolean {
    return send(this.fd, frame) >= 0
  }

  close(): void {
    close(this.fd)
  }

  /** Refused when the interface is gone: then nothing is heard there anyway. */
  #member(change: typeof join, group: bigint): void {
    try {
      change(this.fd, this.#index, groupMAC(group))
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
    }
  }
}
