import type { AnnouncedAddress, Link, LinkOptions } from '../link/link.ts'
import type { LanHost } from './lan/hosts.ts'
import { INTERFACE } from './lan/lan.ts'

/** Where there is no LAN: says in the log what a node would announce, and sends nothing. */
export async function openLinkInWords(
  { ipv4, ipv6, mac }: LanHost,
  { log }: LinkOptions,
): Promise<Link> {
  const prefixes = [`${ipv4}/24`, ...(ipv6 ? [`${ipv6}/64`] : [])]
  const interfaces = [{ name: INTERFACE, mac, prefixes }]
  let known = new Set<string>()
  return {
    set(table: readonly AnnouncedAddress[]) {
      const wanted = new Set(table.map(one => one.address))
      for (const address of wanted) {
        if (!known.has(address))
          log.info({ address, mac }, 'would announce it, if there were a LAN')
      }
      for (const address of known) {
        if (!wanted.has(address)) log.info({ address, mac }, 'would answer for it no more')
      }
      known = wanted
    },
    announce() {},
    interfaces: () => interfaces,
    counters: () => Promise.reject(new Error('there is no LAN to count on')),
    read() {},
    async leave() {},
    async stop() {},
  }
}
