/**
 * Nodes of a watched cluster whose announcers are played by the test: they hold their leases and take over what they
 * are told to.
 */
import type { Announcer } from '../../functions/model/node.ts'
import type { Placement } from '../../functions/model/placement.ts'
import { scriptsOf } from '../../infra/redis/scripts.ts'
import { putService } from './cluster.ts'
import type { Watched } from './watching.ts'

type Fields = NonNullable<Parameters<typeof putService>[2]>

/** What a node's announcer writes down: its lease, its interfaces, and what it took over. */
export const renewLease = (
  { client }: Pick<Watched, 'client'>,
  node: string,
  placements: readonly Placement[] = [],
  said: Partial<Announcer> = {},
) =>
  scriptsOf(client, '{herald}').renew(
    'default',
    {
      node,
      session: 's',
      epoch: 0,
      hears: [],
      upMs: 0,
      interfaces: [
        { name: 'eth0', mac: '02:00:00:00:00:01', prefixes: ['10.40.0.1/24'] },
        { name: 'eth1', mac: '02:00:00:00:00:02', prefixes: [] },
      ],
      ...said,
    },
    { ms: 600_000, incarnation: '' },
    { placements, all: true },
  )

export async function join(herald: Watched, ...nodes: string[]): Promise<void> {
  for (const name of nodes) {
    herald.api.store.create('nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name } })
    await renewLease(herald, name)
  }
}

export const putObject = ({ api }: Watched, kind: string, name: string, spec: Fields) =>
  api.store.create(`${kind.toLowerCase()}s.metallb.io`, {
    apiVersion: 'metallb.io/v1beta1',
    kind,
    metadata: { namespace: 'metallb-system', name },
    spec,
  })

/** A Service with an endpoint on that node. */
export function serve({ api }: Watched, name: string, spec: Fields = {}, nodeName = 'a'): void {
  api.store.create('endpointslices.discovery.k8s.io', {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'default', name, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.244.0.9'], nodeName, conditions: { ready: true } }],
    ports: [],
  })
  putService(api, name, spec)
}
