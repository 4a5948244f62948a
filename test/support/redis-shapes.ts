/**
 * Redis as users run it: alone, behind TLS and a password, under three sentinels, as a cluster. Real servers on loopback,
 * described by the very settings that a user would write.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { makeCertificates } from '../../infra/certificates.ts'
import { dyingWithParent } from '../../infra/child.ts'
import type { Sources } from '../../infra/config.ts'
import { type Scope, undoing } from './undo.ts'
import { until } from './until.ts'

export interface Shape {
  /** What a user would give, as flags and variables. */
  readonly settings: Sources
  /** Kills -9 the server that holds the keys of {herald}. */
  killMaster(): Promise<void>
  /** From now on what that server is told is lost when it dies: its replica no longer follows. */
  readonly sever?: () => Promise<void>
}

/** Two passwords that differ, so that one in the place of the other is noticed. */
export const PASSWORD = 'of the server: p@ss/w%rd'
const SENTINEL_PASSWORD = 'of-the-sentinels'
const START_LIMIT_MS = 60_000

export async function plain(t: Scope): Promise<Shape> {
  const { folder, launch } = launcher(t)
  const path = join(folder, 'redis.sock')
  const kill = launch('plain', ['--port', '0', '--unixsocket', path])
  return { settings: { flags: { redisUrl: path }, environment: {} }, killMaster: kill }
}

/** The password in a file, the authority in another. */
export async function tls(t: Scope): Promise<Shape> {
  const { folder, launch } = launcher(t)
  const [port = 0] = await freePorts(1)
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
    return join(folder, name)
  }
  const { ca, certificate, key } = makeCertificates(['127.0.0.1', 'localhost'])
  const caFile = file('ca.crt', ca)
  const kill = launch('tls', [
    ...['--port', '0', '--tls-port', `${port}`, '--tls-auth-clients', 'no'],
    ...['--tls-cert-file', file('server.crt', certificate)],
    ...['--tls-key-file', file('server.key', key), '--tls-ca-cert-file', caFile],
    ...['--requirepass', PASSWORD],
  ])
  const flags = {
    redisUrl: `rediss://localhost:${port}`,
    redisCaFile: caFile,
    redisPasswordFile: file('password', `${PASSWORD}\n`),
  }
  return { settings: { flags, environment: {} }, killMaster: kill }
}

/** A master, its replica and three sentinels; two passwords. */
export async function sentinel(t: Scope): Promise<Shape> {
  const { folder, launch } = launcher(t)
  const [master = 0, replica = 0, ...sentinels] = await freePorts(5)
  const secrets = ['--requirepass', PASSWORD, '--masterauth', PASSWORD]
  const kill = launch('master', ['--port', `${master}`, ...secrets])
  launch('replica', ['--port', `${replica}`, '--replicaof', `127.0.0.1 ${master}`, ...secrets])
  await linked(t, replica)
  for (const port of sentinels) {
    const file = join(folder, `sentinel-${port}.conf`)
    writeFileSync(file, sentinelFile(port, master))
    launch(`sentinel-${port}`, [file, '--sentinel'])
  }
  for (const port of sentinels) await watched(t, port)
  const urls = sentinels.map(port => `redis://127.0.0.1:${port}`).join(',')
  const environment = {
    HERALD_REDIS_PASSWORD: PASSWORD,
    HERALD_REDIS_SENTINEL_PASSWORD: SENTINEL_PASSWORD,
  }
  const flags = { redisUrl: urls, redisMode: 'sentinel', redisSentinelName: 'herald-master' }
  return { settings: { flags, environment }, killMaster: kill, sever: severing(t, master, replica) }
}

/** Three masters, and a replica of the one that holds {herald}. */
export async function cluster(t: Scope): Promise<Shape> {
  const { launch } = launcher(t)
  const ports = await freePorts(4, BUS_DISTANCE)
  const kills = ports.map(port =>
    launch(`node-${port}`, [
      ...['--port', `${port}`, '--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'],
      ...['--cluster-replica-validity-factor', '0'],
      ...['--requirepass', PASSWORD, '--masterauth', PASSWORD],
    ]),
  )
  const holder = await form(t, ports)
  return {
    settings: {
      flags: { redisMode: 'cluster' },
      environment: {
        REDIS_URL: ports.map(port => `redis://127.0.0.1:${port}`).join(','),
        HERALD_REDIS_PASSWORD: PASSWORD,
      },
    },
    killMaster: async () => kills[holder]?.(),
    sever: severing(t, ports[holder] ?? 0, ports[3] ?? 0),
  }
}

