/**
 * Signs which addresses the pools consist of: as Kubernetes itself has shown the configuration to this watcher. Of Redis only
 * what was signed before is believed.
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { nextWindows, readWindows, signWindows } from '../functions/announce/windows.ts'
import { configure } from '../functions/configure/configure.ts'
import type { World } from '../infra/process.ts'
import type { Seen, SightWorld } from './sightings.ts'

export async function signPools(
  key: KeyObject,
  { state, cluster, seen }: Pick<SightWorld, 'state' | 'cluster'> & { readonly seen: Seen },
  log: World['log'],
): Promise<void> {
  const { configuration, faults } = configure([...seen.objects.items.values()], null)
  const line = await state.windows(cluster)
  const last = line === null ? null : readWindows(line, createPublicKey(key), cluster)
  const addresses = configuration.pools.flatMap(pool => pool.addresses)
  const judged = { addresses, refused: faults.length > 0 }
  const next = nextWindows(judged, last, { cluster, nowMs: Date.now() })
  if (!next) return
  await state.keepWindows(cluster, signWindows(next, key))
  log.info({ version: next.version, addresses: next.addresses }, 'pool windows are signed')
}
