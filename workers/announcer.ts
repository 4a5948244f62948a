/**
 * The announcer: answers ARP and NDP for the addresses of its node. Holds NET_RAW on one node and Redis, no
 * Kubernetes credentials. The link (infra/link) agrees with the other announcers on the LAN who answers for what, in a
 * thread of its own; here it is told what Redis says, and what it decided is written down there and in a file. Neither is
 * needed for a failover.
 */
import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import type { Claim } from '../functions/liveness/messages.ts'
import { placementOf } from '../functions/liveness/reading.ts'
import type { Finding } from '../functions/model/finding.ts'
import type { Announcer } from '../functions/model/node.ts'
import { LEASE_MS } from '../functions/place/lapsed.ts'
import { BACK_AFTER_MS } from '../functions/place/place.ts'
import { findBeatKeys } from '../infra/beat-keys.ts'
import { collectAtRest } from '../infra/garbage.ts'
import { type Link, type LinkOptions, openLink } from '../infra/link/link.ts'
import { measureLag, measureLink } from '../infra/metrics/link.ts'
import type { Metrics } from '../infra/metrics/metrics.ts'
import { timed } from '../infra/metrics/redis.ts'
import type { Running, World } from '../infra/process.ts'
import { answer, openBells } from '../infra/queue/queues.ts'
import { waitForRedis } from '../infra/redis/check.ts'
import { connectRedis } from '../infra/redis/connect.ts'
import { ANNOUNCED_KEY } from '../infra/redis/publishing.ts'
import { scriptsOf } from '../infra/redis/scripts.ts'
import { stateOf } from '../infra/redis/state.ts'
import { Remembered } from '../infra/remembered.ts'
import { Alarms } from './alarms.ts'
import { type Bound, openBound } from './bound.ts'
import { type FindingsWorld, unprobed, writeFindings } from './findings.ts'
import { traceFirstFrames } from './first-frames.ts'
import { comeBack, handOver, type PlacedWorld, ringPlace } from './hand-over.ts'
import { watchKernel } from './kernel.ts'
import { eventsOf, type Told } from './link-events.ts'
import { repeat } from './repeat.ts'

const RENEW_EVERY_MS = 1000

interface Post extends FindingsWorld, PlacedWorld, Told {
  readonly session: string
  /** Null: it has no key to know by what is signed. */
  readonly bound: Bound | null
  readonly metrics: Metrics
  readonly startedMs: number
  ringSoon(queue: string, keys: readonly string[]): Promise<void>
  /** Incarnation of Redis in which it last reported all that it answers for. */
  incarnation: string
}

/** `open` is how it gets to its LAN: the sandbox has another way where there is none. */
export async function runAnnouncer(
  world: World,
  open: (options: LinkOptions) => Promise<Link> = openLink,
): Promise<Running> {
  const { config, log, metrics } = world
  const { cluster, nodeName: node, prefix } = config
  const redis = timed(connectRedis(config.redis, 'commands', log), metrics)
  const waiting = connectRedis(config.redis, 'blocking', log)
  const bells = openBells(redis, prefix, log)
  const state = stateOf(redis, prefix)
  const stateDir = resolve(config.stateDir)
  const session = randomBytes(8).toString('hex')
  const remembered = new Remembered(stateDir, error =>
    log.warn(
      { error, stateDir },
      'cannot remember what is announced; a start without Redis needs it',
    ),
  )
  const keys = await findBeatKeys({ ...config, stateDir }, async otherwise => {
    await waitForRedis(redis, world)
    return state.beatKey(otherwise)
  })
  const key = config.windowsPublicKey
  const bound = key && (await openBound(key, state, () => waitForRedis(redis, world), world))
  const owed = new Map<string, Claim>()
  const found = new Map<string, Finding>()
  const alarms = new Alarms()
  const events = eventsOf({ remembered, owed, found, alarms }, world)
  const link = await open({
    excludeInterfaces: config.excludeInterfaces,
    log,
    member: {
      cluster,
      keys,
      node,
      session,
      probe: config.probe,
      remembered: [...remembered.claims.values()],
      withheld: [...remembered.withheld],
      bound: bound?.ranges() ?? null,
      ...events,
    },
    onInterfaces: list => {
      log.info({ node, interfaces: list.map(one => one.name) }, 'interfaces changed')
      renewing.soon(0)
    },
  })
  const post: Post = {
    cluster,
    node,
    session,
    finder: { cluster, clusters: config.clusters, node },
    log,
    state,
    scripts: scriptsOf(redis, prefix),
    link,
    bound,
    metrics,
    startedMs: Date.now(),
    ring: (queue, keys) => bells.ring(queue, keys),
    ringSoon: (queue, keys) => bells.ringSoon(queue, keys),
    remembered,
    owed,
    found,
    alarms,
    hears: [],
    epoch: 0,
    incarnation: '',
  }
  // Again and again: it may not be eligible yet, or Redis may be away.
  const backing = setInterval(() => comeBack(post).catch(() => {}), BACK_AFTER_MS + RENEW_EVERY_MS)
  const watching = watchKernel(post, world)
  const collecting = collectAtRest(() => link.collect())
  const addresses = () => [...remembered.claims.values()].flatMap(claim => claim.addresses)
  measureLink({ node, link, state, addresses }, metrics)
  metrics.count('herald_lease_renewals_failed_total', {}, 0)
  const renewing = repeat(
    RENEW_EVERY_MS,
    () => renew(post, LEASE_MS),
    error => {
      metrics.count('herald_lease_renewals_failed_total', {})
      log.debug({ error }, 'lease not renewed; going on with what is known')
    },
  )
  events.begin(post, renewing)
  redis.on('close', () => link.read(null)) // commands wait until it is back
  const answering = answer(`announce-${cluster}-${node}`, () => reload(post), {
    connection: waiting,
    prefix,
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
      clearInterval(backing)
      clearInterval(collecting)
      watching.stop()
      await handOver(post, {
        renewing,
        reaches: () => redis.status === 'ready',
        end: () => renew(post, 0),
      })
      await answering.stop(500)
      await link.stop()
      remembered.flush()
      await bells.close()
      waiting.disconnect()
      redis.disconnect()
    },
  }
}

