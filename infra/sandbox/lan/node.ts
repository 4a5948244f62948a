/**
 * What runs on a node of the sandbox, inside its network namespace: the part of kube-proxy (IPVS mode) that binds Service
 * addresses on `lo`, and of an nginx that serves the page behind them.
 *
 * Each line on standard input is the whole desired state, a NodeState as JSON; each line on standard output says how
 * the last one went, a NodeReport. It ends when standard input does.
 */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { createInterface } from 'node:readline'
import { pageOf } from './page.ts'

export interface NodeState {
  /** Said by the pages. */
  readonly node: string
  /** Chosen by the sender, repeated in the report. */
  readonly revision: number
  /** To be bound on lo, each alone (/32, /128). */
  readonly addresses: readonly string[]
  readonly listeners: readonly NodeListener[]
}

/** TCP, where a web page answers. */
export interface NodeListener {
  /** One of the node's own addresses, or of `addresses`. */
  readonly address: string
  readonly port: number
  /** "namespace/name". */
  readonly service: string
  /** Who could answer behind the Service; requests go round. */
  readonly pods: readonly string[]
}

export interface NodeReport {
  readonly revision: number
  /** What could not be done, in words. */
  readonly faults: readonly string[]
}

interface Listening {
  readonly server: Server
  wanted: NodeListener
}

const listening = new Map<string, Listening>()

for await (const line of createInterface({ input: process.stdin })) {
  const state = JSON.parse(line) as NodeState
  const report: NodeReport = { revision: state.revision, faults: await reconcile(state) }
  process.stdout.write(`${JSON.stringify(report)}\n`)
}
process.exit()

async function reconcile(state: NodeState): Promise<string[]> {
  const wanted = new Map(state.listeners.map(listener => [keyOf(listener), listener]))
  const faults: string[] = []
  for (const [key, { server }] of listening) {
    if (wanted.has(key)) continue
    server.close()
    server.closeAllConnections()
    listening.delete(key)
  }
  bind(new Set(state.addresses), faults)
  for (const [key, listener] of wanted) {
    const present = listening.get(key)
    if (present) present.wanted = listener
    else await listen(key, state.node, listener, faults)
  }
  return faults
}

/** One `ip` for all of them: a thousand Services cost one process, not a thousand. */
function bind(wanted: ReadonlySet<string>, faults: string[]): void {
  const bound = addressesOnLo()
  const commands = [
    ...[...bound]
      .filter(address => !wanted.has(address))
      .map(address => `addr del ${only(address)}`),
    ...[...wanted]
      .filter(address => !bound.has(address))
      .map(address => `addr add ${only(address)}`),
  ]
  if (commands.length === 0) return
  try {
    execFileSync('ip', ['-force', '-batch', '-'], { input: commands.join('\n'), stdio: 'pipe' })
  } catch (error) {
    faults.push(error instanceof Error ? error.message.trim() : String(error))
  }
}

function only(address: string): string {
  return address.includes(':') ? `${address}/128 dev lo nodad` : `${address}/32 dev lo`
}

async function listen(key: string, node: string, wanted: NodeListener, faults: string[]) {
  const client = (address: string | undefined) => address?.replace('::ffff:', '') ?? 'someone'
  let served = 0
  const server = createServer((request, response) => {
    const { service, pods } = listening.get(key)?.wanted ?? wanted
    const pod = pods[served++ % pods.length] ?? 'none'
    const page = pageOf({ node, service, pod, client: client(request.socket.remoteAddress) })
    response.writeHead(200, { 'content-type': 'text/html', server: 'nginx (not really)' })
    response.end(request.method === 'HEAD' ? '' : page)
  })
  try {
    server.listen({ host: wanted.address, port: wanted.port })
    await once(server, 'listening')
    listening.set(key, { server, wanted })
  } catch (error) {
    faults.push(`${wanted.service} at ${key}: ${error instanceof Error ? error.message : error}`)
  }
}

/** What this process, or the one before it, bound there. */
function addressesOnLo(): Set<string> {
  const lines = execFileSync('ip', ['-o', 'addr', 'show', 'dev', 'lo'], { encoding: 'utf8' })
  const addresses = [...lines.matchAll(/ inet6? (\S+?)(?:\/\d+)? /g)].map(match => `${match[1]}`)
  return new Set(addresses.filter(address => address !== '127.0.0.1' && address !== '::1'))
}

function keyOf({ address, port }: NodeListener): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