/** Starts servers that end with the test, or with us. */
function launcher(t: Scope) {
  const undo = undoing(t)
  const folder = mkdtempSync(join(tmpdir(), 'herald-shape-'))
  undo.after(() => rmSync(folder, { recursive: true, force: true }))
  const launch = (name: string, args: readonly string[]) => {
    const home = join(folder, name)
    mkdirSync(home)
    const common = ['--save', '', '--appendonly', 'no', '--bind', '127.0.0.1', '--dir', home]
    const [file = '', ...rest] = [...dyingWithParent('KILL'), 'redis-server', ...args]
    const options = args.includes('--sentinel') ? rest : [...rest, ...common]
    const child = spawn(file, options, { stdio: 'ignore', cwd: home })
    const kill = () => killed(child)
    undo.after(kill)
    return kill
  }
  return { folder, launch }
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

function sentinelFile(port: number, master: number): string {
  return `port ${port}
bind 127.0.0.1
requirepass ${SENTINEL_PASSWORD}
sentinel monitor herald-master 127.0.0.1 ${master} 2
sentinel auth-pass herald-master "${PASSWORD}"
sentinel down-after-milliseconds herald-master 1500
sentinel failover-timeout herald-master 5000
`
}

/** Connections to one server, closed when the test ends; its answers while it starts are not errors. */
function ask(t: Scope, port: number, password: string): Redis {
  const redis = new Redis({
    ...{ host: '127.0.0.1', port, password },
    retryStrategy: () => 50,
    maxRetriesPerRequest: null,
    enableReadyCheck: false,
  })
  redis.on('error', () => {})
  t.after(() => redis.disconnect())
  return redis
}

async function linked(t: Scope, replica: number): Promise<void> {
  const redis = ask(t, replica, PASSWORD)
  await until(
    'the replica follows its master',
    async () => (await redis.info('replication')).includes('master_link_status:up'),
    START_LIMIT_MS,
  )
  redis.disconnect()
}

const severing = (t: Scope, master: number, replica: number) => async () => {
  const [follower, leader] = [ask(t, replica, PASSWORD), ask(t, master, PASSWORD)]
  await follower.config('SET', 'masterauth', 'wrong')
  await leader.call('CLIENT', 'KILL', 'TYPE', 'replica')
  for (const one of [follower, leader]) one.disconnect()
}

/** A sentinel could fail over: it sees the replica, and enough other sentinels. */
async function watched(t: Scope, port: number): Promise<void> {
  const redis = ask(t, port, SENTINEL_PASSWORD)
  const ok = async () => {
    const quorum = String(await redis.call('SENTINEL', 'CKQUORUM', 'herald-master'))
    const info = await redis.info('sentinel')
    return quorum.startsWith('OK 3') && /slaves=1,sentinels=3/.test(info)
  }
  await until('the sentinels know each other', () => ok().catch(() => false), START_LIMIT_MS)
  redis.disconnect()
}

const SLOTS = 16_384

/** Makes one cluster of these; answers the index of the master that holds {herald}. */
async function form(t: Scope, ports: readonly number[]): Promise<number> {
  const nodes = ports.map(port => ask(t, port, PASSWORD))
  const masters = nodes.slice(0, 3)
  for (const [index, node] of masters.entries()) {
    const [from, to] = [index, index + 1].map(n => Math.floor((n * SLOTS) / masters.length))
    const slots = Array.from({ length: SLOTS }, (_, slot) => slot)
    await node.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)
    await node.call('CLUSTER', 'ADDSLOTS', ...slots.slice(from, to))
  }
  for (const port of ports.slice(1)) await nodes[0]?.call('CLUSTER', 'MEET', '127.0.0.1', port)
  const everyone = async (line: string) => {
    const infos = await Promise.all(nodes.map(node => node.call('CLUSTER', 'INFO')))
    return infos.every(info => String(info).includes(line))
  }
  await until('all have met', () => everyone(`cluster_known_nodes:${nodes.length}`), START_LIMIT_MS)
  const slot = Number(await nodes[0]?.call('CLUSTER', 'KEYSLOT', '{herald}'))
  const holder = Math.floor((slot * masters.length) / SLOTS)
  const id = String(await nodes[holder]?.call('CLUSTER', 'MYID'))
  const [replica] = nodes.slice(3)
  await until(
    'the replica knows its master',
    async () => (await replica?.call('CLUSTER', 'REPLICATE', id).catch(() => '')) === 'OK',
    START_LIMIT_MS,
  )
  await linked(t, ports[3] ?? 0)
  await until('the cluster is whole', () => everyone('cluster_state:ok'), START_LIMIT_MS)
  for (const node of nodes) node.disconnect()
  return holder
}

/** The bus of a cluster node stands 10,000 above its port. */
export const BUS_DISTANCE = 10_000

/** Ports below those that the kernel gives to clients, free a moment ago, with their companions. */
export async function freePorts(count: number, companion = 0): Promise<number[]> {
  const found = new Set<number>()
  while (found.size < count) {
    const port = 10_000 + Math.floor(Math.random() * 12_000)
    if ((await isFree(port)) && (await isFree(port + companion))) found.add(port)
  }
  return [...found]
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
