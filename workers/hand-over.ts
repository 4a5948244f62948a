/**
 * The planned stop of an announcer, and its return. Standbys take over on the LAN while it still answers; where they do
 * not, Redis is asked to move what is left. What it handed over may return to it once it has been back for a while.
 */
import { setTimeout as after } from 'node:timers/promises'
import type { Link } from '../infra/link/link.ts'
import type { State } from '../infra/redis/state.ts'
import type { Told } from './link-events.ts'
import type { Repeated } from './repeat.ts'

/** The LAN alone has so long, then Redis is asked. */
const LAN_ALONE_MS = 1000

export interface PlacedWorld extends Pick<Told, 'remembered' | 'hears'> {
  readonly cluster: string
  readonly node: string
  readonly state: State
  readonly link: Link
  ring(queue: string, keys: readonly string[]): Promise<void>
}

interface Lease {
  readonly renewing: Repeated
  /** Whether Redis can be reached. */
  reaches(): boolean
  /** The last renewal: one for no time at all. */
  end(): Promise<void>
}

/** Resolved when standbys answer, or when nothing more can be done for it. */
export async function handOver(world: PlacedWorld, lease: Lease): Promise<void> {
  const { cluster, node, state, link, remembered } = world
  let left = false
  const handed = [...remembered.claims.keys()]
  const leaving = link.leave().then(() => {
    left = true
  })
  const alone = after(LAN_ALONE_MS, undefined, { ref: false })
  if (world.hears.length > 0) await Promise.race([leaving, alone])
  lease.renewing.stop()
  if (lease.reaches()) {
    await state.handOver(cluster, node, handed).catch(() => {})
    await lease.end().catch(() => {})
    if (!left) await ringPlace(remembered.claims.keys(), world).catch(() => {})
  }
  await leaving
}

/** What this node handed over in a planned stop may return to it now. */
export async function comeBack(world: PlacedWorld): Promise<void> {
  await ringPlace(await world.state.handed(world.cluster, world.node), world)
}

export const ringPlace = (
  groups: Iterable<string>,
  { cluster, ring }: Pick<PlacedWorld, 'cluster' | 'ring'>,
): Promise<void> =>
  ring(
    'place',
    [...groups].map(group => `${cluster}/${group}`),
  )
