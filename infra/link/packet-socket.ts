/** Sockets for ARP, and for what NDP cannot hear otherwise, on one interface: packet(7). Needs the capability NET_RAW. */
import { HOST_LITTLE_ENDIAN as LITTLE } from '../../functions/wire/bytes.ts'
import { ICMPV6, NEIGHBOR_SOLICITATION } from '../../functions/wire/icmpv6.ts'
import {
  filterOf,
  type Instruction,
  JUMP_EQUAL,
  JUMP_GREATER_EQUAL,
  LOAD_8,
  LOAD_16,
  LOAD_LENGTH,
  PACKET_TYPE,
  RETURN,
  SO_ATTACH_FILTER,
  SOL_SOCKET,
} from './filter.ts'
import { AF_PACKET, bind, close, getOption, openSocket, SOCK_RAW, setOption } from './syscalls.ts'

const [ETH_P_ARP, ETH_P_IPV6] = [0x0806, 0x86dd]
const SOL_PACKET = 263
const PACKET_STATISTICS = 6

/** To another MAC, or in a VLAN that this machine has no interface for: the tag is already off, and an answer would leave untagged. */
const PACKET_OTHERHOST = 3

/** Requests addressed to us or all; and what is too short to say, so that it is counted. */
const REQUESTS: readonly Instruction[] = [
  [LOAD_8, 0, 0, PACKET_TYPE],
  [JUMP_EQUAL, 5, 0, PACKET_OTHERHOST],
  [LOAD_LENGTH, 0, 0, 0],
  [JUMP_GREATER_EQUAL, 0, 2, 22],
  [LOAD_16, 0, 0, 20], // ar$op
  [JUMP_EQUAL, 0, 1, 1],
  [RETURN, 0, 0, 0xffff],
  [RETURN, 0, 0, 0],
]

/** linux/if_packet.h */
const PACKET_HOST = 0
/** Offsets from the start of the frame: Next Header and Destination Address of IPv6 (RFC 8200), Type of ICMPv6. */
const [NEXT_HEADER_AT, DESTINATION_AT, TYPE_AT] = [20, 38, 54]

const UNICAST_SOLICITATIONS: readonly Instruction[] = [
  [LOAD_8, 0, 0, PACKET_TYPE],
  [JUMP_EQUAL, 0, 7, PACKET_HOST],
  [LOAD_8, 0, 0, NEXT_HEADER_AT],
  [JUMP_EQUAL, 0, 5, ICMPV6],
  [LOAD_8, 0, 0, TYPE_AT],
  [JUMP_EQUAL, 0, 3, NEIGHBOR_SOLICITATION],
  [LOAD_8, 0, 0, DESTINATION_AT],
  [JUMP_EQUAL, 1, 0, 0xff],
  [RETURN, 0, 0, 0xffff],
  [RETURN, 0, 0, 0],
]

/** Throws SystemError: EPERM without the capability, ENODEV or ENXIO when the interface is gone, ENETDOWN when it is down. */
export function openPacketSocket(interfaceIndex: number): number {
  return open(interfaceIndex, ETH_P_ARP, REQUESTS)
}

/**
 * For Neighbor Solicitations that are sent to one address, not to a group: where the kernel does not know that address, no
 * other socket hears them. Throws as above.
 */
export function openSolicitationSocket(interfaceIndex: number): number {
  return open(interfaceIndex, ETH_P_IPV6, UNICAST_SOLICITATIONS)
}

function open(
  interfaceIndex: number,
  protocol: number,
  instructions: readonly Instruction[],
): number {
  const fd = openUnbound()
  try {
    // While unbound nothing comes in, so nothing is queued that the filter has not seen.
    setOption(fd, SOL_SOCKET, SO_ATTACH_FILTER, filterOf(instructions).option)
    bind(fd, addressOfLink(interfaceIndex, protocol))
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

/** struct sockaddr_ll: u16 family, u16 protocol in network order, s32 index; the rest does not matter here. */
function addressOfLink(interfaceIndex: number, protocol: number): Uint8Array {
  const address = new DataView(new ArrayBuffer(20))
  address.setUint16(0, AF_PACKET, LITTLE)
  address.setUint16(2, protocol)
  address.setInt32(4, interfaceIndex, LITTLE)
  return octetsOf(address)
}

function octetsOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer)
}
