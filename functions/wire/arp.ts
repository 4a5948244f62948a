/**
 * ARP for IPv4 over Ethernet, 28 octets: RFC 826 "Packet format", whose field names stand beside each line.
 * Probes and announcements are those of RFC 5227.
 */
import { OctetReader, OctetWriter } from './bytes.ts'
import {
  decodeEthernet,
  ETHERNET_FRAME_LENGTH_MAX,
  ETHERNET_HEADER_LENGTH,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  type EthernetHeader,
  encodeEthernet,
} from './ethernet.ts'

export interface ArpPacket {
  /** REQUEST, REPLY, or one of the rarer ones that IANA lists; any number is decoded. */
  readonly operation: number
  readonly senderHardwareAddress: number
  /** 0 in a probe (RFC 5227 section 1.1). */
  readonly senderProtocolAddress: number
  readonly targetHardwareAddress: number
  readonly targetProtocolAddress: number
}

export interface ArpFrame {
  readonly ethernet: EthernetHeader
  readonly arp: ArpPacket
}

/** Why octets are no ARP frame of ours. What follows the packet is padding, and ignored. */
export type ArpFault =
  | 'truncated'
  | 'oversized'
  | 'notARP'
  | 'hardwareType'
  | 'protocolType'
  | 'hardwareLength'
  | 'protocolLength'

export const REQUEST = 1
export const REPLY = 2
const HARDWARE_ETHERNET = 1
const ARP_LENGTH = 28

export function decodeArpFrame(octets: Uint8Array): ArpFrame | ArpFault {
  if (octets.length > ETHERNET_FRAME_LENGTH_MAX) return 'oversized'
  const reader = new OctetReader(octets)
  const ethernet = decodeEthernet(reader)
  if (ethernet === 'truncated') return ethernet
  if (ethernet.etherType !== ETHERTYPE_ARP) return 'notARP'
  const arp = decodeArp(reader)
  return typeof arp === 'string' ? arp : { ethernet, arp }
}

function decodeArp(octets: OctetReader): ArpPacket | ArpFault {
  if (octets.remaining() < ARP_LENGTH) return 'truncated'
  if (octets.u16() !== HARDWARE_ETHERNET) return 'hardwareType' // ar$hrd
  if (octets.u16() !== ETHERTYPE_IPV4) return 'protocolType' // ar$pro
  if (octets.u8() !== 6) return 'hardwareLength' // ar$hln
  if (octets.u8() !== 4) return 'protocolLength' // ar$pln
  return {
    operation: octets.u16(), // ar$op
    senderHardwareAddress: octets.u48(), // ar$sha
    senderProtocolAddress: octets.u32(), // ar$spa
    targetHardwareAddress: octets.u48(), // ar$tha
    targetProtocolAddress: octets.u32(), // ar$tpa
  }
}

/** 42 octets: the device pads them to Ethernet's 60. */
export function encodeArpFrame({ ethernet, arp }: ArpFrame): Uint8Array {
  return encodeEthernet(ethernet, new OctetWriter(ETHERNET_HEADER_LENGTH + ARP_LENGTH))
    .u16(HARDWARE_ETHERNET) // ar$hrd
    .u16(ETHERTYPE_IPV4) // ar$pro
    .u8(6) // ar$hln
    .u8(4) // ar$pln
    .u16(arp.operation) // ar$op
    .u48(arp.senderHardwareAddress) // ar$sha
    .u32(arp.senderProtocolAddress) // ar$spa
    .u48(arp.targetHardwareAddress) // ar$tha
    .u32(arp.targetProtocolAddress).octets // ar$tpa
}
