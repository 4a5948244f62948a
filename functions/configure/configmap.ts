/**
 * The ConfigMap of MetalLB 0.7 to 0.12, as the articles of those years have it: strict, whole or not at all,
 * every mistake at once. Pools of protocol bgp give addresses but are not announced; what belongs to BGP is
 * checked (bgp.ts) and goes no further.
 */
import { type AddressRange, parseEntry } from '../model/address.ts'
import type { Advertisement, ConfigurationObject, Pool } from '../model/configuration.ts'
import { annotationMistakes } from '../model/pool-annotations.ts'
import type { Labels } from '../model/selector.ts'
import { readBgp, readBgpAdvertisements } from './bgp.ts'
import { Territory } from './overlap.ts'
import { flag, items, type Mistakes, members, type Part, partOf, shown, text } from './part.ts'
import { readAddresses } from './pool.ts'
import { parseYaml } from './yaml.ts'

export function readConfigMap(
  object: ConfigurationObject,
  mistakes: Mistakes,
): { pools: Pool[]; advertisements: Advertisement[] } {
  mistakes.push(...annotationMistakes(object))
  const written = contentOf(object, mistakes)
  const root = written === null ? null : parseYaml(written, KEY, mistakes)
  if (!root) return { pools: [], advertisements: [] }
  const given = members(root, TOP_MEMBERS, mistakes)
  const communities = readBgp(given, mistakes)
  const world = { communities, territory: new Territory(), annotations: object.annotations }
  const read = items(given['address-pools'], mistakes).map(part => ({
    part,
    ...readPool(part, world, mistakes),
  }))
  if (read.length === 0 && mistakes.length === 0) {
    mistakes.push(`${root.where}: there are no address-pools: ${EXAMPLE}`)
  }
  checkNames(read, mistakes)
  const sorted = read.sort((a, b) => (a.pool.name < b.pool.name ? -1 : 1))
  return {
    pools: sorted.map(({ pool }) => pool),
    advertisements: sorted.flatMap(({ pool, protocol }) =>
      protocol === 'layer2' ? [everywhere(pool.name)] : [],
    ),
  }
}

const KEY = 'config'
export const TOP_MEMBERS = ['address-pools', 'peers', 'bgp-communities', 'bfd-profiles'] as const
const EXAMPLE =
  'list at least one pool with name, protocol: layer2 and addresses, for example 192.168.50.211-192.168.50.220'

interface Read {
  readonly part: Part
  readonly pool: Pool
  readonly protocol: string
}

/** What the pools of one map have in common. */
interface World {
  /** Aliases that their advertisements may use. */
  readonly communities: ReadonlySet<string>
  /** Addresses of the pools read so far. */
  readonly territory: Territory
  readonly annotations: Labels
}

function contentOf({ name, spec }: ConfigurationObject, mistakes: Mistakes): string | null {
  const given = members(partOf(spec, 'data'), [KEY, 'keys'], mistakes)
  if (given[KEY]) return text(given[KEY], mistakes)
  const keys = items(given.keys, mistakes).map(shown)
  const instead = keys.length > 0 ? `its keys are ${keys.join(', ')}` : 'it is empty'
  mistakes.push(
    `data: the ConfigMap "${name}" has no key "${KEY}" (${instead}): put the YAML with address-pools under "${KEY}: |"`,
  )
  return null
}

function readPool(
  part: Part,
  { communities, territory, annotations }: World,
  mistakes: Mistakes,
): Omit<Read, 'part'> {
  const given = members(part, POOL_MEMBERS, mistakes)
  const name = text(given.name, mistakes, value =>
    value === '' || /\p{Cc}/u.test(value) ? 'is no name: write one of letters and digits' : null,
  )
  if (!given.name) mistakes.push(`${part.where}: the pool has no name: give it one`)
  const protocol = readProtocol(given.protocol, part, mistakes)
  const addresses = readAddresses(name, given.addresses, part, mistakes, territory)
  const bgp = given['bgp-advertisements']
  const ranges = addresses.map(parseEntry).filter((one): one is AddressRange => 'first' in one)
  const announced = readBgpAdvertisements(bgp, ranges, communities, mistakes)
  if (protocol === 'layer2' && bgp && announced > 0) {
    mistakes.push(
      `${bgp.where}: a layer2 pool cannot have bgp-advertisements: remove them, or write protocol: bgp`,
    )
  }
  return {
    protocol,
    pool: {
      name,
      addresses,
      autoAssign: flag(given['auto-assign'], true, mistakes),
      avoidBuggyIPs: flag(given['avoid-buggy-ips'], false, mistakes),
      serviceAllocation: null,
      labels: {},
      annotations, // the map speaks for all of its pools
    },
  }
}

export const POOL_MEMBERS = [
  'name',
  'protocol',
  'addresses',
  'auto-assign',
  'avoid-buggy-ips',
  'bgp-advertisements',
] as const

function readProtocol(part: Part | undefined, owner: Part, mistakes: Mistakes): string {
  if (!part) mistakes.push(`${owner.where}: the pool has no protocol: write protocol: layer2`)
  return text(part, mistakes, value =>
    ['layer2', 'bgp'].includes(value) ? null : 'is no protocol: write layer2 or bgp',
  )
}

function checkNames(read: readonly Read[], mistakes: Mistakes): void {
  const seen = new Set<string>()
  for (const { part, pool } of read) {
    if (pool.name !== '' && seen.has(pool.name)) {
      mistakes.push(
        `${part.where}: another pool is named "${pool.name}" too: rename one of the two`,
      )
    }
    seen.add(pool.name)
  }
}

/** What a layer2 pool meant before there were L2Advertisements: all its addresses, from everywhere. */
const everywhere = (pool: string): Advertisement => ({
  name: pool,
  pools: [pool],
  poolSelectors: [],
  nodeSelectors: [],
  interfaces: [],
  serviceSelectors: [],
  preferredNodes: [],
})
