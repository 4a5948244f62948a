/**
 * The watcher: holds the Kubernetes credentials. Writes down in Redis what it sees of the cluster and rings
 * the allocators; has everything adopted again when Redis is empty, older or new; answers
 * `publish-<cluster>`. Two may run at once: the greater resourceVersion wins in every record.
 */
import { hostname } from 'node:os'
import type { Service } from '../functions/model/service.ts'
import { recordOf } from '../functions/watch/record.ts'
import { connectKubernetes } from '../infra/kubernetes/client.ts'
import { measuredWatch, measureRestarts } from '../infra/metrics/kubernetes.ts'
import { timed } from '../infra/metrics/redis.ts'
import type { Running, World } from '../infra/process.ts'
import { answer, openBells } from '../infra/queue/queues.ts'
import { waitForRedis } from '../infra/redis/check.ts'
import { connectRedis } from '../infra/redis/connect.ts'
import { decidingOf } from '../infra/redis/decisions.ts'
import { ANNOUNCED_KEY, publishingOf } from '../infra/redis/publishing.ts'
import { scriptsOf } from '../infra/redis/scripts.ts'
import { stateOf } from '../infra/redis/state.ts'
import { isLost, listedOrStopped, publishWhileHeard, troubleOf } from './contact.ts'
import { mirrorDecisions, mirroredDecisions } from './decisions.ts'
import { followAll } from './follow-all.ts'
import { adopt, type Sources } from './mirror.ts'
import { nothingWritten } from './object-status.ts'
import { onPublish } from './on-publish.ts'
import type { PublishWorld } from './publish-world.ts'
import { reconfigure } from './reconfigure.ts'
import { nothingSeen, type Seen } from './sightings.ts'
import { signPools } from './sign.ts'
import { traffic } from './traffic.ts'
import { runWebhook } from './webhook.ts'

/** Status patches under way at once: what keeps an API server busy that answers in some 100 ms under load. */
const PUBLISH_CONCURRENCY = 64
const ADOPT_EVERY_MS = 1000
/** What no bell tells, such as a reservation that has ended, shows in the status of pools after that. */
const LOOK_EVERY_MS = 30_000

