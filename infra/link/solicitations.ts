/** Neighbor Solicitations to single addresses, heard by the thread at one interface and passed on to the main thread. */
import { Askers } from '../../functions/announce/askers.ts'
import type { Report } from './messages.ts'
import { openSolicitationSocket } from './packet-socket.ts'
import { close, errorName, receive } from './syscalls.ts'

const BUFFER_LENGTH = 2048
const TURN_MAX = 64
/** What the main thread gets from all askers together: its queue has no end, so what goes in must have one. */
const ALL_PER_SECOND = 10_000

export class Solicitations {
  readonly fd: number
  readonly #index: number
  readonly #say: (report: Report) => void
  readonly #all = new Askers<null>(ALL_PER_SECOND)
  readonly #buffer = new Uint8Array(BUFFER_LENGTH)

  /** Throws SystemError. */
  constructor(interfaceIndex: number, say: (report: Report) => void) {
    this.#index = interfaceIndex
    this.#say = say
    this.fd = openSolicitationSocket(interfaceIndex)
  }

  /** Passes on what has come in; errors are left to the ARP socket of the same interface. */
  read(): void {
    const nowMs = performance.now()
    for (let turn = 0; turn < TURN_MAX; turn++) {
      const length = receive(this.fd, this.#buffer)
      if (length < 0) return void errorName()
      if (!this.#all.allow(null, nowMs)) continue
      const frame = this.#buffer.slice(0, Math.min(length, BUFFER_LENGTH))
      this.#say({ is: 'solicitation', index: this.#index, frame })
    }
  }

  close(): void {
    close(this.fd)
  }
}
