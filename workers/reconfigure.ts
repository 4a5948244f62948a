/** Judges the configuration objects as a whole, puts in force what is good, and says of each bad one why. */
import { createHash } from 'node:crypto'
import { type Advice, advise } from '../functions/configure/advice.ts'
import { configure } from '../functions/configure/configure.ts'
import type { World } from '../infra/process.ts'
import { EVENTS_KEY } from '../infra/redis/publishing.ts'
import type { PublishWorld } from './on-publish.ts'

/**
 * Reads the objects from Redis, not from memory: both watchers judge the same, and the one that lags
 * cannot put an older configuration in force (the revision tells). `nonce`: of the adoption for whose
 * sake it is judged, or "". Says how many parts of it are refused; null: nothing could be judged.
 */
export async function reconfigure(
  world: PublishWorld,
  log: World['log'],
  nonce: string,
): Promise<number | null> {
  const { state, scripts, cluster } = world
  const queue = `publish-${cluster}`
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
  for (const fault of faults) {
    await report(fault, REFUSED, world, log)
  }
  const nodes = (await state.nodes(cluster)).flatMap(node => node.addresses)
  for (const advice of advise(configuration, nodes)) {
    await report(advice, DOUBTED, world, log)
  }
  await world.ring(queue, ['configuration'])
  await world.ringSoon(queue, ['pool/*'])
  return faults.length
}

const reported = new WeakMap<PublishWorld, Set<string>>()

const REFUSED = {
  reason: 'ConfigurationRefused',
  outcome: 'configuration refused; the last good one stays in force',
}
const DOUBTED = {
  reason: 'NodeAddressInPool',
  outcome: 'configuration in force, with a warning',
}

/** Once for each distinct message about an object: in the log and as an event on the object. */
async function report(
  { kind, name, message }: Advice,
  { reason, outcome }: typeof REFUSED,
  world: PublishWorld,
  log: World['log'],
): Promise<void> {
  const { seen, namespace, instance, publishing, cluster } = world
  const object = seen.objects.items.get(`${kind}/${name}`)
  if (!object) return
  const digest = createHash('sha256')
    .update([object.uid, message].join('\n'))
    .digest('hex')
    .slice(0, 16)
  const said = reported.get(world) ?? new Set()
  reported.set(world, said)
  if (said.has(digest)) return
  const apiVersion = kind === 'ConfigMap' ? 'v1' : 'metallb.io/v1beta1'
  await publishing.owe({
    name: `${name}.${digest}`,
    type: 'Warning',
    reason,
    action: 'Configure',
    note: message,
    regarding: { apiVersion, kind, namespace, name, uid: object.uid },
    reportingInstance: instance,
  })
  await world.ring(`publish-${cluster}`, [EVENTS_KEY])
  said.add(digest)
  log.error({ kind, name, reason: message }, outcome)
}
