/**
 * What was decided and no status shows, kept in Kubernetes too: written into a ConfigMap whenever it changed, and brought
 * back from there before anything is handed out by a Redis that lacks it.
 */
import { type Decisions, readDecisions, written } from '../functions/watch/decisions.ts'
import { ApiError, type KubernetesApi } from '../infra/kubernetes/client.ts'
import {
  readStateMap,
  STATE_MAP,
  STATE_MAP_MOST,
  writeStateMap,
} from '../infra/kubernetes/state-map.ts'
import type { World } from '../infra/process.ts'
import type { Deciding } from '../infra/redis/decisions.ts'

export interface DecisionsWorld {
  readonly cluster: string
  readonly api: KubernetesApi
  readonly deciding: Deciding
}

const LOOK_EVERY_MS = 1000
/** After a failure. */
const LATER_MS = 10_000

/** What the ConfigMap says. Throws what the API server says, for then nothing is known. */
export async function mirroredDecisions(
  api: KubernetesApi,
  namespace: string,
  log: World['log'],
): Promise<Decisions> {
  const map = await readStateMap(api, namespace)
  const { decisions, unreadable } = readDecisions(map?.data ?? {})
  if (unreadable.length > 0) {
    log.error(
      { configMap: `${namespace}/${STATE_MAP}`, keys: unreadable },
      'what was kept there cannot be read and is lost; it is written anew when something is decided',
    )
  }
  return decisions
}

/** Looks every second whether something was decided, and writes it down. */
export function mirrorDecisions(
  world: DecisionsWorld,
  { namespace, log, heard }: { namespace: string; log: World['log']; heard(): boolean },
): { stop(): void } {
  let done = ''
  let notBeforeMs = 0
  let said = ''
  let busy = false
  const look = async () => {
    if (busy || !heard() || performance.now() < notBeforeMs) return
    busy = true
    try {
      const stamp = await world.deciding.decided(world.cluster)
      if (stamp !== done && (await mirrorOnce(world, namespace, log))) done = stamp
      said = ''
    } catch (error) {
      if (error instanceof ApiError && error.status === 409) return // the other watcher was faster: look again
      notBeforeMs = performance.now() + LATER_MS
      const text = error instanceof Error ? error.message : String(error)
      if (text !== said) log.error({ error, configMap: `${namespace}/${STATE_MAP}` }, UNWRITTEN)
      said = text
    } finally {
      busy = false
    }
  }
  const timer = setInterval(look, LOOK_EVERY_MS)
  return { stop: () => clearInterval(timer) }
}

const UNWRITTEN =
  'what was decided could not be written down; it would be lost with Redis. infra/deploy/rbac.yaml grants what is needed'

/** False: nothing is known yet. The map is read before Redis, so that what another watcher wrote meanwhile is not undone. */
async function mirrorOnce(
  { api, deciding, cluster }: DecisionsWorld,
  namespace: string,
  log: World['log'],
): Promise<boolean> {
  const old = await readStateMap(api, namespace)
  const decisions = await deciding.decisions(cluster)
  if (!decisions) return false
  const data = written(decisions)
  const present = old?.data ?? {}
  const keys = new Set([...Object.keys(data), ...Object.keys(present)])
  if ([...keys].every(key => data[key] === present[key])) return true
  const octets = Object.values(data).reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  if (octets > STATE_MAP_MOST) {
    log.error(
      { octets, most: STATE_MAP_MOST, configMap: `${namespace}/${STATE_MAP}` },
      'what was decided does not fit into a ConfigMap and would be lost with Redis: release reservations, or merge pools',
    )
    return true
  }
  await writeStateMap(api, namespace, old, data)
  return true
}
