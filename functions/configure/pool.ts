/** An IPAddressPool (metallb.io/v1beta1), and what its entries have in common with those of a ConfigMap. */
import { parseEntry } from '../model/address.ts'
import type { ConfigurationObject, Pool, ServiceAllocation } from '../model/configuration.ts'
import { annotationMistakes } from '../model/pool-annotations.ts'
import { overlap, Territory } from './overlap.ts'
import {
  flag,
  items,
  type Mistakes,
  members,
  type Part,
  partOf,
  refuseDoubles,
  text,
  texts,
  whole,
} from './part.ts'
import { readDistinctSelectors } from './selectors.ts'

export function readPool(object: ConfigurationObject, mistakes: Mistakes): Pool {
  const names = ['addresses', 'autoAssign', 'avoidBuggyIPs', 'serviceAllocation'] as const
  const spec = partOf(object.spec, 'spec')
  const given = members(spec, names, mistakes)
  mistakes.push(...annotationMistakes(object))
  return {
    name: object.name,
    addresses: readAddresses(object.name, given.addresses, spec, mistakes),
    autoAssign: flag(given.autoAssign, true, mistakes),
    avoidBuggyIPs: flag(given.avoidBuggyIPs, false, mistakes),
    serviceAllocation: given.serviceAllocation
      ? readServiceAllocation(given.serviceAllocation, mistakes)
      : null,
    labels: object.labels,
    annotations: object.annotations,
  }
}

/**
 * The entries as written, in order. `owner` is blamed where there are none; `territory` holds the entries
 * read before these, which these must not overlap.
 */
export function readAddresses(
  pool: string,
  part: Part | undefined,
  owner: Part,
  mistakes: Mistakes,
  territory = new Territory(),
): string[] {
  const list = items(part, mistakes)
  if (list.length === 0 && (!part || part.kind === 'list')) {
    mistakes.push(`${(part ?? owner).where}: the pool has no addresses: ${EXAMPLE}`)
  }
  return list.map(item => {
    const before = mistakes.length
    const written = text(item, mistakes)
    if (mistakes.length > before) return written
    const range = parseEntry(written)
    if ('reason' in range) {
      mistakes.push(`${item.where}: ${range.reason}`)
      return written
    }
    const entry = { pool, text: written, range }
    const rival = territory.rival(entry)
    if (rival) mistakes.push(`${item.where}: ${overlap(entry, rival)}`)
    else territory.add(entry)
    return written
  })
}

const EXAMPLE = 'list at least one range or CIDR, for example 192.168.50.211-192.168.50.220'

function readServiceAllocation(part: Part, mistakes: Mistakes): ServiceAllocation {
  const names = ['priority', 'namespaces', 'namespaceSelectors', 'serviceSelectors'] as const
  const given = members(part, names, mistakes)
  refuseDoubles(given.namespaces, mistakes)
  return {
    priority: whole(given.priority, ANY, 0, mistakes),
    namespaces: texts(given.namespaces, mistakes),
    namespaceSelectors: readDistinctSelectors(given.namespaceSelectors, mistakes),
    serviceSelectors: readDistinctSelectors(given.serviceSelectors, mistakes),
  }
}

/** The definition of the kind sets no bounds either. */
const ANY = [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER] as const
