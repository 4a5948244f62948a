/**
 * "This address is at my MAC now", to a whole segment, in both forms: Linux believes either about a neighbour that it knows,
 * other stacks only one of them. Sender and target address are the same (RFC 5227 section 1.1 "ARP Announcement").
 */
import { encodeArpFrame, REPLY, REQUEST } from '../wire/arp.ts'
import { BROADCAST, ETHERTYPE_ARP } from '../wire/ethernet.ts'

/** The request form first: RFC 5227 section 3 prefers it. */
export function announcements(address: number, mac: number): Uint8Array[] {
  return [REQUEST, REPLY].map(operation =>
    encodeArpFrame({
      ethernet: { destination: BROADCAST, source: mac, etherType: ETHERTYPE_ARP },
      arp: {
        operation,
        senderHardwareAddress: mac,
        senderProtocolAddress: address,
        targetHardwareAddress: operation === REQUEST ? 0 : BROADCAST,
        targetProtocolAddress: address,
      },
    }),
  )
}
