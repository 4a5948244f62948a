/** Sockets for ARP, and for what NDP cannot hear otherwise, on one interface: packet(7). Needs the capability NET_RAW. */
import { REPLY, REQUEST } from '../../functions/wire/arp.ts'
import { HOST_LITTLE_ENDIAN as LITTLE } from '../../functions/wire/bytes.ts'
import {
  BEAT_PORT,
  GROUP_IPV4,
  GROUP_MAC_IPV4,
  GROUP_MAC_IPV6,
  UDP,
} from '../../functions/wire/datagram.ts'
import {
  ICMPV6,
  NEIGHBOR_ADVERTISEMENT,
  NEIGHBOR_SOLICITATION,
} from '../../functions/wire/icmpv6.ts'
import {
  filterOf,
  type Instruction,
  JUMP_EQUAL,
  JUMP_GREATER_EQUAL,
  LOAD_8,
  LOAD_16,
  LOAD_32,
  LOAD_LENGTH,
  PACKET_TYPE,
  RETURN,
  SO_ATTACH_FILTER,
  SOL_SOCKET,
} from './filter.ts'
import { AF_PACKET, bind, close, getOption, openSocket, SOCK_RAW, setOption } from './syscalls.ts'

const [ETH_P_IP, ETH_P_ARP, ETH_P_IPV6] = [0x0800, 0x0806, 0x86dd]
const SOL_PACKET = 263
const PACKET_STATISTICS = 6
const SO_RCVBUF = 8
const RECEIVE_BUFFER = 4 * 1024 * 1024

/**
 * To another MAC, or in a VLAN that this machine has no interface for: the tag is already off, and an answer would
 * leave untagged.
 */
const PACKET_OTHERHOST = 3

/** Requests and replies addressed to us or all; and what is too short to say, so that it is counted. */
const REQUESTS_AND_REPLIES: readonly Instruction[] = [
  [LOAD_8, 0, 0, PACKET_TYPE],
  [JUMP_EQUAL, 6, 0, PACKET_OTHERHOST],
  [LOAD_LENGTH, 0, 0, 0],
  [JUMP_GREATER_EQUAL, 0, 3, 22],
  [LOAD_16, 0, 0, 20], // ar$op
  [JUMP_EQUAL, 1, 0, REQUEST],
  [JUMP_EQUAL, 0, 1, REPLY],
  [RETURN, 0, 0, 0xffff],
  [RETURN, 0, 0, 0],
]

/** linux/if_packet.h: to this machine; to a group whose frames the interface takes. */
const [PACKET_HOST, PACKET_MULTICAST] = [0, 2]
const [PACKET_ADD_MEMBERSHIP, PACKET_DROP_MEMBERSHIP, PACKET_MR_MULTICAST] = [1, 2, 0]
/** Offsets from the start of the frame: Next Header, Source and Destination Address of IPv6 (RFC 8200), Type of ICMPv6. */
const [NEXT_HEADER_AT, SOURCE_AT, DESTINATION_AT, TYPE_AT] = [20, 22, 38, 54]

/** What is loaded, from where, and what it has to be. */
type Test = readonly [load: number, at: number, operand: number]

/** Everything of which each of these holds. */
function allOf(...tests: readonly Test[]): Instruction[] {
  const checks = tests.flatMap(([load, at, operand], i): Instruction[] => [
    [load, 0, 0, at],
    [JUMP_EQUAL, 0, 2 * (tests.length - i) - 1, operand],
  ])
  return [...checks, [RETURN, 0, 0, 0xffff], [RETURN, 0, 0, 0]]
}

const UNICAST_SOLICITATIONS: readonly Instruction[] = [
  [LOAD_8, 0, 0, DESTINATION_AT],
  [JUMP_EQUAL, 0, 1, 0xff],
  [RETURN, 0, 0, 0],
  ...allOf(
    [LOAD_8, PACKET_TYPE, PACKET_HOST],
    [LOAD_8, NEXT_HEADER_AT, ICMPV6],
    [LOAD_8, TYPE_AT, NEIGHBOR_SOLICITATION],
  ),
]

