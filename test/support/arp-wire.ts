/**
 * One end of a wire, in a process of its own: says every ARP frame that comes in at an interface, as a line of JSON, and sends
 * what it is given. Argument: the index of the interface.
 */
import { createInterface } from 'node:readline'
import { decodeArpFrame } from '../../functions/wire/arp.ts'
import { formatIPv4, formatMAC } from '../../functions/wire/bytes.ts'
import { receive, send } from '../../infra/link/syscalls.ts'
import { openArpSocket } from './arp-socket.ts'

export interface Heard {
  readonly operation: number
  readonly to: string
  readonly senderMAC: string
  readonly sender: string
  readonly targetMAC: string
  readonly target: string
}

const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
const fd = openArpSocket(Number(process.argv[2]))
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
