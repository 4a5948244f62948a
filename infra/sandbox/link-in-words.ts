import { announced, type Table, update } from '../../functions/announce/table.ts'
import type { Claim } from '../../functions/liveness/messages.ts'
import { readingsOf } from '../../functions/liveness/reading.ts'
import type { AnnouncedAddress, Link, LinkOptions, RedisReading } from '../link/link.ts'
import type { LanHost } from './lan/hosts.ts'
import { INTERFACE } from './lan/lan.ts'

/** Where there is no LAN: says in the log what a node would announce by what Redis says, and sends nothing. */
export async function openLinkInWords(
  { ipv4, ipv6, mac }: LanHost,
  { log, member }: LinkOptions,
): Promise<Link> {
  const prefixes = [`${ipv4}/24`, ...(ipv6 ? [`${ipv6}/64`, 'fe80::1/64'] : [])]
  const interfaces = [{ name: INTERFACE, mac, prefixes }]
  let known = new Set<string>()
  let table: Table = new Map()
  const set = (addresses: readonly AnnouncedAddress[]) => {
    const wanted = new Set(addresses.map(one => one.address))
    for (const address of wanted) {
      if (!known.has(address)) log.info({ address, mac }, 'would announce it, if there were a LAN')
    }
    for (const address of known) {
      if (!wanted.has(address)) log.info({ address, mac }, 'would answer for it no more')
    }
    known = wanted
  }
  return {
    set,
    begin() {},
    announce() {},
    interfaces: () => interfaces,
    kernelAnswers: () => [],
    counters: () => Promise.reject(new Error('there is no LAN to count on')),
    read(redis: RedisReading | null) {
      if (!redis || !member) return
      const before = table
      table = update(member.node, table, new Map(redis.placements.map(one => [one.group, one])))
      const dropped = claimsOf(before).filter(({ group }) => !table.has(group))
      member.onCommand({ do: 'remember', claims: claimsOf(table), dropped })
      set(announced(member.node, table))
    },
    bind() {},
    collect() {},
    async leave() {},
    async stop() {},
  }
}

function claimsOf(table: Table): Claim[] {
  const isMine = (claim: Claim | null): claim is Claim => claim !== null
  return readingsOf([...table.values()])
    .map(one => one.claim)
    .filter(isMine)
}
