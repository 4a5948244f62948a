/** A socket that hears every ARP frame at an interface and sends frames there: what plays the rest of the LAN. */
import { ETHERTYPE_ARP } from '../../functions/wire/ethernet.ts'
import { SOL_SOCKET } from '../../infra/link/filter.ts'
import { addressOfLink } from '../../infra/link/packet-socket.ts'
import { AF_PACKET, bind, openSocket, SOCK_RAW, setOption } from '../../infra/link/syscalls.ts'

/** asm-generic/socket.h */
const SO_RCVBUFFORCE = 33
/** Some thousands of frames that come at once: what hears them must not be what loses them. */
const RECEIVE_BUFFER = 16 * 2 ** 20

/** Throws SystemError. */
export function openArpSocket(interfaceIndex: number): number {
  const fd = openSocket(AF_PACKET, SOCK_RAW, 0)
  setOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, new Uint8Array(new Int32Array([RECEIVE_BUFFER]).buffer))
  bind(fd, addressOfLink(interfaceIndex, ETHERTYPE_ARP))
  return fd
}
