/**
 * Answers `configuration` of a publish queue: whether the configuration could be used, in MetalLB's ConfigurationState, and
 * on each L2Advertisement whose definition has conditions (pools: on-pools.ts). Written only when it changes.
 */
import { configure } from '../functions/configure/configure.ts'
import { STATE_NAME, stateOf } from '../functions/publish/configuration-state.ts'
import { ApiError } from '../infra/kubernetes/client.ts'
import { applyConfigurationState } from '../infra/kubernetes/write.ts'
import { conditionsIn, toldOn, writeStatus } from './object-status.ts'
import type { PublishWorld } from './publish-world.ts'

export async function publishConfiguration(world: PublishWorld): Promise<void> {
  const { state, cluster, api, namespace, owner, seen } = world
  const [objects, inForce] = await Promise.all([
    state.objects(cluster),
    state.configuration(cluster),
  ])
  if (!inForce) return // not judged yet
  const { faults } = configure(objects, inForce.configuration)
  const shown = seen.states.items.get(STATE_NAME) ?? null
  const status = stateOf(faults, shown, new Date().toISOString())
  if (status) {
    await applyConfigurationState(api, { namespace, exists: shown !== null, owner, status }).catch(
      (error: unknown) => {
        // The kind, or the namespace, is not there: then nobody looks for it either.
        if (!(error instanceof ApiError && error.status === 404)) throw error
      },
    )
  }
  for (const object of seen.objects.items.values()) {
    if (object.kind !== 'L2Advertisement') continue
    const conditions = toldOn(object, faults, world.statuses)
    if (!conditions || conditions.every(one => conditionsIn(object.status).includes(one))) continue
    await writeStatus(object, JSON.stringify({ conditions }), world)
  }
}
