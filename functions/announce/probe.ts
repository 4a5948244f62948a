/** "Has anybody this address?", asked by one who has not: an ARP Probe, and duplicate address detection by NDP. */
import { encodeArpFrame, REQUEST } from '../wire/arp.ts'
import { BROADCAST, ETHERTYPE_ARP } from '../wire/ethernet.ts'
import { solicitedNodeGroup, UNSPECIFIED } from '../wire/ipv6.ts'
import { encodeNeighborSolicitation } from '../wire/ndp.ts'
import { encodeNeighborFrame } from '../wire/neighbor-frame.ts'

/** RFC 5227 section 2.1.1: without a sender address, so that nobody remembers what is not settled yet. */
export function probe(address: number, mac: number): Uint8Array {
  return encodeArpFrame({
    ethernet: { destination: BROADCAST, source: mac, etherType: ETHERTYPE_ARP },
    arp: {
      operation: REQUEST,
      senderHardwareAddress: mac,
      senderProtocolAddress: 0,
      targetHardwareAddress: 0,
      targetProtocolAddress: address,
    },
  })
}

/** RFC 4862 section 5.4.2. */
export function neighborProbe(address: bigint, mac: number): Uint8Array {
  return encodeNeighborFrame({
    mac,
    source: UNSPECIFIED,
    destination: solicitedNodeGroup(address),
    message: encodeNeighborSolicitation({ targetAddress: address, sourceLinkLayerAddress: null }),
  })
}
