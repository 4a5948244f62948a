/** Short ways to put things into the sandbox's API server and to read what became of them. */
import type { ApiServer } from '../../infra/sandbox/apiserver/server.ts'

export const ARTICLE_CONFIG = `address-pools:
- name: my-ip-space
  protocol: layer2
  addresses:
  # the same network as the nodes
  - 192.168.50.211-192.168.50.220
`

export function putConfigMap({ store }: ApiServer, config: string): void {
  if (!store.get('namespaces', '', 'metallb-system')) {
    store.create('namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'metallb-system' },
    })
  }
  const object = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'metallb-system', name: 'config' },
    data: { config },
  }
  if (store.get('configmaps', 'metallb-system', 'config')) {
    store.patch('configmaps', 'metallb-system', 'config', { data: { config } })
  } else {
    store.create('configmaps', object)
  }
}

type Fields = Parameters<ApiServer['store']['create']>[1]

export function putService(
  { store }: ApiServer,
  name: string,
  spec: Fields = {},
  annotations: Fields = {},
): void {
  store.create('services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name, annotations },
    spec: { type: 'LoadBalancer', ports: [{ port: 80 }], selector: { app: name }, ...spec },
  })
}

interface ServiceShape {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> }
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: readonly { readonly ip: string }[] }
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly message: string
    }[]
  }
}

export const serviceOf = ({ store }: ApiServer, name: string): ServiceShape | null =>
  store.get('services', 'default', name) as ServiceShape | null

/** EXTERNAL-IP, as kubectl shows it; '' while pending. */
export const addressesOf = (api: ApiServer, name: string): string =>
  (serviceOf(api, name)?.status?.loadBalancer?.ingress ?? []).map(one => one.ip).join()

/** "reason: note" of every event about the object, oldest first. */
export const eventsOf = ({ store }: ApiServer, name: string): string[] =>
  store
    .list('events')
    .map(
      one =>
        one as unknown as { involvedObject?: { name?: string }; reason?: string; message?: string },
    )
    .filter(one => one.involvedObject?.name === name)
    .map(one => `${one.reason}: ${one.message}`)
