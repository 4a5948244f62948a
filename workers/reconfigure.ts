/** Judges the configuration objects as a whole, puts in force what is good, and says of each bad one why. */
import { createHash } from 'node:crypto'
import { type Advice, advise } from '../functions/configure/advice.ts'
import { configure } from '../functions/configure/configure.ts'
import { createEvent } from '../infra/kubernetes/write.ts'
import type { World } from '../infra/process.ts'
import type { PublishWorld } from './on-publish.ts'
import type { Seen } from './sightings.ts'

/**
 * Reads the objects from Redis, not from memory: both watchers judge the same, and the one that lags
 * cannot put an older configuration in force (the revision tells). `nonce`: of the adoption for whose
 * sake it is judged, or "". Says how many parts of it are refused; null: nothing could be judged.
 */
export async function reconfigure(
  seen: Seen,
  world: PublishWorld,
  namespace: string,
  log: World['log'],
  nonce: string,
): Promise<number | null> {
  const { state, scripts, cluster } = world
  const revision = await state.objectsRevision(cluster)
  const [objects, inForce] = await Promise.all([
    state.objects(cluster),
    state.configuration(cluster),
  ])
  const { configuration, faults } = configure(objects, inForce?.configuration ?? null)
  const changed = await scripts.configure(cluster, revision, configuration, nonce)
  if (changed === null) return null // the last good one is not known yet; whoever adopts judges again
  if (changed) {
    log.info(
      { source: configuration.source, pools: configuration.pools.map(one => one.name) },
      'configuration is in force',
    )
    await world.ring('allocate', [`${cluster}/*`])
    await world.ring('place', [`${cluster}/*`])
  }
  const tell = reporter(seen, world, namespace, log)
  for (const fault of faults) {
    await tell(fault, 'ConfigurationRefused', 'refused; the last good one stays in force')
  }
  const nodes = (await state.nodes(cluster)).flatMap(node => node.addresses)
  for (const advice of advise(configuration, nodes)) {
    await tell(advice, 'NodeAddressInPool', 'in force, with a warning')
  }
  return faults.length
}

const reported = new WeakMap<Seen, Set<string>>()

/** Once for each distinct fault of each version of an object: in the log and as an event on the object. */
const reporter =
  (seen: Seen, world: PublishWorld, namespace: string, log: World['log']) =>
  async ({ kind, name, message }: Advice, reason: string, outcome: string) => {
    const object = seen.objects.items.get(`${kind}/${name}`)
    if (!object) return
    const digest = createHash('sha256')
      .update([object.uid, message].join('\n'))
      .digest('hex')
      .slice(0, 16)
    const said = reported.get(seen) ?? new Set()
    reported.set(seen, said)
    if (said.has(digest)) return
    said.add(digest)
    log.error({ kind, name, reason: message }, `configuration ${outcome}`)
    await createEvent(world.api, {
      name: `${name}.${digest}`,
      type: 'Warning',
      reason,
      action: 'Configure',
      note: message,
      regarding: {
        apiVersion: kind === 'ConfigMap' ? 'v1' : 'metallb.io/v1beta1',
        kind,
        namespace,
        name,
        uid: object.uid,
      },
      reportingInstance: world.instance,
    }).catch((error: unknown) => {
      said.delete(digest)
      log.warn({ error }, 'the event about a configuration could not be written')
    })
  }