/** Reads the placements whose bells were rung and tells the link. */
async function reload(post: Post): Promise<void> {
  const { cluster, node, state } = post
  const queue = `announce-${cluster}-${node}`
  const dirty = await state.dirtyKeys(queue)
  const added = await read(
    post,
    dirty.map(([group]) => group),
  )
  traceFirstFrames(added, post.link)
  for (const [key, version] of dirty) await state.answered(queue, key, version)
}

async function read(
  { cluster, node, state, link, bound, remembered, metrics, startedMs }: Post,
  groups: readonly string[],
  alive: readonly string[] | null = null,
): Promise<readonly string[]> {
  const ranges = await bound?.look()
  if (ranges) link.bind(ranges)
  const found = await state.placements(cluster, groups)
  const placements = [...found.values()].filter(placement => placement !== null)
  const mine = placements.filter(({ owner }) => owner?.node === node)
  const fresh = mine.filter(({ group }) => !remembered.claims.has(group))
  measureLag(fresh, { atMs: Date.now(), startedMs }, metrics)
  const added = mine.flatMap(({ group, addresses }) => {
    const before = remembered.claims.get(group)?.addresses ?? []
    return addresses.filter(address => !before.includes(address))
  })
  link.read({
    placements,
    alive: alive ?? [...(await state.leases(cluster)).keys()],
    unprobed: await unprobed(added, state),
  })
  return added
}

/** Renews the lease and writes down what was taken over. A Redis that is new, empty or older is first told everything. */
async function renew(post: Post, leaseMs: number): Promise<void> {
  const { cluster, node, scripts, state, remembered, owed } = post
  const lease = { ms: leaseMs, incarnation: post.incarnation }
  const report = (claims: Iterable<Claim>, all: boolean) => {
    const nowMs = Date.now()
    const placements = [...claims].map(one => placementOf(one, TAKEN, nowMs))
    return scripts.renew(cluster, self(post), lease, { placements, all })
  }
  const owing = [...owed.values()]
  let answered = await report(owing, false)
  let groups = owing.map(claim => claim.group)
  if (answered.report) {
    answered = await report(remembered.claims.values(), true)
    const placed = await Promise.all([
      state.groupsOf(cluster, node),
      state.standbyOf(cluster, node),
    ])
    groups = [...new Set([...placed.flat(), ...remembered.claims.keys()])]
    post.incarnation = answered.incarnation
  }
  for (const claim of owing) if (owed.get(claim.group) === claim) owed.delete(claim.group)
  if (groups.length > 0 || post.alarms.areNew())
    await post.ringSoon(`publish-${cluster}`, [ANNOUNCED_KEY])
  await read(post, groups, answered.alive)
  await ringPlace(answered.groups, post)
  await writeFindings(post)
}

const TAKEN = 'taken over on the LAN'

function self(post: Post): Announcer {
  const { node, session, link, epoch, hears, alarms, startedMs } = post
  const upMs = Date.now() - startedMs
  return {
    node,
    session,
    interfaces: link.interfaces(),
    epoch,
    hears,
    upMs,
    alarms: alarms.recent(),
    kernelAnswers: alarms.kernelAnswers,
  }
}
