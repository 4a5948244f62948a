/**
 * Failover as a client sees it that pings every 10 ms, on a LAN of three nodes: cable pulled, announcer killed, node paused,
 * partition healed, planned stop, all announcers restarted one after the other; one address and 1,000, with Redis and
 * without; IPv6, and nodes whose interface has no address. Beside it keepalived (VRRPv3, adverts every
 * 100 ms) with the same cable pulled, where it is installed. Needs network namespaces and redis-server.
 *
 *   npm run bench:failover -- [rounds]
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLan, type Lan } from '../../infra/sandbox/lan/lan.ts'
import { eventually } from '../support/eventually.ts'
import { type Talk, talk } from '../support/talk.ts'
import type { Seen } from './failover-client.ts'
import { announcers } from './failover-herald.ts'

const ROUNDS = Number(process.argv[2] ?? 10)
const PING_S = 3
const KEEPALIVED = '/usr/sbin/keepalived'

/** What answers for the addresses. */
export interface Contender {
  /** Process id of what answers on that node. */
  pid(node: string): number
  /** Ends it as planned; begins it again. */
  stop(node: string): Promise<void>
  start(node: string): Promise<void>
}

interface Fault {
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

const undos: (() => unknown)[] = []
const scope = { after: (undo: () => unknown) => void undos.push(undo) }
try {
  await bench()
} finally {
  for (const undo of undos.reverse()) await undo()
}

async function bench(): Promise<void> {
  const lan = await createLan()
  undos.push(() => lan.destroy())
  const client = await clientOf(lan)
  const addresses = Array.from({ length: 1000 }, (_, i) => `192.168.50.${i % 250}`).map(
    (_, i) => `192.168.${60 + (i >> 8)}.${i & 255}`,
  )
  await lan.exec('client', ['ip', 'route', 'add', '192.168.60.0/22', 'dev', 'eth0'])
  for (const { name } of lan.nodes) await hold(lan, name, addresses)
  say(`${ROUNDS} rounds; load ${loadavg()[0]?.toFixed(1)} when begun; ms`)
  row('', 'p50', 'p99', 'worst', 'lost', 'doubles', 'until', 'moved', 'within')
  for (const count of [1, 1000]) {
    for (const redis of [true, false]) {
      const some = addresses.slice(0, count)
      const herald = await announcers(lan, some, scope)
      const [address = ''] = some
      await eventually(() => ownerOf({ lan, client, address }), 60_000)
      if (!redis) await herald.redis.stop()
      const suffix = `${count} ${redis ? 'Redis' : 'alone'}`
      for (const fault of faultsOf(lan, herald)) {
        await measure(`${fault.name}, ${suffix}`, fault, { lan, client, address })
      }
      await herald.close()
    }
  }
  await ipv6(lan, client)
  if (existsSync(KEEPALIVED)) await keepalived(lan, client)
  else say('keepalived is not installed')
  await withoutAddress(lan, client, addresses[0] ?? '')
}

function faultsOf(lan: Lan, contender: Contender): Fault[] {
  const signal = (name: NodeJS.Signals) => (node: string) => process.kill(contender.pid(node), name)
  const isolate = (isolated: boolean) => async () => {
    for (const { name } of lan.nodes) await lan.isolate(name, isolated)
  }
  return [
    { name: 'cable pulled', strike: n => lan.cable(n, 'down'), mend: n => lan.cable(n, 'up') },
    { name: 'killed', strike: signal('SIGKILL'), mend: () => {} },
    { name: 'paused', strike: signal('SIGSTOP'), mend: signal('SIGCONT') },
    { name: 'partition', strike: isolate(true), mend: isolate(false) },
    {
      name: 'planned stop',
      strike: node => contender.stop(node),
      mend: node => contender.start(node),
    },
    {
      name: 'rolling restart',
      pingS: 12,
      async strike() {
        for (const { name } of lan.nodes) {
          await contender.stop(name)
          await contender.start(name)
          await pass(2000) // until its pod would be ready
        }
      },
      mend: () => {},
    },
  ]
}

/** The client's sniffer knows ARP only: who answers is read from the kernel's neighbours, doubles are not seen. */
async function ipv6(lan: Lan, client: Talk): Promise<void> {
  const address = 'fd00:60::1'
  await lan.exec('client', ['ip', '-6', 'route', 'add', 'fd00:60::/64', 'dev', 'eth0'])
  for (const { name } of lan.nodes) {
    await lan.exec(name, ['ip', 'addr', 'add', `${address}/128`, 'dev', 'lo'])
  }
  const herald = await announcers(lan, [address], scope)
  const place = { lan, client, address }
  await eventually(() => ownerOf(place), 60_000)
  for (const fault of faultsOf(lan, herald)) await measure(`${fault.name}, IPv6`, fault, place)
  await herald.close()
}

/** Last, for it takes the addresses away. */
async function withoutAddress(lan: Lan, client: Talk, address: string): Promise<void> {
  for (const { name } of lan.nodes) {
    await lan.exec(name, ['ip', 'addr', 'flush', 'dev', 'eth0'])
    await lan.exec(name, ['ip', 'route', 'add', `${lan.client.ipv4}/32`, 'dev', 'eth0'])
  }
  const herald = await announcers(lan, [address], scope)
  const place = { lan, client, address }
  await eventually(() => ownerOf(place), 60_000)
  for (const fault of faultsOf(lan, herald)) {
    await measure(`${fault.name}, no address`, fault, place)
  }
  await herald.close()
}

interface Place {
  readonly lan: Lan
  readonly client: Talk
  readonly address: string
}

async function measure(name: string, fault: Fault, place: Place): Promise<void> {
  const results: Result[] = []
  for (let round = 0; round < ROUNDS; round++) results.push(await once(fault, place))
  const outages = results.map(one => one.outageMs).sort((a, b) => a - b)
  const at = (share: number) => outages[Math.ceil(outages.length * share) - 1] ?? Number.NaN
  const most = (pick: (one: Result) => number) => Math.max(...results.map(pick)).toFixed(0)
  row(
    name,
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
async function ownerOf({ lan, client, address }: Place): Promise<string> {
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

/** The same priorities everywhere, and who has it keeps it: as Herald does. */
async function keepalived(lan: Lan, client: Talk): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'herald-keepalived-'))
  const address = '192.168.70.1'
  await lan.exec('client', ['ip', 'route', 'add', '192.168.70.0/24', 'dev', 'eth0'])
  const stops: AbortController[] = []
  for (const [i, { name }] of lan.nodes.entries()) {
    const path = join(folder, `${name}.conf`)
    writeFileSync(
      path,
      `global_defs { vrrp_version 3 }\nvrrp_instance one { state BACKUP\n nopreempt\n interface eth0\n virtual_router_id 7\n priority ${200 - 50 * i}\n advert_int 0.1\n virtual_ipaddress { ${address}/32 dev eth0 } }\n`,
    )
    const stop = new AbortController()
    stops.push(stop)
    const files = ['pid', 'vrrp_pid'].map(kind => `--${kind}=${join(folder, `${name}.${kind}`)}`)
    const argv = [
      KEEPALIVED,
      '--dont-fork',
      '--vrrp',
      '--log-console',
      `--use-file=${path}`,
      ...files,
    ]
    lan.exec(name, argv, { signal: stop.signal }).catch(() => {}) // ended below
  }
  try {
    await eventually(() => ownerOf({ lan, client, address }), 30_000)
    const strike = (node: string) => lan.cable(node, 'down')
    const mend = (node: string) => lan.cable(node, 'up')
    const fault = { name: 'cable pulled', strike, mend }
    await measure('cable pulled, keepalived', fault, { lan, client, address })
  } finally {
    for (const stop of stops) stop.abort()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function clientOf(lan: Lan): Promise<Talk> {
  const { stdout } = await lan.exec('client', ['cat', '/sys/class/net/eth0/ifindex'])
  const { mac, ipv4 } = lan.client
  const [a = 0, b = 0, c = 0, d = 0] = ipv4.split('.').map(Number)
  const own = ((a * 256 + b) * 256 + c) * 256 + d
  const args = [stdout.trim(), `${Number(`0x${mac.replaceAll(':', '')}`)}`, `${own}`]
  const client = talk('../bench/failover-client.ts', args, lan.enter('client'))
  undos.push(() => client.end())
  await client.hear('ready', 0)
  return client
}

/** The node takes what is sent to these, as kube-proxy does for a Service. */
async function hold(lan: Lan, node: string, addresses: readonly string[]): Promise<void> {
  const input = addresses.map(address => `addr add ${address}/32 dev lo\n`).join('')
  await lan.exec(node, ['ip', '-batch', '-'], { input })
}

function pass(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function row(name: string, ...cells: string[]): void {
  say(`${name.padEnd(28)}${cells.map(cell => cell.padStart(9)).join('')}`)
}
