/**
 * How to reach the API server and who we are: from a kubeconfig, or from the service account of the pod.
 * Files, exec plugins and OIDC are read by @kubernetes/client-node; token and certificates are asked for anew
 * every 10 s (it keeps what is still valid), and from the start when the server says 401.
 */
import type { RequestOptions } from 'node:https'
import { KubeConfig } from '@kubernetes/client-node'
import { Fault } from '../../functions/model/fault.ts'

export interface CredentialsSource {
  /** Path; null: $KUBECONFIG, ~/.kube/config, or the pod's service account. */
  readonly kubeconfig: string | null
  /** Null: the current one. */
  readonly context: string | null
}

export interface Credentials {
  /** Address of the API server, which may have a path; without a slash at the end. */
  readonly server: string
  /** Headers and TLS material for the next request. Throws a Fault when they cannot be had. */
  current(): Promise<RequestOptions>
  /** Reads everything from its source again; what cannot be read now stays as it was. */
  renew(): void
}

const FRESH_MS = 10_000

export function openCredentials(source: CredentialsSource): Credentials {
  let config = load(source)
  let applied: { readonly options: Promise<RequestOptions>; readonly sinceMs: number } | null = null
  let renewedMs = Number.NEGATIVE_INFINITY
  return {
    server: serverOf(config, source),
    current() {
      const nowMs = performance.now()
      if (!applied || nowMs - applied.sinceMs > FRESH_MS) {
        applied = { options: apply(config, source), sinceMs: nowMs }
      }
      return applied.options
    },
    renew() {
      if (performance.now() - renewedMs < FRESH_MS) return
      renewedMs = performance.now()
      try {
        config = load(source)
        applied = null
      } catch {} // half written: the old one serves until the next 401
    },
  }
}

async function apply(config: KubeConfig, source: CredentialsSource): Promise<RequestOptions> {
  const options: RequestOptions = {}
  try {
    await config.applyToHTTPSOptions(options)
  } catch (cause) {
    throw new Fault('KubernetesCredentials', {
      what: `The credentials in ${nameOf(source)} cannot be used`,
      why: textOf(cause),
      remedy: 'See that "kubectl get services" works with the same kubeconfig on this machine',
      retry: true,
      cause,
    })
  }
  // The library's agent serves one request; ours keeps connections. Only its way through a proxy is needed.
  if (!config.getCurrentCluster()?.proxyUrl) delete options.agent
  return options
}

function load(source: CredentialsSource): KubeConfig {
  const config = new KubeConfig()
  try {
    if (source.kubeconfig !== null) config.loadFromFile(source.kubeconfig)
    else config.loadFromDefault()
  } catch (cause) {
    throw unusable(source, reasonOf(cause), cause)
  }
  if (source.kubeconfig === null && config.getCurrentContext() === NOTHING_FOUND) {
    throw new Fault('ConfigKubeconfig', {
      what: 'No API server is configured',
      why: 'there is no kubeconfig at $KUBECONFIG or ~/.kube/config, and this is not a pod',
      remedy: 'Give --kubeconfig the path of one',
    })
  }
  if (source.context !== null) config.setCurrentContext(source.context)
  checkContext(config, source)
  return config
}

/** The context that client-node invents when it finds no kubeconfig anywhere. */
const NOTHING_FOUND = 'loaded-context'

function checkContext(config: KubeConfig, source: CredentialsSource): void {
  const name: string | undefined = config.getCurrentContext()
  if (!name) throw unusable(source, 'it names no current-context')
  const context = config.getContextObject(name)
  if (!context) {
    const names = config.getContexts().map(one => one.name)
    const others = names.length > 0 ? `it has: ${names.join(', ')}` : 'it has none at all'
    throw new Fault('ConfigKubeconfig', {
      what: `There is no context "${name}" in ${nameOf(source)}`,
      why: others,
      remedy: 'Give --context one that is there',
    })
  }
  if (!config.getCurrentCluster()) {
    throw unusable(
      source,
      `its context "${name}" wants the cluster "${context.cluster}", which it lacks`,
    )
  }
  if (context.user && !config.getCurrentUser()) {
    throw unusable(source, `its context "${name}" wants the user "${context.user}", whom it lacks`)
  }
}

function serverOf(config: KubeConfig, source: CredentialsSource): string {
  const server = config.getCurrentCluster()?.server ?? ''
  if (!/^https?:\/\/[^/\s]+/.test(server) || !URL.canParse(server)) {
    throw unusable(source, `its server "${server}" is no address such as https://192.0.2.1:6443`)
  }
  return server.replace(/\/+$/, '')
}

function unusable(source: CredentialsSource, why: string, cause?: unknown): Fault {
  return new Fault('ConfigKubeconfig', {
    what: `${nameOf(source)} cannot be used`.replace(/^t/, 'T'),
    why,
    remedy: 'Give --kubeconfig the path of one with which kubectl works',
    cause,
  })
}

const nameOf = ({ kubeconfig }: CredentialsSource): string =>
  kubeconfig === null ? 'the default kubeconfig' : `the kubeconfig ${kubeconfig}`

function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : null
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EACCES') return 'it may not be read'
  if (code === 'EISDIR') return 'it is a directory'
  if (cause instanceof TypeError) return 'it is empty, or not a kubeconfig'
  return textOf(cause)
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
