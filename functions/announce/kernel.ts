/**
 * What the kernel of a node answers for by itself, whatever Herald does: where that is an address of a Service, clients hear two
 * nodes. kube-proxy in IPVS mode binds each such address on every node, and without its strictARP all of them answer.
 */
import type { NetworkAddress, NetworkLink } from '../wire/rtnetlink.ts'

/** Linux, Documentation/networking/ip-sysctl: for any local address, for those of the interface asked on, for none. */
export const ARP_IGNORE = { none: 0, others: 1, othersAndSubnets: 2, all: 8 } as const

/**
 * Addresses for which it answers on one of the interfaces that announce, in the order of the kernel; those that no other
 * host may ask for (127.0.0.0/8, ::1) left out.
 */
export function kernelAnswers(
  kernel: {
    readonly links: readonly NetworkLink[]
    readonly addresses: readonly NetworkAddress[]
  },
  /** By name of an interface that announces: the greater of arp_ignore of it and of all. */
  arpIgnore: ReadonlyMap<string, number>,
): string[] {
  const asked = kernel.links.flatMap(({ index, name }) => {
    const ignore = arpIgnore.get(name)
    return ignore === undefined ? [] : [{ index, ignore }]
  })
  const answered = kernel.addresses.flatMap(({ index, prefix }) => {
    const [address = ''] = prefix.split('/')
    if (LOOPBACK.test(address)) return []
    // NDP is answered for what is on the interface alone (RFC 4861, 7.2.3), and arp_ignore is not about it.
    const answers = address.includes(':')
      ? asked.some(one => one.index === index)
      : asked.some(one => answersARP(one.ignore, one.index === index))
    return answers ? [address] : []
  })
  return [...new Set(answered)]
}

const LOOPBACK = /^127\.|^::1$/

function answersARP(ignore: number, isItsOwn: boolean): boolean {
  if (ignore === ARP_IGNORE.all) return false
  return isItsOwn || (ignore !== ARP_IGNORE.others && ignore !== ARP_IGNORE.othersAndSubnets)
}
