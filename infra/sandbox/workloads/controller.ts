/**
 * Keeps the sandbox's workloads going, as the controllers, kubelets and kube-proxies of a cluster would: Deployments get Pods,
 * Pods run, Services get EndpointSlices, and each node is told which addresses to bind and where to answer.
 *
 * Level-triggered: a change only marks keys; what is done about them follows from what the store holds by then.
 */
import type { ApiObject } from '../apiserver/object.ts'
import type { Registry } from '../apiserver/registry.ts'
import type { StoreEvent } from '../apiserver/store.ts'
import type { LanHost } from '../lan/hosts.ts'
import type { NodeState } from '../lan/node.ts'
import { deploymentOf, reconcileDeployment } from './deployments.ts'
import { reconcileEndpoints, SERVICE_LABEL, selecting } from './endpoints.ts'
import { joinNodes } from './nodes.ts'
import { runPod } from './pods.ts'
import { nodeState } from './proxy.ts'

export interface Workloads {
  close(): void
}

export interface WorkloadOptions {
  readonly registry: Registry
  readonly hosts: readonly LanHost[]
  /** Told the whole state of a node whenever anything in it may have changed. */
  readonly tellNode: (state: NodeState) => void
  /** Told of a failure that the next change may mend. */
  readonly onFault: (error: unknown) => void
}

export function runWorkloads(options: WorkloadOptions): Workloads {
  joinNodes(options.registry, options.hosts)
  const controller = new Controller(options)
  const unsubscribe = options.registry.store.subscribe(event => controller.mark(event))
  return {
    close() {
      unsubscribe()
      controller.stop()
    },
  }
}

/** A thousand Services at once are told to the nodes in some dozen messages. */
const TELL_GAP_MS = 100

class Controller {
  readonly #options: WorkloadOptions
  readonly #deployments = new Set<string>()
  readonly #pods = new Set<string>()
  readonly #services = new Set<string>()
  #scheduled: NodeJS.Immediate | null = null
  #telling: NodeJS.Timeout | null = null
  #toldMs = Number.NEGATIVE_INFINITY
  #revision = 0

  constructor(options: WorkloadOptions) {
    this.#options = options
    const { store } = options.registry
    for (const deployment of store.list('deployments.apps'))
      this.#deployments.add(keyOf(deployment))
    for (const pod of store.list('pods')) this.#pods.add(keyOf(pod))
    for (const service of store.list('services')) this.#services.add(keyOf(service))
    this.#schedule()
    this.#tellNodes()
  }

  mark({ resource, key, object, previous }: StoreEvent): void {
    const { store } = this.#options.registry
    if (resource === 'deployments.apps') this.#deployments.add(key)
    else if (resource === 'pods') this.#markPod(key, previous ? [object, previous] : [object])
    else if (resource === 'services') this.#services.add(key)
    else if (resource === SLICES) this.#services.add(serviceOf(object))
    else if (resource === 'nodes') for (const pod of store.list('pods')) this.#pods.add(keyOf(pod))
    this.#schedule()
    if (resource === 'services' || resource === SLICES) this.#tellNodes()
  }

  stop(): void {
    if (this.#scheduled) clearImmediate(this.#scheduled)
    if (this.#telling) clearTimeout(this.#telling)
  }

  #markPod(key: string, states: readonly ApiObject[]): void {
    this.#pods.add(key)
    for (const state of states) {
      const deployment = deploymentOf(state)
      if (deployment) this.#deployments.add(`${state.metadata.namespace}/${deployment}`)
      for (const service of selecting(this.#options.registry, state)) {
        this.#services.add(keyOf(service))
      }
    }
  }

  #schedule(): void {
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = null
      this.#answer(this.#deployments, reconcileDeployment)
      this.#answer(this.#pods, runPod)
      this.#answer(this.#services, reconcileEndpoints)
    })
  }

  #answer(keys: Set<string>, reconcile: typeof runPod): void {
    const taken = [...keys]
    keys.clear()
    for (const key of taken) {
      const [namespace = '', name = ''] = key.split('/')
      try {
        reconcile(this.#options.registry, namespace, name)
      } catch (error) {
        this.#options.onFault(error)
      }
    }
  }

  #tellNodes(): void {
    const waitMs = Math.max(0, this.#toldMs + TELL_GAP_MS - performance.now())
    this.#telling ??= setTimeout(() => {
      this.#telling = null
      this.#toldMs = performance.now()
      this.#revision++
      const { registry, hosts, tellNode } = this.#options
      const services = registry.store.list('services')
      const slices = registry.store.list(SLICES)
      for (const host of hosts) {
        tellNode({ ...nodeState(host, services, slices), revision: this.#revision })
      }
    }, waitMs)
  }
}

const SLICES = 'endpointslices.discovery.k8s.io'

const keyOf = ({ metadata }: ApiObject) => `${metadata.namespace}/${metadata.name}`

const serviceOf = ({ metadata }: ApiObject) =>
  `${metadata.namespace}/${metadata.labels?.[SERVICE_LABEL] ?? ''}`
