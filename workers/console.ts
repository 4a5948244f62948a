/**
 * The console: shows over HTTP what lies in Redis, and its queues. Holds Redis alone. Without it everything else goes on.
 */
import type { Hono } from 'hono'
import type { Config } from '../infra/config.ts'
import { openBoard } from '../infra/console/board.ts'
import { type Console, serveConsole, urlOf } from '../infra/console/server.ts'
import { timed } from '../infra/metrics/redis.ts'
import type { Running, World } from '../infra/process.ts'
import { openDepths } from '../infra/queue/depth.ts'
import { userName } from '../infra/redis/acl.ts'
import { connectRedis, type RedisConnection } from '../infra/redis/connect.ts'
import { historyAfter, historyOf } from '../infra/redis/history.ts'
import { scriptsOf } from '../infra/redis/scripts.ts'
import { stateOf } from '../infra/redis/state.ts'
import { answersOf, kindNamed } from './answers.ts'
import { type Picture, pictureOf } from './picture.ts'

const LOOK_EVERY_MS = 1000

export async function runConsole(world: World<Config>): Promise<Running> {
  const { config, log, metrics } = world
  const { prefix, cluster, adminToken: token } = config
  const listen = config.console ?? { host: '127.0.0.1', port: 0 }
  const redis = timed(connectRedis(config.redis, 'commands', log), metrics)
  const state = stateOf(redis, prefix)
  const scripts = scriptsOf(redis, prefix)
  const depths = openDepths(redis, prefix)
  const source = {
    ...{ state, scripts, cluster, depths },
    history: (after: string | null) => historyAfter(redis, prefix, after),
  }
  const answers = answersOf(source, () => historyOf(redis, prefix))
  const picture = pictureOf(source)
  const actor = connectActor(world, redis)
  const reading = openBoard('/queues', { connection: redis, prefix, readOnly: true })
  const acting =
    token === null
      ? null
      : openBoard('/admin/queues', { connection: actor, prefix, readOnly: false })
  const away = () =>
    redis.status === 'ready' ? null : `Redis is away (connection: ${redis.status}).`
  const present = () => {
    const trouble = away()
    if (trouble === null) return answers
    throw new Error(trouble)
  }
  const told = () => [{ event: 'trouble', data: away() }, ...picture.whole()]
  const boards: { reading: Hono; acting: Hono | null } = {
    reading: reading.routes,
    acting: acting?.routes ?? null,
  }
  const served = await serveConsole({
    listen,
    token,
    whole: told,
    boards,
    ask: {
      rows: async kind => present().rows(kindNamed(kind)),
      explained: async (kind, name) => present().explained(kindNamed(kind), name),
      history: async subject => present().history(subject),
    },
  })
  const address = urlOf({ host: listen.host, port: served.port })
  const showQueues = (names: readonly string[]) => {
    reading.show(names)
    acting?.show(names)
  }
  const looking = look(picture, served, { away, showQueues }, log)
  log.info({ address }, 'the console is served')
  return {
    ready: () => ({ redis: away() }),
    alive: () => ({}),
    async stop() {
      looking.stop()
      served.close()
      redis.disconnect()
      actor.disconnect()
      await Promise.allSettled([reading.close(), acting?.close(), depths.close()])
    },
  }
}

/** Who acts upon queues: the user who may, where there is one; otherwise whoever reads. */
function connectActor({ config, log }: World<Config>, reader: RedisConnection): RedisConnection {
  const { adminPassword: password } = config.redis
  if (password === null) return reader
  return connectRedis(
    { ...config.redis, username: userName('console-admin'), password },
    'commands',
    log,
  )
}

function look(
  picture: Picture,
  served: Console,
  about: { away(): string | null; showQueues(names: readonly string[]): void },
  log: World['log'],
): { stop(): void } {
  let busy = false
  let trouble: string | null = null
  const say = (text: string | null) => {
    if (text !== trouble) served.say({ event: 'trouble', data: text })
    trouble = text
  }
  const timer = setInterval(async () => {
    const away = about.away()
    if (away !== null || busy) return say(away ?? trouble)
    busy = true
    try {
      for (const told of await picture.look(served.pages() > 0)) served.say(told)
      about.showQueues(picture.queues())
      say(null)
    } catch (error) {
      log.warn({ error }, 'what lies in Redis could not be read')
      say(`What lies in Redis could not be read: ${error instanceof Error ? error.message : error}`)
    } finally {
      busy = false
    }
  }, LOOK_EVERY_MS)
  return { stop: () => clearInterval(timer) }
}
