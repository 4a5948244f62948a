/** Which interfaces announce: MetalLB's rules (metallb-behaviour 5.3). */
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
