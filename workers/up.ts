/**
 * Everything under one command: Redis where none is given, a sandbox where no cluster is, and watcher, allocator and
 * announcers as processes of their own, exactly as a cluster runs them.
 */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Child, dyingWithParent, keepRunning } from '../infra/child.ts'
import { type RedisConfig, socketConfig } from '../infra/config/redis.ts'
import type { Listen } from '../infra/config/setting.ts'
import type { UpConfig } from '../infra/config.ts'
import { addressText, freeAddress, urlOf } from '../infra/console/server.ts'
import { type Logger, relayLog } from '../infra/log.ts'
import type { Checks, Running, World } from '../infra/process.ts'
import { relayRedis } from '../infra/redis/relay.ts'
import { startRedis } from '../infra/redis/server.ts'
import { openLinkInWords } from '../infra/sandbox/link-in-words.ts'
import { EXAMPLES, openSandbox, type Sandbox } from '../infra/sandbox/sandbox.ts'
import { holdStateDir } from '../infra/state-dir.ts'
import { runAnnouncer } from './announcer.ts'

/** The command that we are, built or not. */
const HERALD = process.argv[1] ?? ''
const IN_POD = '/var/run/secrets/kubernetes.io/serviceaccount/token'
const LOOK_EVERY_MS = 200

export async function runUp(world: World<UpConfig>): Promise<Running> {
  const { config, signal } = world
  const together = await startTogether(world, [join(EXAMPLES, 'pool.yaml')])
  world.waitingFor('its processes')
  await together.untilReady(signal)
  if (!signal.aborted) process.stderr.write(welcome(together, config.stateDir))
  return { ready: together.ready, alive: () => ({}), stop: together.stop }
}

