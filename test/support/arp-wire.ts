/**
 * One end of a wire, in a process of its own: says every ARP frame that comes in at an interface, as a line of JSON, and sends
 * what it is given. Argument: the index of the interface.
 */
import { createInterface } from 'node:readline'
import { decodeArpFrame } from '../../functions/wire/arp.ts'
import { formatIPv4, formatMAC, HOST_LITTLE_ENDIAN as LITTLE } from '../../functions/wire/bytes.ts'
import { AF_PACKET, bind, openSocket, receive, SOCK_RAW, send } from '../../infra/link/syscalls.ts'

export interface Heard {
  readonly operation: number
  readonly to: string
  readonly senderMAC: string
  readonly sender: string
  readonly targetMAC: string
  readonly target: string
}

const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
const fd = open(Number(process.argv[2]))
const buffer = new Uint8Array(2048)
const looking = setInterval(look, 2)
say({ ready: true })
for await (const line of createInterface({ input: process.stdin })) {
  const { frame } = JSON.parse(line) as { frame: string }
  say({ sent: send(fd, Buffer.from(frame, 'hex')) })
}
clearInterval(looking)

function look(): void {
  for (;;) {
    const length = receive(fd, buffer)
    if (length < 0) return
    const read = decodeArpFrame(buffer.subarray(0, length))
    if (typeof read === 'string') continue
    const heard: Heard = {
      operation: read.arp.operation,
      to: formatMAC(read.ethernet.destination),
      senderMAC: formatMAC(read.arp.senderHardwareAddress),
      sender: formatIPv4(read.arp.senderProtocolAddress),
      targetMAC: formatMAC(read.arp.targetHardwareAddress),
      target: formatIPv4(read.arp.targetProtocolAddress),
    }
    say({ heard })
  }
}

function open(index: number): number {
  const opened = openSocket(AF_PACKET, SOCK_RAW, 0)
  const address = new DataView(new ArrayBuffer(20)) // struct sockaddr_ll, packet(7)
  address.setUint16(0, AF_PACKET, LITTLE)
  address.setUint16(2, 0x0806)
  address.setInt32(4, index, LITTLE)
  bind(opened, new Uint8Array(address.buffer))
  return opened
}