/** Whoever has an IPv6 address, or takes one: advertisements, and solicitations without a source (RFC 4862 section 5.4.2). */
const CLAIMS_IPV6: readonly Instruction[] = [
  [LOAD_8, 0, 0, NEXT_HEADER_AT],
  [JUMP_EQUAL, 0, 12, ICMPV6],
  [LOAD_8, 0, 0, TYPE_AT],
  [JUMP_EQUAL, 9, 0, NEIGHBOR_ADVERTISEMENT],
  [JUMP_EQUAL, 0, 9, NEIGHBOR_SOLICITATION],
  [LOAD_32, 0, 0, SOURCE_AT],
  [JUMP_EQUAL, 0, 7, 0],
  [LOAD_32, 0, 0, SOURCE_AT + 4],
  [JUMP_EQUAL, 0, 5, 0],
  [LOAD_32, 0, 0, SOURCE_AT + 8],
  [JUMP_EQUAL, 0, 3, 0],
  [LOAD_32, 0, 0, SOURCE_AT + 12],
  [JUMP_EQUAL, 0, 1, 0],
  [RETURN, 0, 0, 0xffff],
  [RETURN, 0, 0, 0],
]

/** Destination and port of beats, behind headers without options: functions/wire/datagram.ts. */
const BEATS_IPV4 = allOf(
  [LOAD_8, PACKET_TYPE, PACKET_MULTICAST],
  [LOAD_8, 23, UDP],
  [LOAD_32, 30, GROUP_IPV4],
  [LOAD_16, 36, BEAT_PORT],
)

const BEATS_IPV6 = allOf(
  [LOAD_8, PACKET_TYPE, PACKET_MULTICAST],
  [LOAD_8, NEXT_HEADER_AT, UDP],
  [LOAD_16, DESTINATION_AT, 0xff02],
  [LOAD_16, 56, BEAT_PORT],
)

/** Throws SystemError: EPERM without the capability, ENODEV or ENXIO when the interface is gone, ENETDOWN when it is down. */
export function openPacketSocket(interfaceIndex: number): number {
  return open(interfaceIndex, ETH_P_ARP, REQUESTS_AND_REPLIES)
}

/**
 * For Neighbor Solicitations that are sent to one address, not to a group: where the kernel does not know that address, no
 * other socket hears them. Throws as above.
 */
export function openSolicitationSocket(interfaceIndex: number): number {
  return open(interfaceIndex, ETH_P_IPV6, UNICAST_SOLICITATIONS)
}

/** For duplicate address detection: what others say of addresses. Throws as above. */
export function openDetectionSocket(interfaceIndex: number): number {
  return open(interfaceIndex, ETH_P_IPV6, CLAIMS_IPV6)
}

/** For beats in IPv4, and for those in IPv6: whoever has no IPv4 sends these. Throws as above. */
export function openBeatSockets(interfaceIndex: number): { ipv4: number; ipv6: number } {
  const ipv4 = open(interfaceIndex, ETH_P_IP, BEATS_IPV4)
  try {
    widen(ipv4)
    join(ipv4, interfaceIndex, GROUP_MAC_IPV4)
    const ipv6 = open(interfaceIndex, ETH_P_IPV6, BEATS_IPV6)
    try {
      widen(ipv6)
      join(ipv6, interfaceIndex, GROUP_MAC_IPV6)
      return { ipv4, ipv6 }
    } catch (error) {
      close(ipv6)
      throw error
    }
  } catch (error) {
    close(ipv4)
    throw error
  }
}

/** The sets of some nodes with a thousand groups each may come at once: as much as the kernel allows (rmem_max). */
function widen(fd: number): void {
  setOption(fd, SOL_SOCKET, SO_RCVBUF, new Uint8Array(new Int32Array([RECEIVE_BUFFER]).buffer))
}

/** Hears frames to this group too. Ends with the socket. */
export function join(fd: number, interfaceIndex: number, mac: number): void {
  setMember(fd, PACKET_ADD_MEMBERSHIP, interfaceIndex, mac)
}

/** As often as it was joined it has to be left. */
export function leave(fd: number, interfaceIndex: number, mac: number): void {
  setMember(fd, PACKET_DROP_MEMBERSHIP, interfaceIndex, mac)
}

/** struct packet_mreq: s32 interface, u16 type, u16 length of the address, and 8 octets for it. */
function setMember(fd: number, option: number, interfaceIndex: number, mac: number): void {
  const request = new DataView(new ArrayBuffer(16))
  request.setInt32(0, interfaceIndex, LITTLE)
  request.setUint16(4, PACKET_MR_MULTICAST, LITTLE)
  request.setUint16(6, 6, LITTLE)
  request.setUint16(8, Math.floor(mac / 0x1_0000_0000))
  request.setUint32(10, mac % 0x1_0000_0000)
  setOption(fd, SOL_PACKET, option, octetsOf(request))
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
export function addressOfLink(interfaceIndex: number, protocol: number): Uint8Array {
  const address = new DataView(new ArrayBuffer(20))
  address.setUint16(0, AF_PACKET, LITTLE)
  address.setUint16(2, protocol)
  address.setInt32(4, interfaceIndex, LITTLE)
  return octetsOf(address)
}

function octetsOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer)
}
