/** Membership in groups of IPv6 as the kernel keeps and reports it: ipv6(7), RFC 3810 (MLD). */
import { HOST_LITTLE_ENDIAN as LITTLE, OctetWriter } from '../../functions/wire/bytes.ts'
import { writeIPv6 } from '../../functions/wire/ipv6.ts'
import { close, openSocket, SystemError, setOption } from './syscalls.ts'

export const IPPROTO_IPV6 = 41
export const [IPV6_ADD_MEMBERSHIP, IPV6_DROP_MEMBERSHIP] = [20, 21]
const [AF_INET6, SOCK_DGRAM] = [10, 2]

/** struct ipv6_mreq: group of 16 octets, int interface. */
export function membershipOf(group: bigint, interfaceIndex: number): Uint8Array {
  const request = writeIPv6(group, new OctetWriter(20)).octets
  new DataView(request.buffer).setInt32(16, interfaceIndex, LITTLE)
  return request
}

/**
 * Has the kernel say at this interface that the group is listened to, until the socket is closed, which hears nothing itself: a
 * switch that prunes groups passes none of IPv6 but ff02::1 to whoever has not said so (RFC 4541 section 3), and packet sockets
 * say nothing. Null when the kernel refuses: there is no IPv6, or the interface is gone.
 */
export function reportGroup(group: bigint, interfaceIndex: number): number | null {
  let fd: number | null = null
  try {
    fd = openSocket(AF_INET6, SOCK_DGRAM, 0)
    setOption(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, membershipOf(group, interfaceIndex))
    return fd
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    if (fd !== null) close(fd)
    return null
  }
}
