/**
 * NDP, as answer.ts and announcement.ts are for ARP: what to say to a Neighbor Solicitation, or why nothing, and the
 * unsolicited advertisement. Unlike MetalLB (metallb-behaviour 5.5) it sets Override in answers, so that an asker that
 * still knows the former owner believes the new one (RFC 4861 section 7.2.5), and it answers duplicate address
 * detection, so that nobody takes an address that is in use (RFC 4862 section 5.4.3).
 */
import { ALL_NODES, isMulticast, UNSPECIFIED } from '../wire/ipv6.ts'
import {
  decodeNeighborSolicitation,
  encodeNeighborAdvertisement,
  type NdpFault,
} from '../wire/ndp.ts'
import { type Here, type Interfaces, livesOn } from './answer.ts'

export type NeighborTable = ReadonlyMap<bigint, Interfaces>

export type NeighborDropReason = NdpFault | (typeof REFUSALS)[number]

const REFUSALS = [
  'hopLimit',
  'checksum',
  'multicastSource',
  'unspecifiedWithOption',
  'notAnnounced',
  'notOnThisInterface',
  'rateLimited',
] as const

export const NEIGHBOR_DROP_REASONS: readonly NeighborDropReason[] = [
  'oversized',
  'truncated',
  'notSolicitation',
  'icmpv6Code',
  'multicastTarget',
  'optionLength',
  ...REFUSALS,
]

export interface NeighborAnswer {
  /** The address that was asked for. */
  readonly address: bigint
  readonly to: bigint
  readonly message: Uint8Array
}

/** `source` is the IPv6 source address of the message: UNSPECIFIED in duplicate address detection. */
export function answerNeighbor(
  message: Uint8Array,
  source: bigint,
  here: Here,
  table: NeighborTable,
): NeighborAnswer | NeighborDropReason {
  const question = decodeNeighborSolicitation(message)
  if (typeof question === 'string') return question
  if (isMulticast(source)) return 'multicastSource'
  const known = source !== UNSPECIFIED
  // RFC 4861 section 7.1.1: who has no address yet must not ask to be remembered.
  if (!known && question.sourceLinkLayerAddress !== null) return 'unspecifiedWithOption'
  const address = question.targetAddress
  const interfaces = table.get(address)
  if (interfaces === undefined) return 'notAnnounced'
  if (!livesOn(here.name, interfaces)) return 'notOnThisInterface'
  // RFC 4861 section 7.2.4: to who asked, or to all nodes, and then not "solicited".
  const to = known ? source : ALL_NODES
  return { address, to, message: advertisement(address, here.mac, known) }
}

/** "This address is at my MAC now", to all nodes: RFC 4861 section 7.2.6. */
export function neighborAnnouncement(address: bigint, mac: number): Uint8Array {
  return advertisement(address, mac, false)
}

/** Not from a router: a node of a cluster may be one, but who asks for a Service must not use it as its gateway. */
function advertisement(address: bigint, mac: number, solicited: boolean): Uint8Array {
  return encodeNeighborAdvertisement({
    router: false,
    solicited,
    override: true,
    targetAddress: address,
    targetLinkLayerAddress: mac,
  })
}
