/**
 * Sets that are yet to be sent. A thousand claims are a hundred messages: the first goes at once, which is all of a small set, the
 * others a few in each turn of the loop, so that what is taken over is announced meanwhile.
 */
import type { SetPart } from '../../functions/liveness/messages.ts'
import type { Timed } from './loop.ts'

const A_TURN = 4

export class Outbox implements Timed {
  readonly #encode: (part: SetPart) => Iterator<Uint8Array>
  readonly #send: (on: string, octets: Uint8Array) => void
  readonly #waiting: { readonly on: string; readonly messages: Iterator<Uint8Array> }[] = []

  constructor(
    encode: (part: SetPart) => Iterator<Uint8Array>,
    send: (on: string, octets: Uint8Array) => void,
  ) {
    this.#encode = encode
    this.#send = send
  }

  put(part: SetPart): void {
    this.#waiting.push({ on: part.interface, messages: this.#encode(part) })
    if (this.#waiting.length === 1) this.#next()
  }

  discard(): void {
    this.#waiting.length = 0
  }

  nextMs(): number {
    return this.#waiting.length > 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  }

  run(): void {
    for (let sent = 0; sent < A_TURN; sent++) this.#next()
  }

  #next(): void {
    const [first] = this.#waiting
    if (!first) return
    const { value, done } = first.messages.next()
    if (done) this.#waiting.shift()
    else this.#send(first.on, value)
  }
}
