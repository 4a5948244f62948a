/**
 * Neighbor Discovery for IPv6 over Ethernet: Neighbor Solicitation (RFC 4861 section 4.3) and Advertisement (section 4.4)
 * with the one option that matters here, the link-layer address (section 4.6.1; RFC 2464 section 6 for Ethernet).
 * What is not valid by section 7.1.1 is refused by name; the hop limit is looked at by the socket, which alone sees it.
 */
import { OctetReader, OctetWriter } from './bytes.ts'
import {
  decodeIcmpv6,
  encodeIcmpv6,
  ICMPV6_HEADER_LENGTH,
  NEIGHBOR_ADVERTISEMENT,
  NEIGHBOR_SOLICITATION,
} from './icmpv6.ts'
import { isMulticast, readIPv6, writeIPv6 } from './ipv6.ts'

export interface NeighborSolicitation {
  readonly targetAddress: bigint
  /** Null when the option is absent, as it is in duplicate address detection (RFC 4862 section 5.4.2). */
  readonly sourceLinkLayerAddress: number | null
}

export interface NeighborAdvertisement {
  readonly router: boolean
  readonly solicited: boolean
  readonly override: boolean
  readonly targetAddress: bigint
  readonly targetLinkLayerAddress: number
}

/** Why octets are no Neighbor Solicitation. */
export type NdpFault =
  | 'truncated'
  | 'oversized'
  | 'notSolicitation'
  | 'icmpv6Code'
  | 'multicastTarget'
  | 'optionLength'

/** Header, reserved, target address: the part before the options. */
const MESSAGE_LENGTH = ICMPV6_HEADER_LENGTH + 4 + 16
/** An Ethernet payload less the IPv6 header. */
const MESSAGE_LENGTH_MAX = 1500 - 40
/** Option types, and the length of both in units of 8 octets: RFC 4861 section 4.6.1. */
const [SOURCE_LINK_LAYER_ADDRESS, TARGET_LINK_LAYER_ADDRESS, LINK_LAYER_UNITS] = [1, 2, 1]

export function decodeNeighborSolicitation(message: Uint8Array): NeighborSolicitation | NdpFault {
  const read = decode(message, NEIGHBOR_SOLICITATION, SOURCE_LINK_LAYER_ADDRESS)
  if (typeof read === 'string') return read
  return { targetAddress: read.target, sourceLinkLayerAddress: read.linkLayerAddress }
}

/** What is not one is nobody's claim to an address, so why it is not does not matter: null. */
export function decodeNeighborAdvertisement(message: Uint8Array): {
  readonly targetAddress: bigint
  /** Null when the option is absent, as it may be where who asked knows it (RFC 4861 section 4.4). */
  readonly targetLinkLayerAddress: number | null
} | null {
  const read = decode(message, NEIGHBOR_ADVERTISEMENT, TARGET_LINK_LAYER_ADDRESS)
  if (typeof read === 'string') return null
  return { targetAddress: read.target, targetLinkLayerAddress: read.linkLayerAddress }
}

/** Both messages are laid out alike; `option` is the one that is looked for. */
function decode(
  message: Uint8Array,
  type: number,
  option: number,
): { readonly target: bigint; readonly linkLayerAddress: number | null } | NdpFault {
  if (message.length > MESSAGE_LENGTH_MAX) return 'oversized'
  const octets = new OctetReader(message)
  const header = decodeIcmpv6(octets)
  if (header === 'truncated') return header
  if (header.type !== type) return 'notSolicitation'
  if (header.code !== 0) return 'icmpv6Code'
  if (message.length < MESSAGE_LENGTH) return 'truncated'
  octets.u32() // Reserved; of an advertisement the flags, which do not matter here
  const target = readIPv6(octets)
  if (isMulticast(target)) return 'multicastTarget'
  const linkLayerAddress = decodeOptions(octets, option)
  return typeof linkLayerAddress === 'string' ? linkLayerAddress : { target, linkLayerAddress }
}

export function encodeNeighborSolicitation(solicitation: NeighborSolicitation): Uint8Array {
  const { sourceLinkLayerAddress: source, targetAddress } = solicitation
  const into = new OctetWriter(MESSAGE_LENGTH + (source === null ? 0 : 8))
  encodeIcmpv6({ type: NEIGHBOR_SOLICITATION, code: 0 }, into).u32(0) // Reserved
  writeIPv6(targetAddress, into)
  if (source !== null) into.u8(SOURCE_LINK_LAYER_ADDRESS).u8(LINK_LAYER_UNITS).u48(source)
  return into.octets
}

export function encodeNeighborAdvertisement(advertisement: NeighborAdvertisement): Uint8Array {
  const { router, solicited, override } = advertisement
  const into = new OctetWriter(MESSAGE_LENGTH + 8)
  encodeIcmpv6({ type: NEIGHBOR_ADVERTISEMENT, code: 0 }, into)
    .u8((router ? 0x80 : 0) | (solicited ? 0x40 : 0) | (override ? 0x20 : 0)) // R, S, O
    .u8(0) // Reserved
    .u16(0)
  return writeIPv6(advertisement.targetAddress, into)
    .u8(TARGET_LINK_LAYER_ADDRESS)
    .u8(LINK_LAYER_UNITS)
    .u48(advertisement.targetLinkLayerAddress).octets
}

/** The link-layer address of that option if there is one; unknown options are skipped (RFC 4861 section 4.6). */
function decodeOptions(octets: OctetReader, wanted: number): number | null | 'optionLength' {
  let found: number | null = null
  while (octets.remaining() > 0) {
    if (octets.remaining() < 8) return 'optionLength'
    const [type, units] = [octets.u8(), octets.u8()]
    if (units === 0 || octets.remaining() < 8 * units - 2) return 'optionLength'
    const known = type === wanted && units === LINK_LAYER_UNITS
    if (known && found === null) found = octets.u48()
    else for (let i = 2; i < 8 * units; i++) octets.u8()
  }
  return found
}
