import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { makeCertificates } from '../../certificates.ts'
import { Authority } from './authority.ts'
import { crdStrategy, serveCustomResources } from './custom-resources.ts'
import { defaultEvent, validateEvent } from './events.ts'
import { Counters, type FaultMatch, Faults, matches } from './faults.ts'
import { handle, type World } from './handle.ts'
import { keepNamespaces, namespaceStrategy } from './namespaces.ts'
import { ObjectAccess } from './object-access.ts'
import { Registry } from './registry.ts'
import { resourceOf } from './request.ts'
import { rememberCarriers } from './reset.ts'
import { serviceStrategy } from './services.ts'
import { Store } from './store.ts'
import type { Watch } from './watch.ts'
import { webhookStrategy } from './webhook-configurations.ts'
import { deploymentStrategy, endpointSliceStrategy, podStrategy } from './workloads.ts'

export interface ApiServerOptions {
  /** State directory: certificate authority, token and kubeconfig are written here. */
  readonly folder: string
  /** Address to listen on; 127.0.0.1 if not given. */
  readonly host?: string
  /** 0 or absent: any free port. */
  readonly port?: number
  /** Cluster's Service ranges, the first family is the default one. */
  readonly serviceCIDRs?: readonly string[]
  /** Whether tokens of ServiceAccounts are held to the stored roles; the admin token never is. */
  readonly rbac?: boolean
  /** How often watches that want bookmarks get one, in milliseconds; the real server's minute if not given. */
  readonly bookmarkIntervalMs?: number
  /** How many writes are remembered for watches and continue tokens. */
  readonly historyMax?: number
  /** Where resourceVersions begin: beyond all those of an earlier server, for clients that remember. 1 if not given. */
  readonly firstRevision?: number
}

export interface ApiServer {
  readonly url: string
  readonly kubeconfigPath: string
  /** cluster-admin's bearer token. */
  readonly token: string
  /** The certificate authority, PEM. */
  readonly ca: string
  readonly faults: Faults
  readonly counters: Counters
  /** Direct access for tests and in-process controllers, with the same rules as over HTTPS. */
  readonly store: ObjectAccess
  /** What the store is made of, for controllers that run beside it. */
  readonly registry: Registry
  /** A token of system:serviceaccount:<namespace>:<name>, and a kubeconfig that uses it. */
  issueToken(namespace: string, serviceAccount: string): { token: string; kubeconfigPath: string }
  /** Forgets all history: watches and lists that go on from before are told 410. */
  dropHistory(): void
  /** Holds the events of all watches, present and future, back until resumed. */
  pauseWatches(): void
  resumeWatches(): void
  /** Ends the open watches that match. */
  endWatches(how: 'close' | 'gone' | 'disconnect', match?: FaultMatch): void
  /** Stops listening and cuts every connection; the objects stay. */
  stop(): Promise<void>
  /** Listens again on the same port. */
  start(): Promise<void>
  close(): Promise<void>
}

const SERVICE_CIDRS = ['10.96.0.0/16', 'fd00:10:96::/112']
const BOOKMARK_INTERVAL_MS = 60_000
const HISTORY_MAX = 20_000

