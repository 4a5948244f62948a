/** Every kind that the watcher follows: where it is listed and watched, and what is kept of each object. */
import { STATE_NAME } from '../functions/publish/configuration-state.ts'
import {
  projectConfiguration,
  projectConfigurationState,
  projectL2Status,
  projectNamespace,
  projectNode,
  projectService,
  projectSlice,
} from '../functions/watch/project.ts'
import type { KubernetesApi } from '../infra/kubernetes/client.ts'
import { type Followed, type FollowOptions, follow } from '../infra/kubernetes/watch.ts'
import type { World } from '../infra/process.ts'
import { onL2Statuses, onNamed, onObjects, onServices, onSlices, onStates } from './on-seen.ts'
import { type Seen, type SightWorld, sightOfNamespace, sightOfNode } from './sightings.ts'

interface Options {
  readonly namespace: string
  readonly log: World['log']
  /** Judges the configuration anew. */
  judge(): Promise<void>
  readonly watchSeconds?: number
}

export function followAll(
  api: KubernetesApi,
  seen: Seen,
  world: SightWorld,
  { namespace, log, judge, watchSeconds }: Options,
): Followed[] {
  const kind = <P>(options: Omit<FollowOptions<P>, 'log' | 'watchSeconds'>) =>
    follow(api, { ...options, log, ...(watchSeconds && { watchSeconds }) })
  const metallb = `/apis/metallb.io/v1beta1/namespaces/${namespace}`
  return [
    kind({
      path: '/api/v1/nodes',
      project: projectNode,
      ...onNamed(seen.nodes, sightOfNode, world, judgeAddresses(seen, judge)),
    }),
    kind({
      path: '/api/v1/namespaces',
      project: projectNamespace,
      ...onNamed(seen.namespaces, sightOfNamespace, world),
    }),
    kind({
      path: '/apis/discovery.k8s.io/v1/endpointslices',
      project: projectSlice,
      ...onSlices(seen, world),
    }),
    kind({ path: '/api/v1/services', project: projectService, ...onServices(seen, world) }),
    kind({
      path: `${metallb}/ipaddresspools`,
      project: object => projectConfiguration('IPAddressPool', object),
      ...onObjects('IPAddressPool', seen, world, judge),
    }),
    kind({
      path: `${metallb}/l2advertisements`,
      project: object => projectConfiguration('L2Advertisement', object),
      ...onObjects('L2Advertisement', seen, world, judge),
    }),
    kind({
      path: `/api/v1/namespaces/${namespace}/configmaps`,
      query: { fieldSelector: 'metadata.name=config' },
      project: object => projectConfiguration('ConfigMap', object),
      ...onObjects('ConfigMap', seen, world, judge),
    }),
    kind({
      path: `${metallb}/configurationstates`,
      query: { fieldSelector: `metadata.name=${STATE_NAME}` },
      project: projectConfigurationState,
      ...onStates(seen, world),
    }),
    kind({
      path: `${metallb}/servicel2statuses`,
      project: projectL2Status,
      ...onL2Statuses(seen, world),
    }),
  ]
}

/** A node that joins, or gets another address, may have one that a pool contains. */
function judgeAddresses({ nodes }: Seen, judge: () => Promise<void>): () => Promise<void> {
  let known = ''
  return async () => {
    const addresses = [...nodes.items.values()].map(one => one.addresses.join()).join()
    if (addresses === known) return
    known = addresses
    await judge()
  }
}
