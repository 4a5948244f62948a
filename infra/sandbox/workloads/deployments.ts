/**
 * What Kubernetes' Deployment and ReplicaSet controllers come to for the sandbox: as many Pods as wanted, of the
 * present template.
 */
import { createHash } from 'node:crypto'
import { type ApiObject, at, isObject, listAt, objectAt } from '../apiserver/object.ts'
import type { Registry } from '../apiserver/registry.ts'
import { isReady } from './pods.ts'

const HASH_LABEL = 'pod-template-hash'

export function reconcileDeployment(registry: Registry, namespace: string, name: string): void {
  const deployments = registry.catalog.named('deployments.apps')
  const deployment = registry.store.get(deployments.storage, `${namespace}/${name}`)
  const pods = registry.catalog.named('pods')
  const remove = (pod: ApiObject) =>
    registry.delete({ resource: pods, namespace, name: pod.metadata.name })
  const own = podsOf(registry, namespace, name)
  if (!deployment || deployment.metadata.deletionTimestamp) {
    for (const pod of own) remove(pod)
    return
  }
  const hash = hashOf(deployment)
  const [current, outdated] = [own.filter(hasHash(hash)), own.filter(pod => !hasHash(hash)(pod))]
  const replicas = Number(at(deployment, 'spec', 'replicas') ?? 1)
  for (const pod of [...outdated, ...current.slice(replicas)]) remove(pod)
  for (let count = current.length; count < replicas; count++) {
    registry.create(pods, podFor(deployment, hash))
  }
  const target = { resource: deployments, namespace, name }
  registry.update(target, 'status', before => ({
    ...before,
    status: statusOf(before, replicas, podsOf(registry, namespace, name)),
  }))
}

/** The Deployment that a Pod belongs to, by name; null for one that stands alone. */
export function deploymentOf(pod: ApiObject): string | null {
  for (const owner of listAt(pod, 'metadata', 'ownerReferences')) {
    if (isObject(owner) && owner.kind === 'Deployment') return String(owner.name)
  }
  return null
}

function podsOf(registry: Registry, namespace: string, deployment: string): ApiObject[] {
  return registry.store
    .list('pods')
    .filter(pod => pod.metadata.namespace === namespace && deploymentOf(pod) === deployment)
}

const hasHash = (hash: string) => (pod: ApiObject) => pod.metadata.labels?.[HASH_LABEL] === hash

/** Another template, or another Deployment of the same name, makes other Pods. */
function hashOf(deployment: ApiObject): string {
  const text = JSON.stringify([deployment.metadata.uid, at(deployment, 'spec', 'template')])
  return createHash('sha256').update(text).digest('hex').slice(0, 10)
}

function podFor(deployment: ApiObject, hash: string): ApiObject {
  const { name, namespace, uid } = deployment.metadata
  const template = objectAt(deployment, 'spec', 'template')
  const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name, uid, controller: true }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: '',
      generateName: `${name}-${hash}-`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...labelsOf(template), [HASH_LABEL]: hash },
      ownerReferences: [owner],
    },
    spec: objectAt(template, 'spec'),
  }
}

function labelsOf(template: Parameters<typeof objectAt>[0]): Record<string, string> {
  const labels = Object.entries(objectAt(template, 'metadata', 'labels'))
  return Object.fromEntries(labels.map(([key, value]) => [key, String(value)]))
}

function statusOf(deployment: ApiObject, replicas: number, pods: readonly ApiObject[]) {
  const ready = pods.filter(isReady).length
  const available = ready >= replicas
  const before = listAt(deployment, 'status', 'conditions').find(
    condition => at(condition, 'type') === 'Available',
  )
  const status = available ? 'True' : 'False'
  const now = `${new Date().toISOString().slice(0, 19)}Z`
  const since = at(before, 'status') === status ? at(before, 'lastTransitionTime') : now
  return {
    observedGeneration: deployment.metadata.generation,
    replicas: pods.length,
    updatedReplicas: pods.length,
    ...(ready > 0 ? { readyReplicas: ready, availableReplicas: ready } : {}),
    ...(ready < replicas ? { unavailableReplicas: replicas - ready } : {}),
    conditions: [
      {
        type: 'Available',
        status,
        reason: available ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
        message: `${ready} of ${replicas} replicas are ready`,
        lastTransitionTime: since,
        lastUpdateTime: since,
      },
    ],
  }
}