/**
 * A Kubernetes API server inside this process, for the sandbox and for tests: TLS, bearer tokens, objects in memory.
 * Plain node:https rather than a web framework: watches stream for as long as they last, and faults act on the socket.
 */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const host = options.host ?? '127.0.0.1'
  mkdirSync(options.folder, { recursive: true })
  const certificates = makeCertificates([
    ...new Set(['localhost', '127.0.0.1', '::1', host, 'kubernetes.default.svc']),
  ])
  const store = new Store(options.historyMax ?? HISTORY_MAX, options.firstRevision)
  const registry = new Registry(store)
  useStrategies(registry, options.serviceCIDRs ?? SERVICE_CIDRS)
  const stopNamespaces = keepNamespaces(registry, certificates.ca)
  furnishCluster(registry)

  const token = randomBytes(24).toString('base64url')
  const authority = new Authority(store, options.rbac ?? false, token)
  const watches = new Set<Watch>()
  const sockets = new Set<Socket>()
  const counters = new Counters()
  const faults = new Faults()
  let paused = false
  let port = options.port ?? 0
  const world: World = {
    registry,
    watches,
    bookmarkIntervalMs: options.bookmarkIntervalMs ?? BOOKMARK_INTERVAL_MS,
    paused: () => paused,
    authority,
    faults,
    counters,
    host: () => `${host}:${port}`,
  }
  const server = createServer(
    { cert: certificates.certificate, key: certificates.key, keepAliveTimeout: 180_000 },
    (request, response) => void handle(world, request, response),
  )
  server.on('connection', (socket: Socket) => {
    counters.connections++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('secureConnection', () => counters.handshakes++)
  rememberCarriers(server, sockets)

  const start = async () => {
    await listen(server, port, host)
    port = portOf(server)
  }
  const stop = () => closeServer(server, sockets)
  await furnished()
  await start()
  const url = `https://${host.includes(':') ? `[${host}]` : host}:${port}`
  const write = (name: string, bearer: string) =>
    writeKubeconfig(join(options.folder, name), url, certificates.ca, bearer)
  writeFileSync(join(options.folder, 'ca.crt'), certificates.ca)
  writeFileSync(join(options.folder, 'token'), token, { mode: 0o600 })

  return {
    url,
    kubeconfigPath: write('kubeconfig', token),
    token,
    ca: certificates.ca,
    faults,
    counters,
    store: new ObjectAccess(registry),
    registry,
    issueToken(namespace, serviceAccount) {
      const issued = authority.issueToken(namespace, serviceAccount)
      const kubeconfigPath = write(`kubeconfig-${namespace}-${serviceAccount}`, issued)
      return { token: issued, kubeconfigPath }
    },
    dropHistory: () => store.dropHistory(),
    pauseWatches() {
      paused = true
      for (const watch of watches) watch.pause()
    },
    resumeWatches() {
      paused = false
      for (const watch of watches) watch.resume()
    },
    endWatches(how, match) {
      for (const watch of [...watches]) {
        const seen = { verb: 'watch', resource: resourceOf(watch.info), user: watch.user }
        if (matches(match, seen)) watch.end(how)
      }
    },
    stop,
    start,
    async close() {
      stopNamespaces()
      await stop()
    },
  }
}

function useStrategies(registry: Registry, serviceCIDRs: readonly string[]): void {
  registry.use('services', serviceStrategy(registry.store, serviceCIDRs))
  registry.use('namespaces', namespaceStrategy)
  registry.use('events', {
    prepare: defaultEvent,
    validate: (next, old, used) => validateEvent(next, old, used.group === 'events.k8s.io'),
  })
  registry.use('deployments.apps', deploymentStrategy)
  registry.use('pods', podStrategy)
  registry.use('endpointslices.discovery.k8s.io', endpointSliceStrategy)
  registry.use('validatingwebhookconfigurations.admissionregistration.k8s.io', webhookStrategy)
  registry.use('customresourcedefinitions.apiextensions.k8s.io', crdStrategy)
  serveCustomResources(registry)
}

/** What every cluster has: four namespaces and the Service of the API server itself. */
function furnishCluster(registry: Registry): void {
  const { catalog } = registry
  for (const name of ['default', 'kube-node-lease', 'kube-public', 'kube-system']) {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
    registry.create(catalog.named('namespaces'), namespace)
  }
  registry.create(catalog.named('services'), {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'kubernetes',
      namespace: 'default',
      labels: { component: 'apiserver', provider: 'kubernetes' },
    },
    spec: { ports: [{ name: 'https', port: 443, targetPort: 6443, protocol: 'TCP' }] },
  })
}

/** Waits for what every new namespace gets: it is there before the first request. */
const furnished = () => new Promise(resolve => setImmediate(resolve))

function writeKubeconfig(path: string, server: string, ca: string, token: string): string {
  const certificate = Buffer.from(ca).toString('base64')
  const name = 'herald-sandbox'
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server, 'certificate-authority-data': certificate } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: 'default' } }],
  }
  writeFileSync(path, stringify(config, { lineWidth: 0 }), { mode: 0o600 })
  return path
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

function closeServer(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  if (!server.listening) return Promise.resolve()
  return new Promise(resolve => {
    server.close(() => resolve())
    for (const socket of sockets) socket.destroy()
  })
}
