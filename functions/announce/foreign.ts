/** Who says on the LAN that it has an address: RFC 5227 section 2.1.1 for ARP, RFC 4862 section 5.4 for NDP. */
import { type ArpFrame, REPLY, REQUEST } from '../wire/arp.ts'
import { isHostMAC } from '../wire/ethernet.ts'
import { UNSPECIFIED } from '../wire/ipv6.ts'
import { decodeNeighborAdvertisement, decodeNeighborSolicitation } from '../wire/ndp.ts'
import { decodeNeighborFrame } from '../wire/neighbor-frame.ts'
import type { Foreign } from './guard.ts'

/** Whoever sends a request or a reply from an address has it; whoever probes wants it. */
export function foreignInArp({ arp }: ArpFrame): Foreign<number> | null {
  const { operation, senderHardwareAddress: mac, senderProtocolAddress: sender } = arp
  if (!isHostMAC(mac) || (operation !== REQUEST && operation !== REPLY)) return null
  if (sender !== 0) return { address: sender, mac, uses: true }
  return operation === REQUEST ? { address: arp.targetProtocolAddress, mac, uses: false } : null
}

/**
 * Whoever advertises an address has it. Duplicate address detection is done by who was given the address already, by hand or by
 * a router, and not to find out whether it is free.
 */
export function foreignInNeighborFrame(frame: Uint8Array): Foreign<bigint> | null {
  const read = decodeNeighborFrame(frame)
  if (typeof read === 'string') return null
  const { mac: sender, source, message } = read
  const question = decodeNeighborSolicitation(message)
  if (typeof question === 'object') {
    const detects = source === UNSPECIFIED && isHostMAC(sender)
    return detects ? { address: question.targetAddress, mac: sender, uses: true } : null
  }
  const said = decodeNeighborAdvertisement(message)
  const mac = said?.targetLinkLayerAddress ?? sender
  return said && isHostMAC(mac) ? { address: said.targetAddress, mac, uses: true } : null
}
