/** Ethernet II, 14 octets before the payload: RFC 894, and the type field of RFC 826's "ether_type$ADDRESS_RESOLUTION". */
import { OctetReader, type OctetWriter } from './bytes.ts'

export interface EthernetHeader {
  readonly destination: number
  readonly source: number
  readonly etherType: number
}

export const BROADCAST = 0xffff_ffff_ffff
export const ETHERTYPE_IPV4 = 0x0800
export const ETHERTYPE_ARP = 0x0806
export const ETHERTYPE_IPV6 = 0x86dd
export const ETHERNET_HEADER_LENGTH = 14
/** IEEE 802.3, without the check sequence that no socket shows: 1500 of payload, and 4 for a VLAN tag. */
export const ETHERNET_FRAME_LENGTH_MAX = 1518

export function decodeEthernet(octets: OctetReader): EthernetHeader | 'truncated' {
  if (octets.remaining() < ETHERNET_HEADER_LENGTH) return 'truncated'
  return { destination: octets.u48(), source: octets.u48(), etherType: octets.u16() }
}

/** The MAC that a frame comes from; 0 when it is too short to say. */
export function senderOf(frame: Uint8Array): number {
  const ethernet = decodeEthernet(new OctetReader(frame))
  return ethernet === 'truncated' ? 0 : ethernet.source
}

export function encodeEthernet(header: EthernetHeader, into: OctetWriter): OctetWriter {
  return into.u48(header.destination).u48(header.source).u16(header.etherType)
}

/** Neither zero nor a group, whose first octet is odd (IEEE 802). */
export function isHostMAC(mac: number): boolean {
  return mac !== 0 && Math.floor(mac / 0x100_0000_0000) % 2 === 0
}
