/**
 * Failover as a client sees it that pings every 10 ms, on a LAN of three nodes: cable pulled, announcer killed, node paused,
 * partition healed, planned stop, all announcers restarted one after the other; one address and 1,000, with Redis and
 * without; IPv6, nodes whose interface has no address, two LANs of which one is cut, and `herald drain`. Beside it
 * keepalived (VRRPv3, adverts every 100 ms) with the same cable pulled, where it is installed. Needs network namespaces
 * and redis-server.
 *
 *   npm run bench:failover -- [rounds] [part...]
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLan, type Lan } from '../../infra/sandbox/lan/lan.ts'
import { openNamespace } from '../../infra/sandbox/lan/namespace.ts'
import { commands } from '../support/cli.ts'
import { eventually } from '../support/eventually.ts'
import { lab } from '../support/lab.ts'
import { residentMiB } from '../support/proc.ts'
import { sh } from '../support/segment.ts'
import type { Talk } from '../support/talk.ts'
import { announcers } from './failover-herald.ts'
import {
  type Contender,
  clientOf,
  type Fault,
  measure,
  ownerOf,
  type Place,
  pass,
  row,
  say,
} from './failover-measure.ts'

const [rounds = '10', ...wanted] = process.argv.slice(2)
const KEEPALIVED = '/usr/sbin/keepalived'
const SETTLED_MS = 30_000
const ADDRESSES = Array.from({ length: 1000 }, (_, i) => `192.168.${60 + (i >> 8)}.${i & 255}`)

/** The last takes the addresses of the nodes away. */
const parts = {
  one: (lan, client) => counted(lan, client, 1),
  thousand: (lan, client) => counted(lan, client, 1000),
  ipv6,
  keepalived,
  lans: twoLans,
  drain,
  addressless,
} satisfies Record<string, (lan: Lan, client: Talk) => Promise<void>>

const undos: (() => unknown)[] = []
const scope = { after: (undo: () => unknown) => void undos.push(undo) }
try {
  await bench()
} finally {
  for (const undo of undos.reverse()) await undo()
}

async function bench(): Promise<void> {
  const unknown = wanted.filter(name => !(name in parts))
  if (unknown.length > 0) {
    say(`There is no part "${unknown}"; there are ${Object.keys(parts).join(', ')}`)
    process.exitCode = 2
    return
  }
  const lan = await createLan()
  scope.after(() => lan.destroy())
  const client = await clientOf(lan, scope)
  await lan.exec('client', ['ip', 'route', 'add', '192.168.60.0/22', 'dev', 'eth0'])
  for (const { name } of lan.nodes) await hold(lan, name, ADDRESSES)
  say(`${rounds} rounds; load ${loadavg()[0]?.toFixed(1)} when begun; ms`)
  row('', 'p50', 'p99', 'worst', 'lost', 'doubles', 'until', 'moved', 'within')
  for (const [name, part] of Object.entries(parts)) {
    if (wanted.length === 0 || wanted.includes(name)) await part(lan, client)
  }
}

async function counted(lan: Lan, client: Talk, count: number): Promise<void> {
  for (const redis of [true, false]) {
    const some = ADDRESSES.slice(0, count)
    const herald = await announcers(lan, some, scope)
    const place = { lan, client, address: some[0] ?? '' }
    await eventually(() => ownerOf(place), 60_000)
    if (!redis) await herald.redis.stop()
    const suffix = `${count} ${redis ? 'Redis' : 'alone'}`
    await pass(SETTLED_MS)
    const memory = lan.nodes.map(({ name }) => residentMiB(herald.pid(name)).toFixed(0))
    say(`memory of the announcers: ${memory.join(', ')} MiB`)
    await rows(faultsOf(lan, herald), place, suffix)
    await herald.close()
  }
}

async function rows(faults: readonly Fault[], place: Place, suffix: string): Promise<void> {
  for (const fault of faults) {
    const name = `${fault.name}, ${suffix}`
    await measure({ ...fault, name }, place, Number(rounds))
  }
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
  await rows(faultsOf(lan, herald), place, 'IPv6')
  await herald.close()
}

/** Each node has a second interface, named as it likes, on a LAN of the nodes alone; the address lives on the first. */
async function twoLans(lan: Lan, client: Talk): Promise<void> {
  const address = '192.168.50.200'
  const hub = await openNamespace('root')
  await sh(hub, 'ip link add br0 type bridge mcast_snooping 0; ip link set br0 up')
  for (const [index, { name }] of lan.nodes.entries()) {
    const peer = ['peer', 'name', name, 'netns', `${hub.pid}`]
    await lan.exec(name, ['ip', 'link', 'add', `storage${index}`, 'type', 'veth', ...peer])
    await lan.exec(name, ['ip', 'addr', 'add', `10.9.0.${index + 1}/24`, 'dev', `storage${index}`])
    await lan.exec(name, ['ip', 'link', 'set', `storage${index}`, 'up'])
    await sh(hub, `ip link set ${name} master br0 up`)
    await hold(lan, name, [address])
  }
  const herald = await announcers(lan, [address], scope)
  const place = { lan, client, address }
  await eventually(() => ownerOf(place), 60_000)
  const other = (state: string) => (node: string) => sh(hub, `ip link set ${node} ${state}`)
  const cable = faultsOf(lan, herald).slice(0, 1)
  const fault: Fault = { name: 'other cable', strike: other('down'), mend: other('up') }
  await rows([...cable, fault], place, '2 LANs')
  await herald.close()
  await hub.close()
}

/** A cluster of its own, since a drain asks the allocator. */
async function drain(): Promise<void> {
  const cluster = await lab(scope)
  const { lan, redis } = cluster
  await cluster.serve('drained')
  const place = {
    lan,
    client: await clientOf(lan, scope),
    address: await cluster.addressOf('drained'),
  }
  await eventually(() => ownerOf(place), 60_000)
  const run = commands(scope, redis.path)
  const fault: Fault = {
    name: 'drained',
    strike: node => run('drain', node),
    mend: node => run('undrain', node),
  }
  await rows([fault], place, '1 Redis')
}

async function addressless(lan: Lan, client: Talk): Promise<void> {
  const [address = ''] = ADDRESSES
  for (const { name } of lan.nodes) {
    await lan.exec(name, ['ip', 'addr', 'flush', 'dev', 'eth0'])
    await lan.exec(name, ['ip', 'route', 'add', `${lan.client.ipv4}/32`, 'dev', 'eth0'])
  }
  const herald = await announcers(lan, [address], scope)
  const place = { lan, client, address }
  await eventually(() => ownerOf(place), 60_000)
  await rows(faultsOf(lan, herald), place, 'no address')
  await herald.close()
}

/** The same priorities everywhere, and who has it keeps it: as Herald does. */
async function keepalived(lan: Lan, client: Talk): Promise<void> {
  if (!existsSync(KEEPALIVED)) {
    say('keepalived is not installed')
    return
  }
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
    await rows([fault], { lan, client, address }, 'keepalived')
  } finally {
    for (const stop of stops) stop.abort()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The node takes what is sent to these, as kube-proxy does for a Service. */
async function hold(lan: Lan, node: string, addresses: readonly string[]): Promise<void> {
  const input = addresses.map(address => `addr add ${address}/32 dev lo\n`).join('')
  await lan.exec(node, ['ip', '-batch', '-'], { input })
}
