/** A socket that hears every ARP frame at an interface and sends frames there: what plays the rest of the LAN. */
import { ETHERTYPE_ARP } from '../../functions/wire/ethernet.ts'
import { addressOfLink } from '../../infra/link/packet-socket.ts'
import { AF_PACKET, bind, openSocket, SOCK_RAW } from '../../infra/link/syscalls.ts'

/** Throws SystemError. */
export function openArpSocket(interfaceIndex: number): number {
  const fd = openSocket(AF_PACKET, SOCK_RAW, 0)
  bind(fd, addressOfLink(interfaceIndex, ETHERTYPE_ARP))
  return fd
}
