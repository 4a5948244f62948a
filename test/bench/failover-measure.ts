/** How long a client that pings every 10 ms is without an answer when a fault strikes, and what a sniffer beside it sees. */
import type { Lan } from '../../infra/sandbox/lan/lan.ts'
import { eventually } from '../support/eventually.ts'
import { type Talk, talk } from '../support/talk.ts'
import type { Scope } from '../support/undo.ts'
import type { Seen } from './failover-client.ts'

const PING_S = 3

/** What answers for the addresses. */
export interface Contender {
  /** Process id of what answers on that node. */
  pid(node: string): number
  /** Ends it as planned; begins it again. */
  stop(node: string): Promise<void>
  start(node: string): Promise<void>
}

export interface Fault {
  readonly name: string
  strike(node: string): Promise<unknown> | unknown
  mend(node: string): Promise<unknown> | unknown
  /** How long the client pings, where it takes longer than usual. */
  readonly pingS?: number
}

interface Result {
  readonly outageMs: number
  readonly lost: number
  readonly seen: Seen
}

export interface Place {
  readonly lan: Lan
  readonly client: Talk
  readonly address: string
}

export async function measure(fault: Fault, place: Place, rounds: number): Promise<void> {
  const results: Result[] = []
  for (let round = 0; round < rounds; round++) results.push(await once(fault, place))
  const outages = results.map(one => one.outageMs).sort((a, b) => a - b)
  const at = (share: number) => outages[Math.ceil(outages.length * share) - 1] ?? Number.NaN
  const most = (pick: (one: Result) => number) => Math.max(...results.map(pick)).toFixed(0)
  row(
    fault.name,
    at(0.5).toFixed(0),
    at(0.99).toFixed(0),
    at(1).toFixed(0),
    most(one => one.lost),
    most(one => one.seen.doubles),
    most(one => one.seen.lastDoubleMs),
    most(one => one.seen.moved),
    most(one => one.seen.spreadMs),
  )
}

/** Doubles are counted from when the fault is mended on. */
async function once(fault: Fault, place: Place): Promise<Result> {
  const { lan, client, address } = place
  const node = await eventually(() => ownerOf(place), 30_000)
  const pinging = lan.exec('client', [
    'timeout',
    '-s',
    'INT',
    `${fault.pingS ?? PING_S}`,
    'ping',
    '-D',
    '-i',
    '0.01',
    address,
  ])
  await pass(800 + 200 * Math.random())
  await client.ask({ watch: address }, 'watching') // of an IPv6 address it sees nothing
  await fault.strike(node)
  const { stdout } = await pinging
  const struck = (await client.ask({ report: true }, 'seen')).seen as Seen
  await fault.mend(node)
  await client.ask({ watch: address }, 'watching')
  await pass(1500)
  const mended = (await client.ask({ report: true }, 'seen')).seen as Seen
  const { doubles, lastDoubleMs } = mended
  return { ...outageIn(stdout), seen: { ...struck, doubles, lastDoubleMs } }
}

/** The longest time without a reply, beyond the 10 ms that lie between two. */
function outageIn(pings: string): { outageMs: number; lost: number } {
  const replies = [...pings.matchAll(/^\[([\d.]+)\].*icmp_seq=(\d+) .*time=/gm)]
  const times = replies.map(([, seconds]) => 1000 * Number(seconds))
  const gaps = times.slice(1).map((time, i) => time - (times[i] ?? time) - 10)
  const last = Number(replies.at(-1)?.[2] ?? 0)
  const lost = last - new Set(replies.map(([, , sequence]) => sequence)).size
  return { outageMs: Math.max(0, ...gaps), lost }
}

/** The node that answers for the address now. */
export async function ownerOf({ lan, client, address }: Place): Promise<string> {
  const owner = address.includes(':') ? await neighborOf(lan, address) : await look(client, address)
  const node = lan.nodes.find(one => Number(`0x${one.mac.replaceAll(':', '')}`) === owner)
  if (!node) throw new Error('nobody answers')
  return node.name
}

async function look(client: Talk, address: string): Promise<number | null> {
  await client.ask({ watch: address }, 'watching')
  await pass(200)
  return ((await client.ask({ report: true }, 'seen')).seen as Seen).owner
}

async function neighborOf(lan: Lan, address: string): Promise<number | null> {
  await lan.exec('client', ['ip', '-6', 'neigh', 'flush', 'dev', 'eth0'])
  await lan.exec('client', ['ping', '-c', '1', '-W', '1', address])
  const { stdout } = await lan.exec('client', ['ip', '-6', 'neigh', 'show', address])
  const mac = /lladdr ([0-9a-f:]+)/.exec(stdout)?.[1]
  return mac ? Number(`0x${mac.replaceAll(':', '')}`) : null
}

/** Beside the client on its LAN. */
export async function clientOf(lan: Lan, t: Scope): Promise<Talk> {
  const { stdout } = await lan.exec('client', ['cat', '/sys/class/net/eth0/ifindex'])
  const { mac, ipv4 } = lan.client
  const [a = 0, b = 0, c = 0, d = 0] = ipv4.split('.').map(Number)
  const own = ((a * 256 + b) * 256 + c) * 256 + d
  const args = [stdout.trim(), `${Number(`0x${mac.replaceAll(':', '')}`)}`, `${own}`]
  const client = talk('../bench/failover-client.ts', args, lan.enter('client'))
  t.after(() => client.end())
  await client.hear('ready', 0)
  return client
}

export function pass(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

export function row(name: string, ...cells: string[]): void {
  say(`${name.padEnd(28)}${cells.map(cell => cell.padStart(9)).join('')}`)
}
