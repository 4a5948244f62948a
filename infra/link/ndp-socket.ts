/** A socket for NDP on one interface: ipv6(7), RFC 3542. Needs the capability NET_RAW. */
import { NEIGHBOR_SOLICITATION } from '../../functions/wire/icmpv6.ts'
import { formatIPv6, parseIPv6 } from '../../functions/wire/ipv6.ts'
import {
  filterOf,
  JUMP_EQUAL,
  LOAD_8,
  NETWORK_HEADER,
  RETURN,
  SO_ATTACH_FILTER,
  SOL_SOCKET,
} from './filter.ts'
import {
  IPPROTO_IPV6,
  IPV6_ADD_MEMBERSHIP,
  IPV6_DROP_MEMBERSHIP,
  membershipOf,
} from './multicast.ts'
import type { RawSocket } from './raw-socket.ts'

const SO_BINDTODEVICE = 25
/** linux/in6.h and linux/icmpv6.h. */
const IPPROTO_ICMPV6 = 58
const [IPV6_UNICAST_HOPS, IPV6_MULTICAST_IF, IPV6_MULTICAST_HOPS, IPV6_MULTICAST_LOOP] = [
  16, 17, 18, 19,
]
const ICMPV6_FILTER = 1
/** RFC 4861 section 7.1.1: a router would have made it less, so what has 255 comes from this link. */
const HOP_LIMIT = 255
/** At this octet of the IPv6 header: RFC 8200 section 3. */
const HOP_LIMIT_AT = 7
/** What is left of a message with another hop limit. No other can be so short: the filter by type needs four octets. */
const STUMP_LENGTH = 1

/** Where the destination begins: RFC 8200 section 3. */
const DESTINATION_AT = 24

/**
 * Only what is sent to a group: packet-socket.ts hears the rest, all of it. A message with another hop limit is cut to one
 * octet, not dropped, so that it can be counted.
 */
const TO_GROUPS_FROM_THIS_LINK = [
  [LOAD_8, 0, 0, NETWORK_HEADER + DESTINATION_AT],
  [JUMP_EQUAL, 0, 4, 0xff],
  [LOAD_8, 0, 0, NETWORK_HEADER + HOP_LIMIT_AT],
  [JUMP_EQUAL, 0, 1, HOP_LIMIT],
  [RETURN, 0, 0, 0xffff],
  [RETURN, 0, 0, STUMP_LENGTH],
  [RETURN, 0, 0, 0],
] as const

export interface NdpListener {
  /** A solicitation, or what claims to be one. */
  onMessage(message: Uint8Array, source: bigint): void
  /** It came from another link. */
  onForeign(): void
  /** The socket is of no use any more. */
  onError(error: Error): void
}

export class NdpSocket {
  readonly #open: () => RawSocket
  readonly #interfaceIndex: number
  readonly #socket: RawSocket
  /** The kernel allows some 2,300 groups a socket (optmem_max): these hold the rest, and hear nothing. */
  readonly #spare: RawSocket[] = []
  /** Which socket is in which group, and for how many addresses. */
  readonly #groups = new Map<bigint, { readonly socket: RawSocket; addresses: number }>()

  /** Throws when the kernel refuses. */
  constructor(
    open: () => RawSocket,
    at: { readonly name: string; readonly index: number },
    listener: NdpListener,
  ) {
    this.#open = open
    this.#interfaceIndex = at.index
    this.#socket = open()
    try {
      this.#prepare(at)
    } catch (error) {
      this.#socket.close()
      throw error
    }
    this.#socket.on('message', (message, source) => {
      const address = parseIPv6(source)
      if (message.length === STUMP_LENGTH) listener.onForeign()
      else if (address !== null) listener.onMessage(message, address)
    })
    this.#socket.on('error', error => listener.onError(error))
  }

  /** As often as it is joined it has to be left. Throws when the kernel refuses. */
  join(group: bigint): void {
    const joined = this.#groups.get(group)
    if (joined) {
      joined.addresses++
      return
    }
    const socket = this.#spare.at(-1) ?? this.#socket
    try {
      this.#member(socket, IPV6_ADD_MEMBERSHIP, group)
      this.#groups.set(group, { socket, addresses: 1 })
    } catch {
      const another = this.#openSpare()
      this.#member(another, IPV6_ADD_MEMBERSHIP, group)
      this.#groups.set(group, { socket: another, addresses: 1 })
    }
  }

  leave(group: bigint): void {
    const joined = this.#groups.get(group)
    if (!joined || --joined.addresses > 0) return
    this.#groups.delete(group)
    try {
      this.#member(joined.socket, IPV6_DROP_MEMBERSHIP, group)
    } catch {
      // Gone with its interface.
    }
  }

  /** The kernel fills in the checksum. */
  send(message: Uint8Array, to: bigint, sent: (error: Error | null) => void): void {
    this.#socket.send(Buffer.from(message), 0, message.length, formatIPv6(to), sent)
  }

  close(): void {
    for (const socket of [this.#socket, ...this.#spare]) socket.close()
  }

  #prepare({ name, index }: { readonly name: string; readonly index: number }): void {
    const set = (level: number, option: number, value: Uint8Array) =>
      this.#socket.setOption(level, option, Buffer.from(value), value.length)
    const only = filterOf(TO_GROUPS_FROM_THIS_LINK)
    set(SOL_SOCKET, SO_ATTACH_FILTER, only.option)
    set(IPPROTO_ICMPV6, ICMPV6_FILTER, typesBut(NEIGHBOR_SOLICITATION))
    set(SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(`${name}\0`))
    set(IPPROTO_IPV6, IPV6_UNICAST_HOPS, int(HOP_LIMIT))
    set(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, int(HOP_LIMIT))
    set(IPPROTO_IPV6, IPV6_MULTICAST_IF, int(index))
    set(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, int(0))
  }

  #openSpare(): RawSocket {
    const spare = this.#open()
    spare.on('error', () => {}) // it only holds memberships
    const none = typesBut(null)
    spare.setOption(IPPROTO_ICMPV6, ICMPV6_FILTER, Buffer.from(none), none.length)
    this.#spare.push(spare)
    return spare
  }

  #member(socket: RawSocket, option: number, group: bigint): void {
    const request = membershipOf(group, this.#interfaceIndex)
    socket.setOption(IPPROTO_IPV6, option, Buffer.from(request), request.length)
  }
}

/** struct icmp6_filter: a set bit keeps that type of message away (RFC 3542 section 3.2). */
function typesBut(wanted: number | null): Uint8Array {
  const words = new Uint32Array(8).fill(0xffff_ffff)
  if (wanted !== null) words[wanted >> 5] = ~(1 << (wanted & 31))
  return new Uint8Array(words.buffer)
}

function int(value: number): Uint8Array {
  return new Uint8Array(new Int32Array([value]).buffer)
}
