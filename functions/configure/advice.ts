/** What is in force and will still surprise its owner: said on the object as a Warning, nothing is refused. */
import { isExcluded } from '../allocate/guards.ts'
import { within } from '../allocate/pools.ts'
import type { Configuration, ConfigurationFault } from '../model/configuration.ts'

export type Advice = Pick<ConfigurationFault, 'kind' | 'name' | 'message'>

/** Pools that contain addresses of the cluster's own nodes, which are never handed out. */
export function advise(
  { source, pools }: Configuration,
  nodeAddresses: readonly string[],
): Advice[] {
  return pools.flatMap(pool => {
    const inside = nodeAddresses.filter(one => within(pool, one) && !isExcluded(pool, one))
    const more = inside.length - SHOWN_MOST
    const list = `${inside.slice(0, SHOWN_MOST).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
    const message =
      `pool "${pool.name}" contains ${list}, which nodes of this cluster have themselves: never handed out. ` +
      'Take them out of its addresses, or name them in its annotation herald.io/exclude.'
    const object =
      source === 'configmap'
        ? { kind: 'ConfigMap' as const, name: 'config' }
        : { kind: 'IPAddressPool' as const, name: pool.name }
    return inside.length > 0 ? [{ ...object, message }] : []
  })
}

/** An event holds 1,024 bytes. */
const SHOWN_MOST = 8
