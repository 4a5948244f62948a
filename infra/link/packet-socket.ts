/** A socket for ARP on one interface: packet(7). Needs the capability NET_RAW. */
import { HOST_LITTLE_ENDIAN as LITTLE } from '../../functions/wire/bytes.ts'
import {
  AF_PACKET,
  bind,
  close,
  getOption,
  openSocket,
  pointerTo,
  SOCK_RAW,
  setOption,
} from './syscalls.ts'

const ETH_P_ARP = 0x0806
const SOL_SOCKET = 1
const SO_ATTACH_FILTER = 26
const SOL_PACKET = 263
const PACKET_STATISTICS = 6

/** Classic BPF, struct sock_filter of linux/filter.h: code, jump if true, jump if false, operand. */
const [LOAD_16, LOAD_8, LOAD_LENGTH, JUMP_EQUAL, JUMP_GREATER_EQUAL, RETURN] = [
  0x28, 0x30, 0x80, 0x15, 0x35, 0x06,
]
/** SKF_AD_OFF + SKF_AD_PKTTYPE: to whom the kernel says the frame is. */
const PACKET_TYPE = 0xffff_f000 + 4
/** To another MAC, or in a VLAN that this machine has no interface for: the tag is already off, and an answer would leave untagged. */
const PACKET_OTHERHOST = 3

/** Requests addressed to us or all; and what is too short to say, so that it is counted. */
const REQUESTS = [
  [LOAD_8, 0, 0, PACKET_TYPE],
  [JUMP_EQUAL, 5, 0, PACKET_OTHERHOST],
  [LOAD_LENGTH, 0, 0, 0],
  [JUMP_GREATER_EQUAL, 0, 2, 22],
  [LOAD_16, 0, 0, 20], // ar$op
  [JUMP_EQUAL, 0, 1, 1],
  [RETURN, 0, 0, 0xffff],
  [RETURN, 0, 0, 0],
] as const

/** Throws SystemError: EPERM without the capability, ENODEV or ENXIO when the interface is gone, ENETDOWN when it is down. */
export function openPacketSocket(interfaceIndex: number): number {
  const fd = openUnbound()
  try {
    attachFilter(fd) // while unbound nothing comes in, so nothing is queued that the filter has not seen
    bind(fd, addressOfLink(interfaceIndex))
  } catch (error) {
    close(fd)
    throw error
  }
  return fd
}

/** Throws SystemError EPERM when this process may not do what the link needs. */
export function tryPacketSocket(): void {
  close(openUnbound())
}

/** Frames that were lost because the queue of the socket was full, since the last call. */
export function lostFrames(fd: number): number {
  const statistics = getOption(fd, SOL_PACKET, PACKET_STATISTICS, 8)
  return new DataView(statistics.buffer).getUint32(4, LITTLE) // struct tpacket_stats: packets, drops
}

function openUnbound(): number {
  return openSocket(AF_PACKET, SOCK_RAW, 0)
}

/** struct sock_fprog: u16 length, and at 8 a pointer to the instructions. */
function attachFilter(fd: number): void {
  const program = new DataView(new ArrayBuffer(REQUESTS.length * 8))
  for (const [i, [code, ifTrue, ifFalse, operand]] of REQUESTS.entries()) {
    program.setUint16(8 * i, code, LITTLE)
    program.setUint8(8 * i + 2, ifTrue)
    program.setUint8(8 * i + 3, ifFalse)
    program.setUint32(8 * i + 4, operand, LITTLE)
  }
  const header = new DataView(new ArrayBuffer(16))
  header.setUint16(0, REQUESTS.length, LITTLE)
  header.setBigUint64(8, pointerTo(program), LITTLE)
  setOption(fd, SOL_SOCKET, SO_ATTACH_FILTER, octetsOf(header))
}

/** struct sockaddr_ll: u16 family, u16 protocol in network order, s32 index; the rest does not matter here. */
function addressOfLink(interfaceIndex: number): Uint8Array {
  const address = new DataView(new ArrayBuffer(20))
  address.setUint16(0, AF_PACKET, LITTLE)
  address.setUint16(2, ETH_P_ARP)
  address.setInt32(4, interfaceIndex, LITTLE)
  return octetsOf(address)
}

function octetsOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer)
}
