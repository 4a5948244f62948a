/** An L2Advertisement (metallb.io/v1beta1). Without spec it means every pool, node, interface and Service. */
import type { Advertisement, ConfigurationObject } from '../model/configuration.ts'
import {
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
import { readDistinctSelectors, readSelector } from './selectors.ts'

export function readAdvertisement(object: ConfigurationObject, mistakes: Mistakes): Advertisement {
  const given = members(partOf(object.spec, 'spec'), MEMBERS, mistakes)
  refuseDoubles(given.ipAddressPools, mistakes)
  return {
    name: object.name,
    pools: texts(given.ipAddressPools, mistakes),
    poolSelectors: readDistinctSelectors(given.ipAddressPoolSelectors, mistakes),
    nodeSelectors: readDistinctSelectors(given.nodeSelectors, mistakes),
    interfaces: items(given.interfaces, mistakes).map(one => readInterface(one, mistakes)),
    serviceSelectors: readDistinctSelectors(given.serviceSelectors, mistakes),
    preferredNodes: items(given.preferredNodeSelectors, mistakes).map(one =>
      readPreference(one, mistakes),
    ),
  }
}

const MEMBERS = [
  'ipAddressPools',
  'ipAddressPoolSelectors',
  'nodeSelectors',
  'interfaces',
  'serviceSelectors',
  'preferredNodeSelectors',
] as const

/** What Linux allows (dev_valid_name): an impossible name would announce nowhere, silently. */
function readInterface(part: Part, mistakes: Mistakes): string {
  return text(part, mistakes, name =>
    /^(?!\.\.?$)[^\s/:]{1,15}$/.test(name)
      ? null
      : `cannot be the name of an interface: ${INTERFACE_RULE}`,
  )
}

const INTERFACE_RULE = 'write 1 to 15 characters without space, "/" and ":", for example eth0'

function readPreference(part: Part, mistakes: Mistakes): Advertisement['preferredNodes'][number] {
  const given = members(part, ['weight', 'preference'], mistakes)
  for (const name of ['weight', 'preference'] as const) {
    if (!given[name]) mistakes.push(`${part.where}: "${name}" is missing: ${PREFERENCE_RULE}`)
  }
  return {
    weight: whole(given.weight, [1, 100], 1, mistakes),
    preference: given.preference ? readSelector(given.preference, mistakes) : {},
  }
}

const PREFERENCE_RULE = 'write a weight from 1 to 100 and a selector of nodes as preference'
