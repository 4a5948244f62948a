/** Who is on the LAN of the sandbox, with the addresses of the article's home network, 192.168.50.0/24. */
import { existsSync } from 'node:fs'

export interface LanHost {
  readonly name: string
  readonly ipv4: string
  /** Null where the kernel has no IPv6. */
  readonly ipv6: string | null
  readonly mac: string
}

export const HAS_IPV6 = existsSync('/proc/sys/net/ipv6')

const FIRST_NODE = 124
const CLIENT_NUMBER = 10

/** The article's only node, 192.168.50.124, is the first of them. */
export function hostsOf(nodes: readonly string[]): { nodes: LanHost[]; client: LanHost } {
  return {
    nodes: nodes.map((name, index) => hostAt(name, FIRST_NODE + index)),
    client: hostAt('client', CLIENT_NUMBER),
  }
}

export const HOSTS = hostsOf(['node-a', 'node-b', 'node-c'])

function hostAt(name: string, number: number): LanHost {
  return {
    name,
    ipv4: `192.168.50.${number}`,
    ipv6: HAS_IPV6 ? `fd00:50::${number}` : null,
    mac: `02:00:c0:a8:32:${number.toString(16).padStart(2, '0')}`, // locally administered; shows the IPv4
  }
}
