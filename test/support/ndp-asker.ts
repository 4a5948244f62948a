/** Sends one Neighbor Solicitation to the group of an address. Arguments: interface, hop limit, address. */
import { formatIPv6, parseIPv6, solicitedNodeGroup } from '../../functions/wire/ipv6.ts'
import { encodeNeighborSolicitation } from '../../functions/wire/ndp.ts'
import { loadRawSocket } from '../../infra/link/raw-socket.ts'

const [device = '', hopLimit = '', target = ''] = process.argv.slice(2)
const address = parseIPv6(target) ?? 0n
const open = loadRawSocket()
if (typeof open === 'string') throw new Error(open)
const socket = open()
const [SOL_SOCKET, SO_BINDTODEVICE, IPPROTO_IPV6, IPV6_MULTICAST_HOPS] = [1, 25, 41, 18]
const name = Buffer.from(`${device}\0`)
socket.setOption(SOL_SOCKET, SO_BINDTODEVICE, name, name.length)
const hops = Buffer.from(new Int32Array([Number(hopLimit)]).buffer)
socket.setOption(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hops, hops.length)
// Without an option the answer goes to our address, which the other side finds by asking back.
const message = Buffer.from(
  encodeNeighborSolicitation({ targetAddress: address, sourceLinkLayerAddress: null }),
)
const group = formatIPv6(solicitedNodeGroup(address))
socket.send(message, 0, message.length, group, error => {
  process.stdout.write(`${JSON.stringify({ sent: error ? error.message : true })}\n`)
  socket.close()
})
