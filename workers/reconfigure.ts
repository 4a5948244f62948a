/** Judges the configuration objects as a whole, puts in force what is good, and says of each bad one why. */
import { type Advice, advise } from '../functions/configure/advice.ts'
import { configure } from '../functions/configure/configure.ts'
import { digest } from '../functions/publish/digest.ts'
import type { World } from '../infra/process.ts'
import type { PublishWorld } from './publish-world.ts'
import { owe } from './say.ts'

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
  const nodes = (await state.nodes(cluster)).flatMap(node => node.addresses)
  const said = reported.get(world) ?? new Set()
  const current = new Set<string>()
  const tell = async (advice: Advice, what: typeof REFUSED) => {
    const told = digestOf(advice, world)
    if (told === null) return
    current.add(told)
    if (!said.has(told)) await report(advice, told, what, world, log)
  }
  for (const fault of faults) await tell(fault, REFUSED)
  for (const advice of advise(configuration, nodes)) await tell(advice, DOUBTED)
  reported.set(world, current)
  await world.ring(queue, ['configuration'])
  await world.ringSoon(queue, ['pool/*'])
  return faults.length
}

/** What was said when the configuration was last judged; what is mended and broken again is said again. */
const reported = new WeakMap<PublishWorld, ReadonlySet<string>>()

const REFUSED = {
  reason: 'ConfigurationRefused',
  outcome: 'configuration refused; the last good one stays in force',
}
const DOUBTED = {
  reason: 'NodeAddressInPool',
  outcome: 'configuration in force, with a warning',
}

/** Names a message about an object; null when the object is gone. */
function digestOf({ kind, name, message }: Advice, { seen }: PublishWorld): string | null {
  const object = seen.objects.items.get(`${kind}/${name}`)
  return object ? digest(object.uid, message) : null
}

/** In the log and as an event on the object. */
async function report(
  { kind, name, message }: Advice,
  told: string,
  { reason, outcome }: typeof REFUSED,
  world: PublishWorld,
  log: World['log'],
): Promise<void> {
  const { seen, namespace } = world
  const apiVersion = kind === 'ConfigMap' ? 'v1' : 'metallb.io/v1beta1'
  const uid = seen.objects.items.get(`${kind}/${name}`)?.uid ?? ''
  const event = { type: 'Warning', reason, action: 'Configure', note: message } as const
  const regarding = { apiVersion, kind, namespace, name, uid }
  await owe({ ...event, name: `${name}.${told}` }, regarding, world)
  log.error({ kind, name, reason: message }, outcome)
}
