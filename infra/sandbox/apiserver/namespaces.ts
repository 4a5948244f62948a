import { listAt } from './object.ts'
import type { Registry, Strategy } from './registry.ts'
import { keyOf } from './resources.ts'

/** Namespaces begin Active and go when everything in them has gone. */
export const namespaceStrategy: Strategy = {
  prepare(next, old) {
    const { metadata } = next
    metadata.labels = { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name }
    next.spec = { finalizers: ['kubernetes'] }
    if (old) next.spec = old.spec
    else next.status = { phase: 'Active' }
  },
  lingers: namespace => listAt(namespace, 'spec', 'finalizers').length > 0,
}

/**
 * What controllers of a real cluster do about namespaces: every new one gets its ServiceAccount `default` and the ConfigMap
 * with the cluster's CA; one that is going is emptied and then removed.
 */
export function keepNamespaces(registry: Registry, ca: string): () => void {
  const { store, catalog } = registry
  let stopped = false
  const furnish = (namespace: string) => {
    if (store.get('namespaces', namespace)?.metadata.deletionTimestamp !== undefined) return
    if (!store.get('namespaces', namespace)) return
    const kinds = [
      { storage: 'serviceaccounts', name: 'default', data: {} },
      { storage: 'configmaps', name: 'kube-root-ca.crt', data: { data: { 'ca.crt': ca } } },
    ]
    for (const { storage, name, data } of kinds) {
      const resource = catalog.named(storage)
      if (store.get(storage, keyOf(resource, namespace, name))) continue
      const metadata = { name, namespace }
      registry.create(resource, { apiVersion: 'v1', kind: resource.kind, metadata, ...data })
    }
  }
  const empty = (namespace: string) => {
    const home = store.get('namespaces', namespace)
    if (!home?.metadata.deletionTimestamp) return
    let left = 0
    for (const storage of new Set(catalog.all().map(one => one.storage))) {
      const resource = catalog.named(storage)
      if (!resource.namespaced) continue
      for (const object of store.list(storage)) {
        if (object.metadata.namespace !== namespace) continue
        const target = { resource, namespace, name: object.metadata.name }
        if (!registry.delete(target).gone) left++
      }
    }
    if (left === 0 && !home.metadata.finalizers?.length) store.delete('namespaces', namespace)
  }
  const later = (act: (namespace: string) => void, namespace: string) => {
    setImmediate(() => {
      if (!stopped) act(namespace)
    })
  }
  const unsubscribe = store.subscribe(event => {
    if (event.resource === 'namespaces') {
      const act = event.object.metadata.deletionTimestamp ? empty : furnish
      if (event.type !== 'DELETED') later(act, event.object.metadata.name)
      return
    }
    const namespace = event.object.metadata.namespace
    if (event.type === 'DELETED' && namespace) {
      if (store.get('namespaces', namespace)?.metadata.deletionTimestamp) later(empty, namespace)
    }
  })
  return () => {
    stopped = true
    unsubscribe()
  }
}
