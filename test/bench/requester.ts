/**
 * Sends one frame again and again as fast as it is answered: a process of its own that blocks in the kernel, and sends and
 * receives many frames in one system call so that it is not what is measured. Argument: the interface index.
 */
import { createInterface } from 'node:readline'
import koffi from 'koffi'
import { HOST_LITTLE_ENDIAN as LITTLE } from '../../functions/wire/bytes.ts'

export interface Round {
  readonly etherType: number
  /** The whole frame, hexadecimal. */
  readonly question: string
  /** Offset in a frame -> the octets, hexadecimal, that make it the answer. */
  readonly answer: Readonly<Record<number, string>>
  readonly inFlight: number
  readonly requests: number
}

export interface Outcome {
  readonly answered: number
  readonly ms: number
  /** Microseconds from asking to the answer, sorted; only with one in flight. */
  readonly latenciesUs: readonly number[]
}

const libc = koffi.load(null)
const socket = libc.func('int socket(int, int, int)')
const bind = libc.func('int bind(int, const void *, uint32_t)')
const setsockopt = libc.func('int setsockopt(int, int, int, const void *, uint32_t)')
const send = libc.func('intptr_t send(int, const void *, size_t, int)')
const recv = libc.func('intptr_t recv(int, void *, size_t, int)')
const sendmmsg = libc.func('int sendmmsg(int, void *, unsigned int, int)')
const recvmmsg = libc.func('int recvmmsg(int, void *, unsigned int, int, void *)')
const [AF_PACKET, SOCK_RAW, SOL_SOCKET, SO_RCVTIMEO] = [17, 3, 1, 20]
const MSG_WAITFORONE = 0x10000
const FRAME_MAX = 128
/** struct mmsghdr on 64 bits: msghdr of 56 octets, length of 4, padding. */
const MMSGHDR_LENGTH = 64
const PATIENCE_US = 200_000

const [index = ''] = process.argv.slice(2)
/** By EtherType. */
const sockets = new Map<number, number>()
for await (const line of createInterface({ input: process.stdin })) {
  const round = JSON.parse(line) as Round
  const outcome = round.inFlight === 1 ? oneByOne(round) : many(round)
  process.stdout.write(`${JSON.stringify({ outcome })}\n`)
}

function oneByOne(round: Round): Outcome {
  const fd = socketOf(round)
  const isAnswer = answerOf(round)
  const question = questionOf(round)
  const into = new Uint8Array(FRAME_MAX)
  const latenciesUs: number[] = []
  const began = performance.now()
  for (let i = 0; i < round.requests; i++) {
    const asked = performance.now()
    send(fd, question, question.length, 0)
    while (recv(fd, into, into.length, 0) > 0) {
      if (!isAnswer(into)) continue
      latenciesUs.push((performance.now() - asked) * 1000)
      break
    }
  }
  const ms = performance.now() - began
  return { answered: latenciesUs.length, ms, latenciesUs: latenciesUs.sort((a, b) => a - b) }
}

function many(round: Round): Outcome {
  const fd = socketOf(round)
  const isAnswer = answerOf(round)
  const questions = batch(round.inFlight, () => questionOf(round))
  const answered = batch(round.inFlight, () => new Uint8Array(FRAME_MAX))
  let [sent, received, lost] = [0, 0, 0]
  const began = performance.now()
  while (received + lost < round.requests) {
    const free = Math.min(round.inFlight - (sent - received - lost), round.requests - sent)
    if (free > 0) sent += sendmmsg(fd, questions.headers, free, 0)
    const count = recvmmsg(fd, answered.headers, round.inFlight, MSG_WAITFORONE, null)
    if (count <= 0) lost = sent - received // patience is over
    for (let i = 0; i < count; i++) if (isAnswer(answered.frames[i])) received++
  }
  return { answered: received, ms: performance.now() - began, latenciesUs: [] }
}

function questionOf({ question }: Round): Uint8Array {
  return new Uint8Array(Buffer.from(question, 'hex'))
}

function answerOf({ answer }: Round): (frame: Uint8Array | undefined) => boolean {
  const octets = Object.entries(answer).flatMap(([from, hex]) =>
    [...Buffer.from(hex, 'hex')].map((octet, i) => [Number(from) + i, octet] as const),
  )
  return frame => frame !== undefined && octets.every(([at, octet]) => frame[at] === octet)
}

/** Headers for so many frames of their own, each with one struct iovec. */
function batch(count: number, make: () => Uint8Array) {
  const frames = Array.from({ length: count }, make)
  const vectors = new DataView(new ArrayBuffer(16 * count))
  const headers = new DataView(new ArrayBuffer(MMSGHDR_LENGTH * count))
  for (const [i, frame] of frames.entries()) {
    vectors.setBigUint64(16 * i, koffi.address(frame.buffer), LITTLE)
    vectors.setBigUint64(16 * i + 8, BigInt(frame.length), LITTLE)
    const vector = koffi.address(vectors.buffer) + BigInt(16 * i)
    headers.setBigUint64(MMSGHDR_LENGTH * i + 16, vector, LITTLE) // msg_iov
    headers.setBigUint64(MMSGHDR_LENGTH * i + 24, 1n, LITTLE) // msg_iovlen
  }
  return { frames, vectors, headers }
}

function socketOf({ etherType }: Round): number {
  const fd = sockets.get(etherType) ?? open(Number(index), etherType)
  sockets.set(etherType, fd)
  return fd
}

function open(interfaceIndex: number, etherType: number): number {
  const opened: number = socket(AF_PACKET, SOCK_RAW, 0)
  const address = new DataView(new ArrayBuffer(20))
  address.setUint16(0, AF_PACKET, LITTLE)
  address.setUint16(2, etherType)
  address.setInt32(4, interfaceIndex, LITTLE)
  const patience = new DataView(new ArrayBuffer(16))
  patience.setBigUint64(8, BigInt(PATIENCE_US), LITTLE)
  setsockopt(opened, SOL_SOCKET, SO_RCVTIMEO, patience, 16)
  if (bind(opened, address, 20) !== 0) throw new Error(`no interface ${interfaceIndex}`)
  return opened
}
