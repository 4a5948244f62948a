/** Which interfaces announce (MetalLB's rules, metallb-behaviour 5.3), and on which of them an address lives. */
import { type Address, type AddressRange, contains, parseCIDR } from '../model/address.ts'
import type { AnnouncerInterface } from '../model/node.ts'
import { isLinkLocal } from '../wire/ipv6.ts'
import type { NetworkLink } from '../wire/rtnetlink.ts'

export type Unfit = 'excluded' | 'down' | 'enslaved' | 'noARP' | 'noBroadcast' | 'notEthernet'

/** linux/if.h */
const IFF_UP = 0x1
const IFF_BROADCAST = 0x2
const IFF_RUNNING = 0x40
const IFF_NOARP = 0x80
/** linux/if_arp.h: what has 48-bit addresses. */
const ARPHRD_ETHER = 1

/** Why this interface does not announce; null when it does. Patterns match anywhere in the name unless they are anchored. */
export function unfit(link: NetworkLink, exclude: readonly RegExp[]): Unfit | null {
  if (exclude.some(pattern => link.name.search(pattern) >= 0)) return 'excluded'
  if (!(link.flags & IFF_UP)) return 'down'
  if (link.master !== null) return 'enslaved' // to a bridge, bond or VRF, which announces instead
  if (link.flags & IFF_NOARP) return 'noARP'
  if (!(link.flags & IFF_BROADCAST)) return 'noBroadcast'
  if (link.hardwareType !== ARPHRD_ETHER || link.mac === null) return 'notEthernet'
  return null
}

/** Up, and there is a carrier: what is sent has a chance to arrive. */
export function isRunning(link: NetworkLink): boolean {
  return (link.flags & IFF_RUNNING) !== 0
}

/** It has a link-local address, from which Neighbor Advertisements go out: RFC 4861 section 4.4 wants one of the interface. */
export function sendsIPv6({ prefixes }: Pick<AnnouncerInterface, 'prefixes'>): boolean {
  const sources = prefixes.map(parseCIDR)
  return sources.some(one => one?.family === 'IPv6' && isLinkLocal(one.first))
}

/** An interface, and the networks that it has an address in. */
export interface Homed {
  readonly name: string
  readonly networks: readonly AddressRange[]
}

export const homedOf = ({
  name,
  prefixes,
}: Pick<AnnouncerInterface, 'name' | 'prefixes'>): Homed => ({
  name,
  networks: prefixes.map(parseCIDR).filter(one => one !== null),
})

/**
 * Where an address lives that may be announced on these interfaces (null: on all): on those that are in its network; where none
 * is, on all of them, since its network may be routed there.
 */
export function homeOf(
  address: Address,
  interfaces: readonly string[] | null,
  present: readonly Homed[],
): readonly string[] | null {
  if (present.length < 2) return interfaces // of a thousand addresses taken over none needs a look
  const able = present.filter(one => interfaces === null || interfaces.includes(one.name))
  const homes = able.filter(one => one.networks.some(network => contains(network, address)))
  if (homes.length === 0 || homes.length === able.length) return interfaces
  return homes.map(one => one.name)
}
