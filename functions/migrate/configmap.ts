/**
 * The ConfigMap of MetalLB 0.7 to 0.12 as objects of metallb.io that mean the same. Whole or not at all: what Herald would
 * refuse to obey, it refuses to convert.
 */
import { parseAllDocuments } from 'yaml'
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
  /** Pools that are called otherwise now; Services that ask for them by name must be told. */
  readonly renamed: ReadonlyMap<string, string>
  readonly mistakes: Mistakes
}

/**
 * `written`: a manifest with the ConfigMap among other objects, or what stands in its key `config`; `namespace` is where
 * the objects go if it does not say where the ConfigMap lies.
 */
export function convertConfigMap(written: string, namespace: string): Converted {
  const mistakes: Mistakes = []
  const found = configMapIn(written, mistakes)
  const object = projectConfiguration('ConfigMap', found)
  if (mistakes.length === 0) readConfigMap(object, mistakes)
  const { config } = object.spec as { readonly config: string | null }
  const root = mistakes.length === 0 && config !== null ? parseYaml(config, 'config', []) : null
  const renamed = root ? renamedIn(root, mistakes) : new Map()
  if (!root || mistakes.length > 0) return { objects: [], renamed, mistakes }
  const at = found.metadata?.namespace ?? namespace
  return { objects: objectsOf(root, at, object.annotations), renamed, mistakes }
}

interface Written {
  readonly kind?: string
  readonly metadata?: { readonly namespace?: string }
  readonly data?: object
  readonly items?: readonly Written[]
}

/** Of a file that kubectl would apply: each document an object, or a List of some. */
function configMapIn(written: string, mistakes: Mistakes): Written {
  const objects = valuesIn(written, mistakes)
    .map(value => (value ?? {}) as Written)
    .flatMap(one => (one.kind === 'List' ? (one.items ?? []) : [one]))
  const isManifest = objects.some(one => typeof one.kind === 'string')
  if (!isManifest) return { data: { config: written } }
  const [found, ...others] = objects.filter(one => one.kind === 'ConfigMap')
  if (!found) mistakes.push('no object in it is a ConfigMap: give the manifest of that of MetalLB')
  if (others.length > 0) mistakes.push('more than one ConfigMap is in it: keep that of MetalLB')
  return found ?? {}
}

function valuesIn(written: string, mistakes: Mistakes): unknown[] {
  try {
    return parseAllDocuments(written, { logLevel: 'silent' }).map(one => {
      for (const { message } of one.errors) mistakes.push(message)
      return one.toJS()
    })
  } catch (error) {
    mistakes.push(error instanceof Error ? error.message : String(error))
    return []
  }
}

/** Names that no object can have, by what they become. Two that become the same are a mistake: one would be lost. */
function renamedIn(root: Part, mistakes: Mistakes): ReadonlyMap<string, string> {
  const given = members(root, TOP_MEMBERS, [])
  const renamed = new Map<string, string>()
  for (const key of ['address-pools', 'bfd-profiles'] as const) {
    const taken = new Map<string, string>()
    for (const part of items(given[key], [])) {
      const written = text(members(part, ['name'], []).name, [])
      const name = nameFrom(written)
      const other = taken.get(name)
      if (other !== undefined && other !== written) {
        mistakes.push(
          `${part.where}: as objects "${other}" and "${written}" would both be called "${name}": rename one of the two`,
        )
      }
      taken.set(name, written)
      if (key === 'address-pools' && name !== written) renamed.set(written, name)
    }
  }
  return renamed
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
