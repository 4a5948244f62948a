/**
 * The ConfigMap of MetalLB 0.7 to 0.12 as objects of metallb.io that mean the same. Whole or not at all: what Herald would
 * refuse to obey, it refuses to convert.
 */
import { parse } from 'yaml'
import { POOL_MEMBERS, readConfigMap, TOP_MEMBERS } from '../configure/configmap.ts'
import {
  entries,
  flag,
  items,
  type Mistakes,
  members,
  type Part,
  text,
  texts,
} from '../configure/part.ts'
import { parseYaml } from '../configure/yaml.ts'
import { projectConfiguration } from '../watch/project.ts'
import { convertPeer, convertProfile, numberIn } from './bgp.ts'
import { type Manifest, manifest, nameFrom } from './manifest.ts'

export interface Converted {
  /** In the order in which they are to be applied; empty when there are mistakes. */
  readonly objects: readonly Manifest[]
  readonly mistakes: Mistakes
}

/** `written`: the manifest of the ConfigMap, or what stands in its key `config`. */
export function convertConfigMap(written: string, namespace: string): Converted {
  const mistakes: Mistakes = []
  const object = configMapIn(written, mistakes)
  if (mistakes.length === 0) readConfigMap(object, mistakes)
  const { config } = object.spec as { readonly config: string | null }
  const root = mistakes.length === 0 && config !== null ? parseYaml(config, 'config', []) : null
  if (!root) return { objects: [], mistakes }
  return { objects: objectsOf(root, namespace, object.annotations), mistakes }
}

function configMapIn(written: string, mistakes: Mistakes) {
  let value: unknown = null
  try {
    value = parse(written, { logLevel: 'silent' })
  } catch (error) {
    mistakes.push(error instanceof Error ? error.message : String(error))
  }
  const whole = typeof value === 'object' && value !== null && 'kind' in value && 'data' in value
  const object = whole ? value : { metadata: { name: 'config' }, data: { config: written } }
  return projectConfiguration('ConfigMap', object)
}

/** Of a map that has been found good: nothing here can be a mistake any more. */
function objectsOf(
  root: Part,
  namespace: string,
  annotations: Readonly<Record<string, string>>,
): Manifest[] {
  const given = members(root, TOP_MEMBERS, [])
  const pools = items(given['address-pools'], []).map(part => members(part, POOL_MEMBERS, []))
  const named = (pool: (typeof pools)[number]) => nameFrom(text(pool.name, []))
  const of = (protocol: string) => pools.filter(pool => text(pool.protocol, []) === protocol)
  const aliases = [...entries(given['bgp-communities'], [])]
    .map(([name, value]) => ({ name, value: text(value, []) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const advertised = of('bgp').flatMap(pool => {
    const written = items(pool['bgp-advertisements'], [])
    const specs = written.length > 0 ? written.map(bgpAdvertisement) : [{}]
    return specs.map(spec => ({ ...spec, ipAddressPools: [named(pool)] }))
  })
  const at = { namespace }
  return [
    ...pools.map(pool =>
      manifest('IPAddressPool', { ...at, name: named(pool), annotations }, poolSpec(pool)),
    ),
    ...of('layer2').map((pool, i) =>
      manifest(
        'L2Advertisement',
        { ...at, name: `l2advertisement${i + 1}` },
        {
          ipAddressPools: [named(pool)],
        },
      ),
    ),
    ...(aliases.length > 0
      ? [manifest('Community', { ...at, name: 'communities' }, { communities: aliases })]
      : []),
    ...items(given['bfd-profiles'], []).map(part => convertProfile(part, at)),
    ...advertised.map((spec, i) =>
      manifest('BGPAdvertisement', { ...at, name: `bgpadvertisement${i + 1}` }, spec),
    ),
    ...items(given.peers, []).map((part, i) => convertPeer(part, { ...at, name: `peer${i + 1}` })),
  ]
}

function poolSpec(pool: Partial<Record<(typeof POOL_MEMBERS)[number], Part>>): object {
  return {
    addresses: texts(pool.addresses, []),
    ...(flag(pool['auto-assign'], true, []) ? {} : { autoAssign: false }),
    ...(flag(pool['avoid-buggy-ips'], false, []) ? { avoidBuggyIPs: true } : {}),
  }
}

const ADVERTISEMENT = [
  'aggregation-length',
  'aggregation-length-v6',
  'localpref',
  'communities',
] as const

function bgpAdvertisement(part: Part): object {
  const given = members(part, ADVERTISEMENT, [])
  const communities = texts(given.communities, [])
  return {
    ...numberIn(given['aggregation-length'], 'aggregationLength'),
    ...numberIn(given['aggregation-length-v6'], 'aggregationLengthV6'),
    ...numberIn(given.localpref, 'localPref'),
    ...(communities.length > 0 ? { communities } : {}),
  }
}
