/**
 * The announcer: answers ARP for the addresses placed on its node. Holds NET_RAW on one node and Redis,
 * no Kubernetes credentials. The link (infra/link) answers in a thread of its own; here it is told what
 * for. When Redis is away it goes on with what it knows.
 */
import { randomUUID } from 'node:crypto'
import { announced, type Table, update } from '../functions/announce/table.ts'
import type { Announcer, AnnouncerInterface } from '../functions/model/node.ts'
import { type Link, type LinkOptions, openLink } from '../infra/link/link.ts'
import { measureLag, measureLink } from '../infra/metrics/link.ts'
import type { Metrics } from '../infra/metrics/metrics.ts'
import { timed } from '../infra/metrics/redis.ts'
import type { Running, World } from '../infra/process.ts'
import { answer, openBells } from '../infra/queue/queues.ts'
import { connectRedis } from '../infra/redis/connect.ts'
import { type Scripts, scriptsOf } from '../infra/redis/scripts.ts'
import { type State, stateOf } from '../infra/redis/state.ts'
import { LEASE_MS } from './allocator.ts'

const RENEW_EVERY_MS = 1000
/** A planned stop waits so long for others to take over what this node answers for. */
const HANDOVER_MS = 3000

interface Post {
  readonly cluster: string
  readonly node: string
  readonly session: string
  readonly state: State
  readonly scripts: Scripts
  readonly link: Link
  readonly metrics: Metrics
  readonly startedMs: number
  ring(queue: string, keys: readonly string[]): Promise<void>
  table: Table
  /** Incarnation of Redis in which it last reported. */
  incarnation: string
}

/** `open` is how it gets to its LAN: the sandbox has another way where there is none. */
export async function runAnnouncer(
  { config, log, metrics }: World,
  open: (options: LinkOptions) => Promise<Link> = openLink,
): Promise<Running> {
  const redis = timed(connectRedis(config.redis, 'commands', log), metrics)
  const waiting = connectRedis(config.redis, 'blocking', log)
  const bells = openBells(redis, config.prefix, log)
  const { cluster, nodeName: node } = config
  let changed = (_: readonly AnnouncerInterface[]) => {}
  const link = await open({
    excludeInterfaces: config.excludeInterfaces,
    log,
    onInterfaces: list => changed(list),
  })
  const post: Post = {
    cluster,
    node,
    session: randomUUID(),
    state: stateOf(redis, config.prefix),
    scripts: scriptsOf(redis, config.prefix),
    link,
    metrics,
    startedMs: Date.now(),
    ring: (queue, keys) => bells.ring(queue, keys),
    table: new Map(),
    incarnation: '',
  }
  changed = list => {
    log.info({ node, interfaces: list.map(one => one.name) }, 'interfaces changed')
    placeAgain(post).catch(() => {}) // the next renewal says it all the same
  }

  const addresses = () => announced(node, post.table).map(one => one.address)
  measureLink({ node, link, state: post.state, addresses }, metrics)
  metrics.count('herald_lease_renewals_failed_total', {}, 0)
  const renewing = repeat(
    RENEW_EVERY_MS,
    () => renew(post, LEASE_MS),
    error => {
      metrics.count('herald_lease_renewals_failed_total', {})
      log.debug({ error }, 'lease not renewed; going on with what is known')
    },
  )
  const answering = answer(`announce-${cluster}-${node}`, () => reload(post), {
    connection: waiting,
    prefix: config.prefix,
    concurrency: 1,
    log,
    metrics,
  })
  log.info({ node, interfaces: link.interfaces().map(one => one.name) }, 'announcer is answering')

  return {
    ready: () => ({
      redis:
        redis.status === 'ready'
          ? null
          : `connection is ${redis.status}; known addresses stay announced`,
      interfaces: link.interfaces().length > 0 ? null : 'no interface qualifies for announcing',
    }),
    alive: () => ({ queue: answering.running() ? null : 'the queue worker ended' }),
    async stop() {
      renewing.stop()
      if (redis.status === 'ready') await handOver(post)
      await answering.stop(500)
      await link.stop()
      await bells.close()
      waiting.disconnect()
      redis.disconnect()
    },
  }
}

/** Reads every placement that concerns this node and tells the link. */
async function reload(post: Post): Promise<void> {
  const { cluster, node, state } = post
  const dirty = await state.dirtyKeys(`announce-${cluster}-${node}`)
  const groups = new Set([...(await state.groupsOf(cluster, node)), ...post.table.keys()])
  const read = await state.placements(cluster, [...groups])
  const before = post.table
  post.table = update(node, before, read)
  post.link.set(announced(node, post.table))
  const now = { table: post.table, atMs: Date.now(), startedMs: post.startedMs }
  measureLag(node, before, now, post.metrics)
  for (const [key, version] of dirty)
    await state.answered(`announce-${cluster}-${node}`, key, version)
}

/** Renews the lease. A Redis that is new, empty or older is first told what this node answers for. */
async function renew(post: Post, leaseMs: number): Promise<void> {
  const { cluster, scripts } = post
  const lease = { ms: leaseMs, incarnation: post.incarnation }
  let answered = await scripts.renew(cluster, self(post), lease, null)
  if (answered.report) {
    answered = await scripts.renew(cluster, self(post), lease, [...post.table.values()])
    post.incarnation = answered.incarnation
    await reload(post)
  }
  if (answered.groups.length > 0) {
    await post.ring(
      'place',
      answered.groups.map(group => `${cluster}/${group}`),
    )
  }
}

/** A planned stop: the lease ends at once, and this node answers until others do. */
async function handOver(post: Post): Promise<void> {
  const deadline = performance.now() + HANDOVER_MS
  await renew(post, 0)
  while (post.table.size > 0 && performance.now() < deadline) {
    await placeAgain(post)
    await new Promise(resolve => setTimeout(resolve, 200))
    await reload(post)
  }
}

async function placeAgain({ cluster, table, state, ring }: Post): Promise<void> {
  const groups = new Set([...table.keys(), ...(await state.unplaced(cluster))])
  await ring(
    'place',
    [...groups].map(group => `${cluster}/${group}`),
  )
}

function self({ node, session, link, table }: Post): Announcer {
  const epoch = Math.max(0, ...[...table.values()].map(placement => placement.epoch.number))
  return { node, session, interfaces: link.interfaces(), epoch }
}

/** Runs at once and then every so often, never twice at a time. */
function repeat(
  everyMs: number,
  task: () => Promise<void>,
  failed: (error: unknown) => void,
): { stop(): void } {
  let busy = false
  const run = async () => {
    if (busy) return
    busy = true
    await task().catch(failed)
    busy = false
  }
  const timer = setInterval(run, everyMs)
  run()
  return { stop: () => clearInterval(timer) }
}
