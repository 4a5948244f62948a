/**
 * What to say to a frame that came in: the reply, or why there is none. The rules are MetalLB's
 * (metallb-behaviour 5.5). The sender's protocol address decides nothing, so that a probe (RFC 5227, sender 0.0.0.0)
 * is answered too: whoever wants to take the address must learn that it is in use. Its hardware address must be one of
 * a host: an answer to a group would be sent to all for the price of one question.
 */
import { type ArpFault, type ArpFrame, encodeArpFrame, REPLY, REQUEST } from '../wire/arp.ts'
import { BROADCAST, ETHERTYPE_ARP, isHostMAC } from '../wire/ethernet.ts'

/** Names of the interfaces on which an address is announced; null = all that qualify. */
export type Interfaces = ReadonlySet<string> | null

/** Every address that is announced. */
export type AnnouncedTable = ReadonlyMap<number, Interfaces>

/** The interface at which a frame came in. */
export interface Here {
  readonly name: string
  readonly mac: number
}

export type DropReason = ArpFault | (typeof REFUSALS)[number]

const REFUSALS = [
  'notRequest',
  'otherDestination',
  'groupSender',
  'notAnnounced',
  'notOnThisInterface',
  'rateLimited',
] as const

/** In the order in which they are looked at. */
export const DROP_REASONS: readonly DropReason[] = [
  'oversized',
  'truncated',
  'notARP',
  'hardwareType',
  'protocolType',
  'hardwareLength',
  'protocolLength',
  ...REFUSALS,
]

export interface Answer {
  /** The address that was asked for. */
  readonly address: number
  /** MAC of who asked. */
  readonly asker: number
  readonly frame: Uint8Array
}

export function answer(
  question: ArpFrame | ArpFault,
  here: Here,
  table: AnnouncedTable,
): Answer | DropReason {
  if (typeof question === 'string') return question
  const { ethernet, arp } = question
  if (arp.operation !== REQUEST) return 'notRequest'
  if (ethernet.destination !== BROADCAST && ethernet.destination !== here.mac) {
    return 'otherDestination'
  }
  if (!isHostMAC(arp.senderHardwareAddress)) return 'groupSender'
  const address = arp.targetProtocolAddress
  const interfaces = table.get(address)
  if (interfaces === undefined) return 'notAnnounced'
  if (!livesOn(here.name, interfaces)) return 'notOnThisInterface'
  return { address, asker: ethernet.source, frame: encodeArpFrame(replyTo(question, here.mac)) }
}

export function livesOn(name: string, interfaces: Interfaces): boolean {
  return interfaces === null || interfaces.has(name)
}

/** RFC 826 "Packet Reception": sender and target change places, and it goes to who asked. */
function replyTo({ arp }: ArpFrame, mac: number): ArpFrame {
  return {
    ethernet: { destination: arp.senderHardwareAddress, source: mac, etherType: ETHERTYPE_ARP },
    arp: {
      operation: REPLY,
      senderHardwareAddress: mac,
      senderProtocolAddress: arp.targetProtocolAddress,
      targetHardwareAddress: arp.senderHardwareAddress,
      targetProtocolAddress: arp.senderProtocolAddress,
    },
  }
}
