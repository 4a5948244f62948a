/**
 * The command line: settings in, one process out. Signals, exit codes and the last word about a crash
 * are here; everything else is in the process that was asked for, which alone is loaded.
 */
import { readFileSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import { Fault } from '../functions/model/fault.ts'
import { SETTINGS, type Setting, type SettingName } from '../infra/config/settings.ts'
import {
  HEALTH_FALLBACK,
  hasRedis,
  type ProcessName,
  readConfig,
  SETTINGS_OF,
  type UpConfig,
} from '../infra/config.ts'
import { serveHealth } from '../infra/health.ts'
import { type Logger, openLog } from '../infra/log.ts'
import { openMetrics } from '../infra/metrics/metrics.ts'
import type { Checks, Running, World } from '../infra/process.ts'

const EXIT = { ok: 0, fault: 1, usage: 2 } as const
const STOP_LIMIT_MS = 5000

const EXIT_CODES = `
Exit codes: 0 done, or stopped when asked to; 1 a fault; 2 wrong usage or settings.
Every option can also be given as a variable: --log-level as HERALD_LOG_LEVEL. The option wins.`

/** What `--help` says of each command, and how it is started. */
const COMMANDS: readonly {
  readonly name: ProcessName
  readonly summary: string
  readonly about: string
  readonly argument?: string
  start(config: UpConfig, rest: readonly string[]): Promise<number>
}[] = [
  {
    name: 'up',
    summary: 'everything in one command, with a Redis of its own; without a cluster, a sandbox',
    about: `Starts watcher, allocator and announcer together.

Needs: nothing. Without --redis-url it starts a private redis-server in the state directory;
without --kubeconfig, and outside a pod, it makes a sandbox: a small Kubernetes API server and
a LAN of three nodes and a client (as root, or in a user namespace of its own).

Example: herald up
Example: herald up --kubeconfig ~/.kube/config --node-name node-a`,
    start: config => serve(config, async world => (await import('./up.ts')).runUp(world)),
  },
  {
    name: 'watcher',
    summary: 'reads Kubernetes, rings the allocators, writes statuses and events',
    about: `Lists and watches Services, EndpointSlices, Nodes, Namespaces and the configuration, keeps
what matters in Redis, and writes addresses and events back. Run two; both are active.

Needs: Redis, and the rights of infra/deploy/rbac.yaml on the API server.

Example: herald watcher --redis-url redis://redis:6379`,
    start: config =>
      serve(withRedis(config), async world => (await import('./watcher.ts')).runWatcher(world)),
  },
  {
    name: 'allocator',
    summary: 'decides which address a Service gets and which node announces it',
    about: `Answers the queues "allocate" and "place". Run as many as you like.

Needs: Redis, nothing else.

Example: herald allocator --redis-url redis://redis:6379 --concurrency 32`,
    start: config =>
      serve(withRedis(config), async world => (await import('./allocator.ts')).runAllocator(world)),
  },
  {
    name: 'announcer',
    summary: 'answers ARP and NDP for the addresses placed on its node',
    about: `Run one on each node, in the network of the host.

Needs: Redis, and the capability NET_RAW. No Kubernetes credentials.

Example: herald announcer --redis-url redis://redis:6379 --node-name node-a`,
    start: config =>
      serve(withRedis(config), async world => (await import('./announcer.ts')).runAnnouncer(world)),
  },
  {
    name: 'console',
    summary: 'shows pools, Services, nodes, history and queues in a browser',
    about: `One page that shows what lies in Redis as it changes, and the queues under /queues. Everybody
who reaches it may read; to act upon queues takes the admin token.

Needs: Redis, nothing else.

Example: herald console --redis-url redis://redis:6379`,
    start: config =>
      serve(withRedis(config), async world => (await import('./console.ts')).runConsole(world)),
  },
  {
    name: 'client',
    summary: 'runs a command as the client on the LAN of the sandbox',
    about: `Needs: a sandbox that is up ("herald up" in another terminal, same --state-dir).

Example: herald client curl http://192.168.50.211`,
    argument: '<command...>',
    start: (config, argv) =>
      perform(config, async world => (await import('./sandboxed.ts')).runClient(world, argv)),
  },
  {
    name: 'kubectl',
    summary: 'runs kubectl against the API server of the sandbox',
    about: `Needs: a sandbox that is up ("herald up" in another terminal, same --state-dir).

Example: herald kubectl get svc -o wide`,
    argument: '<arguments...>',
    start: (config, argv) =>
      perform(config, async world => (await import('./sandboxed.ts')).runKubectl(world, argv)),
  },
  {
    name: 'explain',
    summary: 'says why a Service, an address or a pool is as it is',
    about: `What a Service has or lacks, and why: each pool that was considered, who holds what it asks
for, which node announces it. "service <namespace>/<name>", "address <ip>" or "pool <name>".

Needs: Redis; without --redis-url that of the "herald up" that runs.

Example: herald explain service default/nginx
Example: herald explain address 192.168.50.211 -o json`,
    argument: '<kind> <name>',
    start: (config, [kind = '', name = '']) =>
      perform(config, async world => (await import('./explain.ts')).runExplain(world, kind, name)),
  },
  {
    name: 'history',
    summary: 'who held which address, when and why; newest last',
    about: `Of everything, or of one address or one Service ("<namespace>/<name>").

Needs: Redis; without --redis-url that of the "herald up" that runs.

Example: herald history 192.168.50.211`,
    argument: '[subject]',
    start: (config, [subject]) =>
      perform(config, async world => (await import('./explain.ts')).runHistory(world, subject)),
  },
  {
    name: 'get',
    summary: 'lists services, addresses, pools, nodes or queues',
    about: `All of a kind, or the one that is named; with -w it goes on and shows what changes.

Needs: Redis; without --redis-url that of the "herald up" that runs.

Example: herald get services
Example: herald get address 192.168.50.211 -o yaml
Example: herald get queues -w`,
    argument: '<kind> [name]',
    start: (config, [kind = '', name]) =>
      perform(config, async world => (await import('./get.ts')).runGet(world, kind, name)),
  },
  {
    name: 'top',
    summary: 'queues, nodes and pools, live on a terminal',
    about: `Shows them anew every second until Ctrl-C; once, when it is not written to a terminal.

Needs: Redis; without --redis-url that of the "herald up" that runs.

Example: herald top`,
    start: config => perform(config, async world => (await import('./get.ts')).runTop(world)),
  },
  {
    name: 'reserve',
    summary: 'keeps an address for one Service, whether it is there yet or not',
    about: `Nobody else gets the address, and the Service gets it before any other. It may hold it
already; the reservation outlives that, and an empty Redis too.

Needs: Redis; without --redis-url that of the "herald up" that runs.

Example: herald reserve 192.168.50.211 --service default/nginx
Example: herald reserve 192.168.50.211 --service default/nginx --for forever`,
    argument: '<address>',
    start: (config, [address = '']) =>
      perform(config, async world => (await import('./reserve.ts')).runReserve(world, address)),
  },
  {
    name: 'release',
    summary: 'ends the reservation of an address',
    about: `Whether it was reserved by hand or by the annotation herald.io/reserve of a Service that is
gone. Who holds the address keeps it.

Needs: Redis; without --redis-url that of the "herald up" that runs.

Example: herald release 192.168.50.211`,
    argument: '<address>',
    start: (config, [address = '']) =>
      perform(config, async world => (await import('./reserve.ts')).runRelease(world, address)),
  },
  {
    name: 'secrets',
    summary: 'makes the Secrets of an installation where they are missing',
    about: `The password of the Redis that comes with it (herald-redis), and the key of the beats
(herald-beat), in --namespace. What is there stays as it is and is not read.

Needs: the right to create Secrets there, nothing else.

Example: herald secrets --namespace metallb-system`,
    start: config =>
      perform(config, async world => (await import('./secrets.ts')).runSecrets(world)),
  },
  {
    name: 'migrate',
    summary: 'says what would change on moving over from MetalLB; converts its old ConfigMap',
    about: `"check" reads a cluster, writes nothing, and says which Services would not keep what they have,
and what of the configuration Herald would refuse or does not serve; exit code 3 when there is any.
"configmap <file>" prints the objects that mean the same as a ConfigMap of MetalLB 0.7 to 0.12.

Needs: the right to list Services, Nodes, Namespaces, Pods and the configuration; or a file.

Example: herald migrate check --kubeconfig ~/.kube/config
Example: herald migrate configmap config.yaml | kubectl apply -f -`,
    argument: '<what> [file]',
    start: (config, [what = '', file]) =>
      perform(config, async world => (await import('./migrate.ts')).runMigrate(world, what, file)),
  },
  {
    name: 'walkthrough',
    summary: 'shows the way of one Service, step by step, in a sandbox of its own',
    about: `Applies a pool and a Service, asks the LAN, deletes them again; prints each step and what
was seen. Exit code 0 only if all of it held.

Needs: root, or user namespaces.

Example: herald walkthrough`,
    // It speaks for itself; only what goes wrong is to come in between.
    start: config =>
      perform({ ...config, logLevel: 'error', console: null }, async world =>
        (await import('./walkthrough.ts')).runWalkthrough(world),
      ),
  },
]

process.exitCode = await main()

async function main(): Promise<number> {
  const program = new Command('herald')
    .description('Addresses for Kubernetes Services of type LoadBalancer, and the LAN finds them.')
    .version(version())
    .enablePositionalOptions()
    .addHelpText('after', EXIT_CODES)
    .exitOverride()
  let code: number = EXIT.ok
  for (const command of COMMANDS) {
    const sub = program
      .command(command.name)
      .summary(command.summary)
      .description(command.about)
      .addHelpText('after', EXIT_CODES)
      .showHelpAfterError(`"herald ${command.name} --help" explains the options`)
      .exitOverride()
    for (const option of optionsOf(command.name)) sub.addOption(option)
    if (command.argument) sub.arguments(command.argument)
    if (command.argument?.endsWith('...>')) sub.passThroughOptions()
    sub.action(async (...given: unknown[]) => {
      const rest = given.slice(0, -2).flat() as string[] // then options and the command itself
      const flags = textOf(sub.opts())
      const config = readConfig(command.name, { flags, environment: process.env })
      if (command.name === 'up') passOn(flags)
      code = await command.start(config, rest)
    })
  }
  try {
    await program.parseAsync()
  } catch (error) {
    return lastWord(error)
  }
  return code
}

function optionsOf(name: ProcessName): Option[] {
  return SETTINGS_OF[name].flatMap(key => {
    const setting: Setting<unknown> = SETTINGS[key]
    if (!setting.flag) return []
    const fallback = key === 'healthAddress' ? HEALTH_FALLBACK[name] : setting.fallback
    const note = fallback === null ? '' : ` (default: ${fallback})`
    return [new Option(setting.flag, `${setting.help}${note} [${setting.variables.join(', ')}]`)]
  })
}

/** A flag without a value is "true", as its variable would be. */
function textOf(options: Readonly<Record<string, string | true>>): Record<string, string> {
  return Object.fromEntries(Object.entries(options).map(([key, given]) => [key, `${given}`]))
}

/** What `up` was given as a flag, the processes that it starts get as a variable. */
function passOn(flags: Readonly<Record<string, string>>): void {
  for (const [key, text] of Object.entries(flags)) {
    const setting: Setting<unknown> | undefined = SETTINGS[key as SettingName]
    const [variable] = setting?.variables ?? []
    if (variable) process.env[variable] = text
  }
}

/** Runs a command that ends by itself, and answers its exit code. */
async function perform(
  config: UpConfig,
  command: (world: World<UpConfig>) => Promise<number>,
): Promise<number> {
  const log = openLog({ level: config.logLevel, process: config.process, to: 2 })
  const stopping = stopSignal(log)
  const metrics = openMetrics(log)
  return command({ config, log, metrics, signal: stopping, waitingFor: () => {} })
}

/** Runs a process until it is asked to stop. */
async function serve<C extends UpConfig>(
  config: C,
  start: (world: World<C>) => Promise<Running>,
): Promise<number> {
  const log = openLog({ level: config.logLevel, process: config.process })
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.on(event, (error: unknown) => {
      log.error({ error }, 'a bug: please report this with the lines before it')
      process.exit(EXIT.fault)
    })
  }
  const stopping = stopSignal(log)
  const metrics = openMetrics(log)
  let running: Running | null = null
  let waiting = 'starting'
  const starting = (): Checks => ({ started: waiting })
  const health =
    config.health &&
    (await serveHealth(
      config.health,
      {
        ready: () => (running ? running.ready() : starting()),
        alive: () => (running ? running.alive() : {}),
      },
      metrics,
    ))
  if (health) log.info({ port: health.port }, 'answering /healthz, /readyz and /metrics')
  // "up" asks the processes that it has started; a process whose parent has gone, goes.
  process.on('message', async question => {
    const checks = () => (running ? running.ready() : starting())
    process.send?.(await (question === 'metrics?' ? metrics.scrape() : checks()))
  })
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))

  const waitingFor = (what: string) => {
    waiting = what
  }
  const stopped = new Promise(resolve => stopping.addEventListener('abort', resolve))
  try {
    const started = start({ config, log, metrics, signal: stopping, waitingFor })
    running = await Promise.race([started, stopped.then(() => null)])
    if (!running)
      return await inTime(
        log,
        started.then(late => late.stop()).catch(() => {}),
      )
    log.info({}, 'started')
    await stopped
    return await inTime(log, running.stop())
  } catch (error) {
    if (stopping.aborted) return EXIT.ok
    log.error({ error }, 'cannot go on')
    return exitCode(error)
  } finally {
    health?.close()
    setImmediate(() => process.exit()) // whatever still holds the event loop
  }
}