export interface Together {
  /** Null when a real cluster is served. */
  readonly sandbox: Sandbox | null
  /** Where the console is served; null: nowhere. */
  readonly console: Listen | null
  /** One check a process: null, or what it still lacks. */
  ready(): Promise<Checks>
  /** Returns when every check holds, or the signal is given. */
  untilReady(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

/** The manifests are for the sandbox. What was started is stopped again when something cannot be started. */
export async function startTogether(
  world: World<UpConfig>,
  manifests: readonly string[],
): Promise<Together> {
  const { config, log, waitingFor } = world
  const stateDir = resolve(config.stateDir)
  const undo: (() => unknown)[] = []
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const held = holdStateDir(stateDir)
    undo.push(() => held.release())
    waitingFor('Redis')
    const redis = await redisFor(config, stateDir, log, undo)
    waitingFor('the sandbox')
    const sandbox = isCluster(config) ? null : await sandboxIn(stateDir, log, manifests)
    held.say(joining(redis.config, sandbox))
    if (sandbox) undo.push(() => sandbox.close())
    const environment = {
      ...redis.environment,
      ...(sandbox ? await reachSandbox(config, sandbox, undo) : {}),
    }
    const console = config.console && (await freeAddress(config.console))
    const children = [...membersOf(config, sandbox), ...consoleAt(console)].map(member =>
      runMember(member, environment, log),
    )
    undo.push(() => Promise.all(children.map(child => child.stop())))
    if (sandbox && !sandbox.lan) await announceInWords(world, redis.config, sandbox, undo)
    const ready = async () => checksOf(children)
    return { sandbox, console, ready, stop, untilReady: signal => untilReady(ready, signal) }
  } catch (error) {
    await stop()
    throw error
  }
}

/** $KUBECONFIG is no order: nobody's cluster is served because a shell happens to know of it. */
const isCluster = ({ kubeconfig }: UpConfig) => kubeconfig !== null || isReadable(IN_POD)

function isReadable(path: string): boolean {
  try {
    return readFileSync(path).length > 0
  } catch {
    return false
  }
}

type Environment = Readonly<Record<string, string>>

/** Our own variables reach the processes by themselves; here is what they do not know. */
async function redisFor(
  config: UpConfig,
  stateDir: string,
  log: Logger,
  undo: (() => unknown)[],
): Promise<{ environment: Environment; config: RedisConfig }> {
  if (config.redis) return { environment: {}, config: config.redis }
  log.info({}, 'starting a private redis-server')
  const redis = await startRedis(join(stateDir, 'redis'), log)
  undo.push(() => redis.stop())
  return { environment: { HERALD_REDIS_URL: redis.url }, config: socketConfig(redis.path) }
}

/** What other commands need to join in. */
function joining(redis: RedisConfig, sandbox: Sandbox | null) {
  const [endpoint] = redis.endpoints
  return {
    ...(endpoint && 'path' in endpoint ? { redis: `unix://${endpoint.path}` } : {}),
    ...(sandbox ? { kubeconfig: sandbox.kubeconfigPath } : {}),
    ...(sandbox?.lan ? { client: sandbox.lan.enter('client') } : {}),
  }
}

async function sandboxIn(stateDir: string, log: Logger, manifests: readonly string[]) {
  log.info({}, 'making a sandbox: an API server and a LAN of three nodes and a client')
  const folder = join(stateDir, 'sandbox')
  const sandbox = await openSandbox({ folder, log, manifests })
  if (sandbox.noLan !== null) log.warn({ reason: sandbox.noLan }, 'the sandbox has no LAN')
  return sandbox
}

async function reachSandbox(
  { redis }: UpConfig,
  { watcherKubeconfigPath, lan }: Sandbox,
  undo: (() => unknown)[],
): Promise<Environment> {
  const environment = {
    HERALD_KUBECONFIG: watcherKubeconfigPath,
    HERALD_CONTEXT: '',
    HERALD_WEBHOOK: '127.0.0.1:0', // where the API server of the sandbox is
    HERALD_WEBHOOK_HOST: '127.0.0.1',
  }
  if (!redis || !lan) return environment
  const relay = await relayRedis(redis)
  undo.push(() => relay.close())
  const user = redis.username ? `${encodeURIComponent(redis.username)}@` : ''
  return {
    ...environment,
    ...(redis.password === null ? {} : { HERALD_REDIS_PASSWORD: redis.password }),
    HERALD_REDIS_URL: `unix://${user}${relay.path}`,
  }
}

/** Without a LAN the announcers of the sandbox say what they would announce. */
async function announceInWords(
  { config, log, metrics }: World<UpConfig>,
  redis: RedisConfig,
  { nodes }: Sandbox,
  undo: (() => unknown)[],
): Promise<void> {
  for (const host of nodes) {
    const node = {
      config: { ...config, redis, nodeName: host.name },
      log: log.child({ node: host.name }),
      metrics,
      signal: new AbortController().signal,
      waitingFor() {},
    }
    const running = await runAnnouncer(node, options => openLinkInWords(host, options))
    undo.push(() => running.stop())
  }
}

/** One process to be run. */
interface Member {
  readonly name: string
  readonly command: 'watcher' | 'allocator' | 'announcer' | 'console'
  /** Put before the command. */
  readonly enter: readonly string[]
  readonly environment: Environment
}

function membersOf(config: UpConfig, sandbox: Sandbox | null): Member[] {
  const some = (command: 'watcher' | 'allocator', count: number): Member[] =>
    Array.from({ length: count }, (_, index) => ({
      name: count === 1 ? command : `${command}-${index + 1}`,
      command,
      enter: [],
      environment: {},
    }))
  const announcer = (node: string, enter: readonly string[]): Member => ({
    name: `announcer ${node}`,
    command: 'announcer',
    enter,
    environment: {
      HERALD_NODE_NAME: node,
      HERALD_STATE_DIR: join(resolve(config.stateDir), 'nodes', node),
    },
  })
  const announcers = sandbox
    ? (sandbox.lan?.nodes ?? []).map(({ name }) => announcer(name, sandbox.lan?.enter(name) ?? []))
    : [announcer(config.nodeName, [])]
  return [
    ...announcers,
    ...some('watcher', config.watchers),
    ...some('allocator', config.allocators),
  ]
}

function consoleAt(listen: Listen | null): Member[] {
  if (!listen) return []
  const environment = { HERALD_CONSOLE_ADDRESS: addressText(listen) }
  return [{ name: 'console', command: 'console', enter: [], environment }]
}

function runMember({ name, command, enter, ...member }: Member, common: Environment, log: Logger) {
  return keepRunning({
    name,
    argv: [
      ...enter,
      ...dyingWithParent('TERM'),
      process.execPath,
      ...process.execArgv,
      HERALD,
      command,
    ],
    environment: { ...common, ...member.environment, HERALD_HEALTH_ADDRESS: 'off' },
    log,
    onLine: relayLog(),
    askable: true,
  })
}

/** By name of the process: null, or the first thing that it lacks. */
async function checksOf(children: readonly Child[]): Promise<Checks> {
  const entries = children.map(async child => {
    const checks = (await child.ask('ready?')) as Checks | null
    if (!checks) return [child.name, 'it does not answer'] as const
    const [lack] = Object.entries(checks).filter(([, reason]) => reason !== null)
    return [child.name, lack ? `${lack[0]}: ${lack[1]}` : null] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}

async function untilReady(ready: () => Promise<Checks>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    if (Object.values(await ready()).every(reason => reason === null)) return
    await new Promise(wake => setTimeout(wake, LOOK_EVERY_MS))
  }
}

function welcome({ sandbox, console }: Together, stateDir: string): string {
  const look = console ? `console:    ${urlOf(console)}` : 'console:    off'
  if (!sandbox) return `\nHerald is up and serves your cluster. Ctrl-C stops it.\n${look}\n\n`
  const { lan, noLan } = sandbox
  const hosts = [...(lan?.nodes ?? []), ...(lan ? [lan.client] : [])]
  const map = hosts.map(({ name, ipv4, mac }) => `    ${name.padEnd(8)} ${ipv4.padEnd(16)} ${mac}`)
  const ask = [
    'npm run herald -- client ping -c 3 192.168.50.211',
    'npm run herald -- client curl -s http://192.168.50.211',
  ]
  return [
    '',
    'Herald is up. Its sandbox is a Kubernetes API server and ' +
      (lan ? 'a LAN:' : `no LAN (${noLan}).`),
    ...map,
    '',
    look,
    `kubeconfig: ${sandbox.kubeconfigPath}`,
    'addresses:  192.168.50.211-192.168.50.220 (kubectl get ipaddresspools -A)',
    '',
    'Try, in another terminal:',
    '    npm run kubectl -- apply -f infra/sandbox/examples/nginx.yaml',
    '    npm run kubectl -- get svc -o wide',
    '    npm run herald -- explain service default/nginx',
    ...(lan ? ask.map(command => `    ${command}`) : []),
    '    npm run kubectl -- delete -f infra/sandbox/examples/nginx.yaml',
    ...(stateDir === '.herald' ? [] : [`(with HERALD_STATE_DIR=${stateDir})`]),
    'Ctrl-C stops it.',
    '',
    '',
  ].join('\n')
}
