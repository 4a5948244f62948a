/** A whole cluster for one test file: the sandbox with its LAN, a Redis of its own, and Herald's processes as they are. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Child } from '../../infra/child.ts'
import type { ApiServer } from '../../infra/sandbox/apiserver/server.ts'
import type { Lan } from '../../infra/sandbox/lan/lan.ts'
import { EXAMPLES, openSandbox } from '../../infra/sandbox/sandbox.ts'
import { type CrewOptions, crew, type Member, relieve } from './crew.ts'
import { eventually } from './eventually.ts'
import { kubectl, kubectlApply } from './kubectl.ts'
import { keptLog } from './log.ts'
import { type PrivateRedis, privateRedis } from './redis.ts'
import type { Scope } from './undo.ts'

export interface Lab {
  readonly api: ApiServer
  readonly lan: Lan
  readonly redis: PrivateRedis
  readonly children: readonly Child[]
  /** By name: "watcher", "allocator", and each node's announcer under the name of the node. */
  process(name: string): Child
  /** That process ends as planned, and the same one of this version takes its place; path of its `herald.mjs`. */
  replace(name: string, program: string): Promise<void>
  kubectl(...args: string[]): Promise<string>
  /** `kubectl apply` of a manifest. */
  apply(manifest: string): Promise<unknown>
  /** Creates a Deployment of one Pod a node and a Service of type LoadBalancer in front of it. */
  serve(name: string): Promise<void>
  /** Waits for its address. */
  addressOf(service: string): Promise<string>
  /** The names of the nodes that answer an ARP request of the client, each once; empty: nobody does. */
  answerers(address: string): Promise<string[]>
}

export interface LabOptions extends Pick<CrewOptions, 'onLine'> {
  /** What the cluster is furnished with: paths. Default: the example's pool. */
  readonly manifests?: readonly string[]
  /** Beside the announcers. Default: one watcher and one allocator. */
  readonly members?: readonly Member[]
  /** The `herald.mjs` that all of them begin as. Default: ours. */
  readonly program?: string
}

/** What it started ends in reverse: give it `undoing(t)`. */
export async function lab(t: Scope, options: LabOptions = {}): Promise<Lab> {
  const folder = mkdtempSync(join(tmpdir(), 'herald-lab-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const redis = await privateRedis(t, { appendonly: true })
  const { manifests = [join(EXAMPLES, 'pool.yaml')], program } = options
  const sandbox = await openSandbox({ folder, log: keptLog(), manifests })
  t.after(() => sandbox.close())
  const { api, lan, kubeconfigPath, watcherKubeconfigPath } = sandbox
  if (!lan) throw new Error(`no LAN: ${sandbox.noLan}`)
  const members: readonly Member[] = [
    ...(options.members ?? [{ command: 'watcher' }, { command: 'allocator' }]),
    ...lan.nodes.map(({ name }) => {
      return { command: 'announcer', name, enter: lan.enter(name) } as const
    }),
  ]
  const { onLine } = options
  const world = {
    ...{ folder, redisUrl: redis.path, kubeconfig: watcherKubeconfigPath },
    ...(onLine && { onLine }),
  }
  const begun = members.map(member => ({ ...member, ...(program && { program }) }))
  const children = await crew(t, begun, world)

  const asAdmin = (...args: string[]) => kubectl(kubeconfigPath, ...args)
  return {
    api,
    lan,
    redis,
    children,
    async replace(name, program) {
      const member = members.find(one => (one.name ?? one.command) === name)
      if (!member) throw new Error(`no process is called ${name}`)
      await relieve(children, { ...member, program }, world)
    },
    process(name) {
      const found = children.find(child => child.name === name)
      if (!found) throw new Error(`no process is called ${name}`)
      return found
    },
    kubectl: asAdmin,
    apply: manifest => kubectlApply(kubeconfigPath, manifest),
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
