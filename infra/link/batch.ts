/**
 * Many frames in one system call: recvmmsg(2), sendmmsg(2). With a call for each frame a third of the replies a second that
 * the kernel's own ARP gives were reached, in batches as many. What is left over wakes poll(2) again.
 */
import { HOST_LITTLE_ENDIAN as LITTLE } from '../../functions/wire/bytes.ts'
import { POINTER_LENGTH, pointerTo, receiveMany, sendMany } from './syscalls.ts'

/** Of struct mmsghdr: where msg_iov, msg_iovlen and msg_len lie, and how long it is; by length of a pointer. */
const LAYOUT =
  POINTER_LENGTH === 8
    ? { vector: 16, vectors: 24, length: 56, size: 64 }
    : { vector: 8, vectors: 12, length: 28, size: 32 }

/** So many buffers of so many octets each, laid out for the kernel once. */
export class Batch {
  readonly count: number
  readonly #frames: readonly Uint8Array[]
  /** struct iovec: pointer and length, for each frame. */
  readonly #vectors: DataView
  readonly #headers: DataView

  constructor(count: number, frameLength: number) {
    this.count = count
    this.#frames = Array.from({ length: count }, () => new Uint8Array(frameLength))
    this.#vectors = new DataView(new ArrayBuffer(2 * POINTER_LENGTH * count))
    this.#headers = new DataView(new ArrayBuffer(LAYOUT.size * count))
    const vectors = pointerTo(this.#vectors)
    for (const [i, frame] of this.#frames.entries()) {
      const at = 2 * POINTER_LENGTH * i
      setWord(this.#vectors, at, pointerTo(new DataView(frame.buffer)))
      setWord(this.#vectors, at + POINTER_LENGTH, BigInt(frameLength))
      setWord(this.#headers, LAYOUT.size * i + LAYOUT.vector, vectors + BigInt(at))
      setWord(this.#headers, LAYOUT.size * i + LAYOUT.vectors, 1n)
    }
  }

  /** How many frames came; negative: see errorName(). */
  receive(fd: number): number {
    return receiveMany(fd, this.#headers, this.count)
  }

  /** What came, cut to the buffer only when the frame was longer. */
  frame(i: number): Uint8Array {
    const length = this.#headers.getUint32(LAYOUT.size * i + LAYOUT.length, LITTLE)
    return this.#frames[i]?.subarray(0, length) ?? new Uint8Array()
  }

  /** To be sent by `send`. */
  put(i: number, frame: Uint8Array): void {
    this.#frames[i]?.set(frame)
    const at = 2 * POINTER_LENGTH * i + POINTER_LENGTH
    setWord(this.#vectors, at, BigInt(frame.length))
  }

  /** How many of the frames from `from` on, to before `to`, were sent; negative, if not even the first: see errorName(). */
  send(fd: number, from: number, to: number): number {
    const offset = LAYOUT.size * from
    return sendMany(fd, new DataView(this.#headers.buffer, offset), to - from)
  }
}

function setWord(view: DataView, at: number, value: bigint): void {
  if (POINTER_LENGTH === 8) view.setBigUint64(at, value, LITTLE)
  else view.setUint32(at, Number(value), LITTLE)
}
