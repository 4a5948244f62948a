/** Moving over from MetalLB: what would change (read from the cluster, nothing is written), and old configuration as objects. */
import { readFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { type ClusterFound, check, type Verdict } from '../functions/migrate/check.ts'
import { convertConfigMap } from '../functions/migrate/configmap.ts'
import { Fault } from '../functions/model/fault.ts'
import {
  projectConfiguration,
  projectNamespace,
  projectNode,
  projectService,
} from '../functions/watch/project.ts'
import type { UpConfig } from '../infra/config.ts'
import { ApiError, type KubernetesApi } from '../infra/kubernetes/client.ts'
import { listAll } from '../infra/kubernetes/list.ts'
import type { World } from '../infra/process.ts'
import { progress, type Told, tell } from './ask.ts'
import { withKubernetes } from './reach.ts'

/** Something would change. */
const CHANGES = 3
const PAGE_SIZE = 500

export async function runMigrate(
  world: World<UpConfig>,
  what: string,
  file: string | undefined,
): Promise<number> {
  if (what === 'check' && file === undefined) return runCheck(world)
  if (what === 'configmap' && file !== undefined) return runConvert(world, file)
  throw new Fault('ConfigInvalid', {
    what: `"herald migrate ${[what, file].filter(Boolean).join(' ')}" is not understood`,
    why: 'there are "check", and "configmap" with a file',
    remedy: 'Run "herald migrate --help"',
  })
}

function runCheck({ config, signal }: World<UpConfig>): Promise<number> {
  return withKubernetes(config, async api => {
    const cluster = await look(api, config.namespace, signal).finally(() => progress(''))
    const verdict = check(cluster, config.loadBalancerClass)
    tell({ value: verdict, lines: linesOf(verdict, cluster) }, config.output)
    return verdict.changes.length > 0 ? CHANGES : 0
  })
}

function linesOf({ first, changes }: Verdict, { services }: ClusterFound): Told {
  const told = [...first, ...changes].map(({ subject, message }) => [subject, message] as const)
  if (changes.length > 0) return told
  const kept = services.filter(one => one.type === 'LoadBalancer' && one.addresses.length > 0)
  return [...told, ['Nothing', `would change; Services that keep what they have: ${kept.length}`]]
}

async function look(
  api: KubernetesApi,
  namespace: string,
  signal: AbortSignal,
): Promise<ClusterFound> {
  let pages = 0
  const heard = () => progress(`${++pages} pages have been read`)
  const list = <T>(path: string, project: (object: unknown) => T, query = {}) =>
    listAll(api, { path, query, pageSize: PAGE_SIZE, signal, project, heard }).then(
      listed => listed.items,
      absent,
    )
  const home = `/apis/metallb.io/v1beta1/namespaces/${namespace}`
  const peers = `/apis/metallb.io/v1beta2/namespaces/${namespace}/bgppeers`
  const of = (kind: Parameters<typeof projectConfiguration>[0]) => (object: unknown) =>
    projectConfiguration(kind, object)
  const metallb = METALLB_PODS.map(labelSelector => list('/api/v1/pods', podOf, { labelSelector }))
  const [pods, services, nodes, namespaces, named, ...objects] = await Promise.all([
    Promise.all(metallb),
    list('/api/v1/services', projectService),
    list('/api/v1/nodes', projectNode),
    list('/api/v1/namespaces', projectNamespace),
    list(peers, of('IPAddressPool')), // their names are all that counts
    list(`${home}/ipaddresspools`, of('IPAddressPool')),
    list(`${home}/l2advertisements`, of('L2Advertisement')),
    list(`/api/v1/namespaces/${namespace}/configmaps`, of('ConfigMap'), {
      fieldSelector: 'metadata.name=config',
    }),
  ])
  return {
    services,
    objects: objects.flat(),
    peers: named.map(one => one.name).sort(),
    namespaceLabels: new Map(namespaces.map(one => [one.name, one.labels])),
    nodeAddresses: nodes.flatMap(node => node.addresses),
    metallbPods: pods
      .flat()
      .filter(name => name !== null)
      .sort(),
  }
}

/** As its plain manifests label them, and as its chart does. */
const METALLB_PODS = ['app=metallb', 'app.kubernetes.io/name=metallb']

interface PodShape {
  readonly metadata: {
    readonly namespace: string
    readonly name: string
    readonly labels?: Readonly<Record<string, string>>
  }
  readonly status?: { readonly phase?: string }
}

/** "namespace/name" of one that is not over. */
function podOf(object: unknown): string | null {
  const { metadata, status } = object as PodShape
  const over = status?.phase === 'Succeeded' || status?.phase === 'Failed'
  return over ? null : `${metadata.namespace}/${metadata.name}`
}

/** A kind that the cluster does not have has no objects. */
function absent(error: unknown): [] {
  if (error instanceof ApiError && error.status === 404) return []
  throw error
}

function runConvert({ config }: World<UpConfig>, file: string): number {
  const { objects, renamed, mistakes } = convertConfigMap(read(file), config.namespace)
  if (mistakes.length > 0) {
    throw new Fault('ConfigMapInvalid', {
      what: `${file} is not converted`,
      why: mistakes.map(mistake => `\n  ${mistake}`).join(''),
      remedy: '\nCorrect it first: MetalLB would not have obeyed it either',
    })
  }
  for (const [pool, name] of renamed) {
    process.stderr.write(
      `As an object the pool "${pool}" is called "${name}": Services that ask for it by annotation must ask for that.\n`,
    )
  }
  const text = config.output === 'json' ? listOf(objects) : objects.map(one => stringify(one))
  process.stdout.write(typeof text === 'string' ? text : text.join('---\n'))
  return 0
}

const listOf = (items: readonly object[]): string =>
  `${JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, null, 2)}\n`

function read(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (cause) {
    throw new Fault('ConfigFileUnreadable', {
      what: `${file} cannot be read`,
      why: cause instanceof Error ? cause.message : String(cause),
      remedy: 'Give the path of the manifest of the ConfigMap, or - for standard input',
      cause,
    })
  }
}