/** `watchSeconds`: see FollowOptions. */
export async function runWatcher(process: World, watchSeconds?: number): Promise<Running> {
  const { config, log, metrics } = process
  const kubernetes = { kubeconfig: config.kubeconfig, context: config.context }
  const connected = await connectKubernetes(kubernetes)
  const redis = timed(connectRedis(config.redis, 'commands', log), metrics)
  const waiting = connectRedis(config.redis, 'blocking', log)
  await waitForRedis(redis, process)
  const bells = openBells(redis, config.prefix, log)
  const { api, scripts, settled } = measuredWatch(
    { api: connected, scripts: scriptsOf(redis, config.prefix) },
    metrics,
  )
  const seen = nothingSeen()
  const world: PublishWorld = {
    cluster: config.cluster,
    loadBalancerClass: config.loadBalancerClass,
    state: stateOf(redis, config.prefix),
    scripts,
    publishing: publishingOf(redis, config.prefix, config.cluster, scripts),
    traffic: traffic(),
    written: new Map(),
    seen,
    namespace: config.namespace,
    statuses: nothingWritten(),
    owner: config.pod,
    ring: (queue, keys) => bells.ring(queue, keys),
    ringSoon: (queue, keys) => bells.ringSoon(queue, keys),
    api,
    instance: hostname(),
  }
  // Half a configuration is none: nothing is judged before all its kinds have been listed.
  let complete = false
  const judge = async (nonce = '') => {
    if (!complete) return
    if (config.windowsKey) await signPools(config.windowsKey, world, log) // before anything of it is placed
    const refused = await reconfigure(world, log, nonce)
    if (refused === null) return
    metrics.set('metallb_k8s_client_config_loaded_bool', {}, 1)
    metrics.set('metallb_k8s_client_config_stale_bool', {}, refused > 0 ? 1 : 0)
  }
  const follows = followAll(api, seen, world, {
    namespace: config.namespace,
    log,
    judge: () => judge(),
    ...(watchSeconds && { watchSeconds }),
  })
  metrics.set('metallb_k8s_client_config_loaded_bool', {}, 0)
  measureRestarts(follows, metrics)

  await listedOrStopped(follows, process)
  complete = true
  await judge()

  const relearn = async (nonce: string) => {
    complete = false
    try {
      await Promise.all(follows.map(one => one.refresh()))
    } finally {
      complete = true
    }
    await judge(nonce)
  }
  const deciding = decidingOf(redis, config.prefix)
  const heard = () => !isLost(follows)
  const mirrored = () => mirroredDecisions(api, config.namespace, log)
  const adopting = adoptForever(seen, world, { mirrored, relearn, heard }, log)
  const mirroring = mirrorDecisions(
    { ...world, deciding },
    { namespace: config.namespace, log, heard },
  )
  const answering = async (key: string) => {
    await onPublish(key, world)
    settled(key.slice(key.indexOf('/') + 1))
  }
  const publishing = answer(`publish-${config.cluster}`, answering, {
    connection: waiting,
    prefix: config.prefix,
    concurrency: PUBLISH_CONCURRENCY,
    log,
    metrics,
  })
  const yielding = publishWhileHeard(publishing, follows, log)
  const queue = `publish-${config.cluster}`
  const looking = setInterval(() => {
    bells.ringSoon(queue, ['pool/*', 'configuration', ANNOUNCED_KEY]).catch(() => {}) // Redis is away: at the next look
  }, LOOK_EVERY_MS)
  const inForce = async () =>
    (await world.state.configuration(config.cluster))?.configuration ?? null
  const nodeAddresses = async () => [...seen.nodes.items.values()].flatMap(one => one.addresses)
  const webhook = config.webhook && runWebhook({ config, api, log, inForce, nodeAddresses })
  log.info({ services: seen.services.items.size }, 'watcher is watching')

  return {
    ready: () => ({
      redis: redis.status === 'ready' ? null : `connection is ${redis.status}`,
      kubernetes: troubleOf(follows),
      adoption: adopting.state(),
    }),
    alive: () => ({ queue: publishing.running() ? null : 'the queue worker ended' }),
    async stop() {
      webhook?.stop()
      yielding.stop()
      clearInterval(looking)
      adopting.stop()
      mirroring.stop()
      await Promise.all(follows.map(one => one.stop()))
      await publishing.stop(3000)
      await bells.close()
      waiting.disconnect()
      redis.disconnect()
      api.close()
    },
  }
}

/** Looks every second whether this life of Redis knows the cluster, and teaches it when not. */
function adoptForever(
  seen: Seen,
  world: PublishWorld,
  sources: Sources,
  log: World['log'],
): { state(): string | null; stop(): void } {
  let state: string | null = 'addresses found in status are not adopted yet'
  let busy = false
  const ours = (): Service[] =>
    [...seen.services.items.values()].filter(
      one => recordOf(one, world.loadBalancerClass)?.type === 'LoadBalancer',
    )
  const look = async () => {
    if (busy) return
    busy = true
    try {
      const adoption = await adopt(ours, sources, world)
      if (adoption.outcome === 'adopted') {
        log.info({ services: adoption.count }, 'adopted what status shows')
        for (const conflict of adoption.conflicts) {
          log.warn(
            conflict,
            'two Services show one address that they may not share; the older keeps it',
          )
        }
      }
      if (adoption.outcome === 'adopted' || adoption.outcome === 'current') state = null
      else state = `adoption is ${adoption.outcome}`
    } catch (error) {
      state = `adoption failed: ${error instanceof Error ? error.message : String(error)}`
      log.warn({ error }, 'adoption failed; trying again')
    } finally {
      busy = false
    }
  }
  const timer = setInterval(look, ADOPT_EVERY_MS)
  look()
  return { state: () => state, stop: () => clearInterval(timer) }
}
