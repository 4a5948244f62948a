/**
 * The way of one Service, without a person: a pool, a workload, a Service; the LAN finds its address, and loses it
 * again. Once with the ConfigMap of MetalLB 0.7, once with the objects of metallb.io. Every step says what was seen.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { Fault } from '../functions/model/fault.ts'
import type { UpConfig } from '../infra/config.ts'
import type { World } from '../infra/process.ts'
import { kubectlPath } from '../infra/sandbox/kubectl.ts'
import type { Lan } from '../infra/sandbox/lan/lan.ts'
import { type Outcome, runIn } from '../infra/sandbox/lan/namespace.ts'
import { EXAMPLES } from '../infra/sandbox/sandbox.ts'
import { startTogether } from './up.ts'

const ADDRESS = '192.168.50.211'
const LIMIT_MS = 30_000

/** Answers the exit code: 0 only if every step held. */
export async function runWalkthrough(world: World<UpConfig>): Promise<number> {
  const stateDir = mkdtempSync(join(tmpdir(), 'herald-walkthrough-'))
  const config = { ...world.config, stateDir, logLevel: 'error' as const }
  say('Herald starts: Redis, a Kubernetes API server, a LAN of three nodes and a client …')
  process.env.HERALD_LOG_LEVEL = 'error'
  const together = await startTogether({ ...world, config }, [])
  try {
    await together.untilReady(world.signal)
    const { sandbox } = together
    if (!sandbox?.lan) throw noLan(sandbox?.noLan ?? 'it serves a cluster')
    const stage = stageOf(sandbox.lan, await kubectlPath(), sandbox.kubeconfigPath, world.signal)
    say('\n━━ With the ConfigMap of MetalLB 0.7')
    await walk(stage, join(EXAMPLES, 'configmap.yaml'))
    say('\n━━ With IPAddressPool and L2Advertisement')
    await walk(stage, join(EXAMPLES, 'pool.yaml'))
    say('\nEverything held.')
    return 0
  } catch (error) {
    if (!(error instanceof Broken)) throw error
    say(`  ✗ ${error.message}\n\nThe walkthrough ends here: this step did not hold.`)
    return 1
  } finally {
    await together.stop()
    rmSync(stateDir, { recursive: true, force: true })
  }
}

async function walk({ kubectl, client, eventually, neighbour }: Stage, pool: string) {
  const nginx = join(EXAMPLES, 'nginx.yaml')
  step(`Nobody has ${ADDRESS} yet`)
  const silent = await client('ping', '-c', '1', '-W', '1', ADDRESS)
  hold(silent.code !== 0, `${ADDRESS} does not answer the client`)

  step('A pool of addresses')
  await kubectl('apply', '-f', pool)

  step('A workload, and a Service of type LoadBalancer')
  await kubectl('apply', '-f', nginx)
  const columns = 'jsonpath={.status.loadBalancer.ingress[0].ip}'
  const address = await eventually('EXTERNAL-IP', async () => {
    const { stdout } = await kubectl.quietly('get', 'svc', 'nginx', '-o', columns)
    return stdout || null
  })
  hold(address === ADDRESS, `EXTERNAL-IP is ${address}`)
  await kubectl('get', 'svc', '-o', 'wide')

  step('The client finds it')
  await eventually('an answer to ping', async () => {
    const { code } = await client.quietly('ping', '-c', '1', '-W', '1', ADDRESS)
    return code === 0 || null
  })
  const ping = await client('ping', '-c', '3', '-i', '0.2', ADDRESS)
  hold(/ 3 received, 0% packet loss/.test(ping.stdout), 'three pings, three answers')
  const owner = await neighbour()
  hold(owner !== null, `the ARP cache of the client says that ${owner} has it`)
  const page = await client('curl', '-s', '-m', '5', `http://${ADDRESS}`)
  hold(/Welcome to nginx!/.test(page.stdout), 'curl gets the page')

  step('A node and its NodePort answer too')
  const port = 'jsonpath={.spec.ports[0].nodePort}'
  const { stdout: nodePort } = await kubectl.quietly('get', 'svc', 'nginx', '-o', port)
  const direct = await client('curl', '-s', '-m', '5', `http://192.168.50.124:${nodePort}`)
  hold(/Welcome to nginx!/.test(direct.stdout), `192.168.50.124:${nodePort} gives the page`)

  step('Why: what Herald said of it')
  const about = 'involvedObject.name=nginx,involvedObject.kind=Service'
  const events = await kubectl('get', 'events', '--field-selector', about)
  hold(/IPAllocated/.test(events.stdout), 'the event IPAllocated is on the Service')

  step('The Service is deleted')
  await kubectl('delete', '-f', nginx)
  await eventually('silence', async () => {
    await client.quietly('ip', 'neigh', 'flush', 'all')
    return (await client.quietly('ping', '-c', '1', '-W', '1', ADDRESS)).code !== 0 || null
  })
  hold(true, `${ADDRESS} answers no more`)
  await kubectl('delete', '-f', pool)
}

/** Something did not hold; what has been printed says the rest. */
class Broken extends Error {}

type Run = ((...argv: string[]) => Promise<Outcome>) & {
  quietly(...argv: string[]): Promise<Outcome>
}

interface Stage {
  readonly kubectl: Run
  /** Runs a command as the client on the LAN. */
  readonly client: Run
  /** Waits until there is an answer. */
  eventually<T>(what: string, look: () => Promise<T | null>): Promise<T>
  /** Which node the client's ARP cache has for the address; null when none. */
  neighbour(): Promise<string | null>
}

function stageOf(lan: Lan, kubectl: string, kubeconfig: string, signal: AbortSignal): Stage {
  const kubectlArgv = [
    'env',
    `KUBECACHEDIR=${kubeconfig}.cache`,
    kubectl,
    '--kubeconfig',
    kubeconfig,
  ]
  const asClient = runner('client', argv => lan.exec('client', argv, { signal }))
  return {
    kubectl: runner('kubectl', async argv => {
      const outcome = await runIn({ enter: [] }, [...kubectlArgv, ...argv], { signal })
      if (outcome.code !== 0) throw new Broken(outcome.stderr.trim())
      return outcome
    }),
    client: asClient,
    async neighbour() {
      const { stdout } = await asClient('ip', 'neigh', 'show', ADDRESS)
      const mac = /lladdr (\S+)/.exec(stdout)?.[1]
      return lan.nodes.find(node => node.mac === mac)?.name ?? null
    },
    async eventually(what, look) {
      const end = performance.now() + LIMIT_MS
      while (performance.now() < end) {
        const seen = await look()
        if (seen !== null) return seen
        await after(100, undefined, { signal })
      }
      throw new Broken(`no ${what} within ${LIMIT_MS / 1000} s`)
    },
  }
}

function runner(who: string, run: (argv: readonly string[]) => Promise<Outcome>): Run {
  const aloud = async (...argv: string[]) => {
    say(`  ${who}$ ${argv.join(' ')}`)
    const outcome = await run(argv)
    for (const line of outcome.stdout.trimEnd().split('\n')) if (line) say(`      ${line}`)
    return outcome
  }
  return Object.assign(aloud, { quietly: (...argv: string[]) => run(argv) })
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

function step(title: string): void {
  say(`\n▶ ${title}`)
}

function hold(held: boolean, what: string): void {
  if (!held) throw new Broken(`expected that ${what}`)
  say(`  ✓ ${what}`)
}

function noLan(why: string): Fault {
  return new Fault('NoLan', {
    what: 'The walkthrough needs a LAN, and there is none',
    why,
    remedy: 'Run it as root on Linux, with iproute2 installed',
  })
}
