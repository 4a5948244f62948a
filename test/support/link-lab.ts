/** A client and announcers on one switch, for the tests of the link. */
import assert from 'node:assert/strict'
import type { Claim } from '../../functions/liveness/messages.ts'
import { encodeArpFrame, REPLY, REQUEST } from '../../functions/wire/arp.ts'
import { parseIPv4 } from '../../functions/wire/bytes.ts'
import { BROADCAST, ETHERTYPE_ARP } from '../../functions/wire/ethernet.ts'
import type { LinkCounters, Withheld } from '../../infra/link/link.ts'
import type { Namespace } from '../../infra/sandbox/lan/namespace.ts'
import type { Heard } from './arp-wire.ts'
import { eventually } from './eventually.ts'
import { segment, sh } from './segment.ts'
import { type Talk, talk } from './talk.ts'
import { type Scope, undoing } from './undo.ts'

export const VIP = '10.7.0.50'

/** A client that asks, and a node on the same LAN. */
export async function clientAndNode(t: Scope) {
  const scope = undoing(t)
  const lan = await segment(scope)
  const client = await lan.host('client', '10.7.0.1/24')
  const node = await lan.host('node', '10.7.0.3/24')
  return { scope, lan, client, node, mac: await macOf(node) }
}

/** A link that runs in this host; `prefix` stands before its command. */
export async function linkIn(t: Scope, host: Namespace, exclude = ['^lo$']): Promise<Talk> {
  const link = talk('./link-process.ts', exclude, host.enter)
  t.after(() => link.end())
  await link.hear('ready', 0)
  return link
}

/** A link that agrees with others on its LAN what it answers for; those with one key believe each other. */
export async function memberIn(
  t: Scope,
  host: Namespace,
  node: string,
  more: { remembered?: Claim[]; withheld?: Withheld[]; key?: string; within?: string[] } = {},
): Promise<Talk> {
  const member = { node, remembered: [], withheld: [], key: KEY, ...more }
  const given = ['env', `HERALD_TEST_MEMBER=${JSON.stringify(member)}`]
  const link = talk('./link-process.ts', ['^lo$'], [...host.enter, ...given])
  t.after(() => link.end())
  await link.hear('ready', 0)
  return link
}

const KEY = 'a secret of the test'

export function set(link: Talk, ...addresses: (string | [string, string[]])[]): void {
  link.say({
    do: 'set',
    addresses: addresses.map(one =>
      typeof one === 'string'
        ? { address: one, interfaces: null }
        : { address: one[0], interfaces: one[1] },
    ),
  })
}

export async function countersOf(link: Talk): Promise<LinkCounters> {
  return (await link.ask({ do: 'counters' }, 'counters')).counters as LinkCounters
}

export interface Wire {
  readonly talk: Talk
  /** What has been heard so far. */
  heard(): Heard[]
  /** Asks by broadcast until somebody answers; MACs of all who did in the end. */
  ask(target: string): Promise<string[]>
  /** Sends a request for it once. */
  request(target: string): Promise<void>
  /** MACs in replies for this address that were heard after so many frames. */
  answerers(target: string, since?: number): string[]
  send(frame: Uint8Array): Promise<void>
}

export async function wireIn(t: Scope, host: Namespace, device = 'eth0'): Promise<Wire> {
  const end = talk(
    './arp-wire.ts',
    [await sh(host, `cat /sys/class/net/${device}/ifindex`)],
    host.enter,
  )
  t.after(() => end.end())
  await end.hear('ready', 0)
  const mac = await macOf(host, device)
  const heard = () => end.said.flatMap(line => ('heard' in line ? [line.heard as Heard] : []))
  const answerers = (target: string, since = 0) => [
    ...new Set(
      heard()
        .slice(since)
        .filter(one => one.operation === REPLY && one.sender === target && one.to === mac)
        .map(one => one.senderMAC),
    ),
  ]
  const send = async (frame: Uint8Array) => {
    await end.ask({ frame: Buffer.from(frame).toString('hex') }, 'sent')
  }
  const request = (target: string) => send(question(mac, target))
  return {
    talk: end,
    heard,
    answerers,
    send,
    request,
    async ask(target) {
      const since = heard().length
      await eventually(async () => {
        await request(target)
        assert.ok(answerers(target, since).length > 0, `nobody answers for ${target}`)
      })
      return answerers(target, since)
    },
  }
}

export function question(mac: string, target: string, sender = '10.7.0.1'): Uint8Array {
  const source = macNumber(mac)
  return encodeArpFrame({
    ethernet: { destination: BROADCAST, source, etherType: ETHERTYPE_ARP },
    arp: {
      operation: REQUEST,
      senderHardwareAddress: source,
      senderProtocolAddress: parseIPv4(sender) ?? 0,
      targetHardwareAddress: 0,
      targetProtocolAddress: parseIPv4(target) ?? 0,
    },
  })
}

export async function macOf(host: Namespace, device = 'eth0'): Promise<string> {
  return sh(host, `cat /sys/class/net/${device}/address`)
}

export function macNumber(mac: string): number {
  return Number(`0x${mac.replaceAll(':', '')}`)
}

/** What the neighbour table of the kernel says: "lladdr 02:… REACHABLE", or an empty text. */
export async function neighbour(host: Namespace, address: string): Promise<string> {
  const family = address.includes(':') ? '-6' : '-4'
  const line = await sh(host, `ip ${family} neigh show ${address} dev eth0`)
  return line.replace(`${address} `, '').trim()
}
