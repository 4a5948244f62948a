/** Answers `pool/NAME` and `pool/*` of a publish queue: the status of IPAddressPools, written only when it changes. */
import { configure } from '../functions/configure/configure.ts'
import type {
  ConfigurationFault,
  ConfigurationObject,
  Pool,
} from '../functions/model/configuration.ts'
import {
  count,
  type PoolStatus,
  rangesToTally,
  shows,
  statusText,
} from '../functions/publish/pool-status.ts'
import { forgetGone, toldOn, writeStatus } from './object-status.ts'
import type { PublishWorld } from './publish-world.ts'

/** For a pool of whatever name, or all of them. */
export async function publishPools(which: string, world: PublishWorld): Promise<void> {
  const { state, cluster } = world
  const [objects, inForce, nodes] = await Promise.all([
    state.objects(cluster),
    state.configuration(cluster),
    state.nodes(cluster),
  ])
  if (!inForce) return // not judged yet
  const { configuration } = inForce
  const { faults } = configure(objects, configuration)
  const pools = configuration.source === 'objects' ? configuration.pools : []
  const nodeAddresses = nodes.flatMap(node => node.addresses)
  forgetGone(world.statuses, world.seen.objects.items.values())
  for (const object of world.seen.objects.items.values()) {
    if (object.kind !== 'IPAddressPool' || (which !== '*' && which !== object.name)) continue
    const pool = pools.find(one => one.name === object.name) ?? null
    await publishPool(object, pool, nodeAddresses, faults, world)
  }
}

async function publishPool(
  object: ConfigurationObject,
  pool: Pool | null,
  nodeAddresses: readonly string[],
  faults: readonly ConfigurationFault[],
  world: PublishWorld,
): Promise<void> {
  const [v4, v6] = await Promise.all([
    countOf(pool, 'IPv4', nodeAddresses, world),
    countOf(pool, 'IPv6', nodeAddresses, world),
  ])
  const status: PoolStatus = {
    assignedIPv4: v4.assigned,
    assignedIPv6: v6.assigned,
    availableIPv4: v4.available,
    availableIPv6: v6.available,
    conditions: toldOn(object, faults, world.statuses),
  }
  const text = statusText(status)
  if (shows(object.status, status, world.statuses.written.get(object.uid))) return
  await writeStatus(object, text, world)
}

/** A pool that is not in force has no addresses. */
async function countOf(
  pool: Pool | null,
  family: Parameters<typeof rangesToTally>[1],
  nodeAddresses: readonly string[],
  { state }: PublishWorld,
): Promise<{ assigned: bigint; available: bigint }> {
  if (!pool) return { assigned: 0n, available: 0n }
  const { all, usable } = rangesToTally(pool, family, nodeAddresses)
  const [whole, handedOut] = await Promise.all([state.tally(all), state.tally(usable)])
  return count(pool, usable, { all: whole, usable: handedOut })
}
