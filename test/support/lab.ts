/** A whole cluster for one test file: the sandbox with its LAN, a Redis of its own, and Herald's processes as they are. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, dyingWithParent, keepRunning } from '../../infra/child.ts'
import type { Checks } from '../../infra/process.ts'
import type { Lan } from '../../infra/sandbox/lan/lan.ts'
import { EXAMPLES, openSandbox } from '../../infra/sandbox/sandbox.ts'
import { eventually } from './eventually.ts'
import { kubectl, kubectlApply } from './kubectl.ts'
import { keptLog } from './log.ts'
import { type PrivateRedis, privateRedis } from './redis.ts'
import type { Scope } from './undo.ts'

export interface Lab {
  readonly lan: Lan
  readonly redis: PrivateRedis
  /** By name: "watcher", "allocator", and each node's announcer under the name of the node. */
  process(name: string): Child
  kubectl(...args: string[]): Promise<string>
  /** Creates a Deployment of one Pod a node and a Service of type LoadBalancer in front of it. */
  serve(name: string): Promise<void>
  /** Waits for its address. */
  addressOf(service: string): Promise<string>
  /** The names of the nodes that answer an ARP request of the client, each once; empty: nobody does. */
  answerers(address: string): Promise<string[]>
}

const HERALD = fileURLToPath(new URL('../../workers/herald.mjs', import.meta.url))

/** What it started ends in reverse: give it `undoing(t)`. */
export async function lab(t: Scope): Promise<Lab> {
  const folder = mkdtempSync(join(tmpdir(), 'herald-lab-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const redis = await privateRedis(t, { appendonly: true })
  const manifests = [join(EXAMPLES, 'pool.yaml')]
  const sandbox = await openSandbox({ folder, log: keptLog(), manifests })
  t.after(() => sandbox.close())
  const { lan, kubeconfigPath, watcherKubeconfigPath } = sandbox
  if (!lan) throw new Error(`no LAN: ${sandbox.noLan}`)
  const run = (command: string, name = command, enter: readonly string[] = []) =>
    keepRunning({
      name,
      argv: [...enter, ...dyingWithParent('KILL'), process.execPath, HERALD, command],
      environment: {
        HERALD_REDIS_URL: redis.path,
        HERALD_KUBECONFIG: watcherKubeconfigPath,
        HERALD_NODE_NAME: name,
        HERALD_STATE_DIR: join(folder, name),
        HERALD_HEALTH_ADDRESS: 'off',
        HERALD_LOG_LEVEL: 'warn',
      },
      log: keptLog(),
      onLine: line => process.env.HERALD_TEST_LOG && console.error(line),
      askable: true,
    })
  const children = [
    run('watcher'),
    run('allocator'),
    ...lan.nodes.map(({ name }) => run('announcer', name, lan.enter(name))),
  ]
  t.after(() => Promise.all(children.map(child => child.stop())))
  await eventually(async () => {
    for (const child of children) {
      const checks = (await child.ask('ready?')) as Checks | null
      const lacks = Object.entries(checks ?? { answer: 'none' }).filter(([, why]) => why !== null)
      if (lacks.length > 0) throw new Error(`${child.name}: ${lacks.join('; ')}`)
    }
  }, 60_000)

  const asAdmin = (...args: string[]) => kubectl(kubeconfigPath, ...args)
  return {
    lan,
    redis,
    process(name) {
      const found = children.find(child => child.name === name)
      if (!found) throw new Error(`no process is called ${name}`)
      return found
    },
    kubectl: asAdmin,
    async serve(name) {
      const manifest = readFileSync(join(EXAMPLES, 'nginx.yaml'), 'utf8')
      const named = manifest.replaceAll(/\b(name|app): nginx$/gm, `$1: ${name}`)
      await kubectlApply(kubeconfigPath, named.replace('replicas: 2', 'replicas: 3'))
    },
    addressOf: service =>
      eventually(async () => {
        const path = 'jsonpath={.status.loadBalancer.ingress[0].ip}'
        const address = await asAdmin('get', 'svc', service, '-o', path)
        if (!address) throw new Error(`${service} has no address`)
        return address
      }, 30_000),
    async answerers(address) {
      const { stdout } = await lan.exec('client', arping(address))
      const macs = new Set([...stdout.matchAll(/\[([0-9A-Fa-f:]{17})\]/g)].map(([, mac]) => mac))
      return [...macs].map(mac => {
        const node = lan.nodes.find(one => one.mac.toUpperCase() === mac?.toUpperCase())
        return node?.name ?? `somebody at ${mac}`
      })
    },
  }
}

/** Broadcast every time: whoever would answer is asked. */
const arping = (address: string) => ['arping', '-b', '-c2', '-w2', '-I', 'eth0', address]
