/**
 * The client of the bench on its LAN, in a process of its own: asks by broadcast for one address every 10 ms and hears all ARP,
 * so that it knows which MACs answer at the same time and when each address was announced from a new place.
 * Arguments: index of the interface, its MAC, its address. Orders: {watch: address} begins anew, {report: true} says what was seen.
 */
import { createInterface } from 'node:readline'
import { decodeArpFrame, encodeArpFrame, REPLY, REQUEST } from '../../functions/wire/arp.ts'
import { parseIPv4 } from '../../functions/wire/bytes.ts'
import { BROADCAST, ETHERTYPE_ARP } from '../../functions/wire/ethernet.ts'
import { receive, send } from '../../infra/link/syscalls.ts'
import { openArpSocket } from '../support/arp-socket.ts'

export interface Seen {
  /** MAC that answered last. */
  readonly owner: number | null
  /** Questions that more than one MAC answered, and ms from `watch` to the last of them. */
  readonly doubles: number
  readonly lastDoubleMs: number
  /** Addresses announced from another MAC than before, and ms from the first to the last of them. */
  readonly moved: number
  readonly spreadMs: number
}

const ASK_EVERY_MS = 10
const [index, mac, own] = process.argv.slice(2).map(Number)
const fd = openArpSocket(index ?? 0)
const buffer = new Uint8Array(2048)
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
/** Address -> MAC that last announced it or answered for it. */
const places = new Map<number, number>()
let target = 0
let sinceMs = performance.now()
let answerers = new Set<number>()
let owner: number | null = null
let doubles = { count: 0, lastMs: 0 }
let moves = { count: 0, firstMs: 0, lastMs: 0 }

setInterval(look, 1)
setInterval(ask, ASK_EVERY_MS)
say({ ready: true })
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as { watch?: string; report?: true }
  if (order.watch) {
    target = parseIPv4(order.watch) ?? 0
    sinceMs = performance.now()
    doubles = { count: 0, lastMs: 0 }
    moves = { count: 0, firstMs: 0, lastMs: 0 }
    owner = null
    say({ watching: order.watch })
  } else {
    const spreadMs = moves.lastMs - moves.firstMs
    const seen: Seen = {
      owner,
      doubles: doubles.count,
      lastDoubleMs: doubles.lastMs,
      moved: moves.count,
      spreadMs,
    }
    say({ seen })
  }
}
process.exit()

function look(): void {
  while (receive(fd, buffer) >= 0) {
    const read = decodeArpFrame(buffer.subarray(0, 60))
    if (typeof read === 'string') continue
    const { senderProtocolAddress: address, senderHardwareAddress: from, operation } = read.arp
    if (address === own) continue
    const nowMs = performance.now()
    if (places.get(address) !== from) {
      places.set(address, from)
      if (moves.count++ === 0) moves.firstMs = nowMs
      moves.lastMs = nowMs
    }
    if (address !== target || operation !== REPLY || read.ethernet.destination !== mac) continue
    owner = from
    answerers.add(from)
  }
}

function ask(): void {
  look()
  if (answerers.size > 1)
    doubles = { count: doubles.count + 1, lastMs: performance.now() - sinceMs }
  answerers = new Set()
  if (target === 0) return
  send(
    fd,
    encodeArpFrame({
      ethernet: { destination: BROADCAST, source: mac ?? 0, etherType: ETHERTYPE_ARP },
      arp: {
        operation: REQUEST,
        senderHardwareAddress: mac ?? 0,
        senderProtocolAddress: own ?? 0,
        targetHardwareAddress: 0,
        targetProtocolAddress: target,
      },
    }),
  )
}
