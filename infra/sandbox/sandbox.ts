/**
 * A cluster that is none: the API server in this process, and where the kernel lets us, a LAN of three nodes and a client.
 * What it is furnished with goes the way of any user's manifest, over HTTPS and through the rules of the server.
 */
import { fileURLToPath, pathToFileURL } from 'node:url'
import { readCrds, readObjects, readRbac, readWebhook } from '../deploy/manifests.ts'
import { connectKubernetes, type KubernetesApi } from '../kubernetes/client.ts'
import type { Logger } from '../log.ts'
import type { ApiObject } from './apiserver/object.ts'
import { apiVersionOf } from './apiserver/resources.ts'
import { type ApiServer, startApiServer } from './apiserver/server.ts'
import { HOSTS, type LanHost } from './lan/hosts.ts'
import { createLan, type Lan, lanSupport } from './lan/lan.ts'
import { runNode } from './lan/node-process.ts'
import { runWorkloads } from './workloads/controller.ts'

export interface Sandbox {
  readonly api: ApiServer
  /** Of the administrator. */
  readonly kubeconfigPath: string
  /** Of the service account herald-watcher, which may do what infra/deploy/rbac.yaml says and nothing else. */
  readonly watcherKubeconfigPath: string
  readonly nodes: readonly LanHost[]
  readonly lan: Lan | null
  /** Why there is no LAN, in words; null when there is one. */
  readonly noLan: string | null
  close(): Promise<void>
}

export interface SandboxOptions {
  /** Where certificates, tokens and kubeconfigs are written. */
  readonly folder: string
  readonly log: Logger
  /** Manifests to put in after the CRDs and the rules: paths of YAML files. */
  readonly manifests: readonly string[]
}

export const EXAMPLES = fileURLToPath(new URL('examples/', import.meta.url))

export async function openSandbox({ folder, log, manifests }: SandboxOptions): Promise<Sandbox> {
  const undo: (() => unknown)[] = []
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    // Redis may remember an earlier sandbox: no version may be taken for older than that one's.
    const api = await startApiServer({ folder, rbac: true, firstRevision: Date.now() })
    undo.push(() => api.close())
    const support = await lanSupport()
    const lan = 'privilege' in support ? await createLan(support) : null
    if (lan) undo.push(() => lan.destroy())
    const nodes = new Map(
      (lan?.nodes ?? []).map(host => [host.name, runNode(lan as Lan, host.name, log)]),
    )
    undo.push(() => Promise.all([...nodes.values()].map(node => node.stop())))
    const workloads = runWorkloads({
      registry: api.registry,
      hosts: HOSTS.nodes,
      tellNode: state => nodes.get(state.node)?.tell(state),
      onFault: error => log.warn({ error }, 'a workload of the sandbox could not be kept'),
    })
    undo.push(() => workloads.close())
    await furnish(api, [
      ...readCrds(),
      ...readRbac(),
      ...readWebhook(),
      ...manifests.flatMap(path => readObjects(pathToFileURL(path))),
    ])
    return {
      api,
      kubeconfigPath: api.kubeconfigPath,
      watcherKubeconfigPath: api.issueToken('metallb-system', 'herald-watcher').kubeconfigPath,
      nodes: HOSTS.nodes,
      lan,
      noLan: 'reason' in support ? support.reason : null,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Creates the objects in their order: definitions before what they define. */
async function furnish(server: ApiServer, objects: readonly ApiObject[]): Promise<void> {
  const api = await connectKubernetes({ kubeconfig: server.kubeconfigPath, context: null })
  try {
    for (const object of objects) await create(server, api, object)
  } finally {
    api.close()
  }
}

async function create(server: ApiServer, api: KubernetesApi, object: ApiObject): Promise<void> {
  const resource = server.registry.catalog
    .all()
    .find(one => one.kind === object.kind && apiVersionOf(one) === object.apiVersion)
  if (!resource) throw new Error(`the sandbox knows no ${object.kind} of ${object.apiVersion}`)
  const root = resource.group ? `/apis/${apiVersionOf(resource)}` : `/api/${resource.version}`
  const { namespace = 'default' } = object.metadata
  const path = `${root}${resource.namespaced ? `/namespaces/${namespace}` : ''}/${resource.plural}`
  await api.request({ method: 'POST', path, body: object })
}