/** Aborts on the first SIGTERM or SIGINT; the second one ends the process at once. */
function stopSignal(log: Logger): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(EXIT.fault)
      log.info({ signal }, 'stopping')
      controller.abort()
    })
  }
  return controller.signal
}

async function inTime(log: Logger, stopped: Promise<void>): Promise<number> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>(resolve => {
    timer = setTimeout(() => resolve('late'), STOP_LIMIT_MS)
  })
  const outcome = await Promise.race([stopped, late])
  clearTimeout(timer)
  if (outcome === 'late') log.warn({ limitMs: STOP_LIMIT_MS }, 'not stopped in time, ended anyway')
  else log.info({}, 'stopped')
  return EXIT.ok
}

/** Only `up` may come without a Redis; readConfig has seen to it. */
function withRedis(config: UpConfig) {
  if (hasRedis(config)) return config
  throw new Error(`${config.process} was let through without a Redis`)
}

function lastWord(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof Fault) process.stderr.write(`${error.message}\n`)
  else process.stderr.write(`A bug: ${error instanceof Error ? error.stack : error}\n`)
  return exitCode(error)
}

function exitCode(error: unknown): number {
  return error instanceof Fault && /^(Config|Health)/.test(error.code) ? EXIT.usage : EXIT.fault
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
