/** Is this Redis one that Herald can work with? And what to do when it is not. */
import { setTimeout as after } from 'node:timers/promises'
import type { Cluster, Redis } from 'ioredis'
import { Fault } from '../../functions/model/fault.ts'
import type { RedisConfig } from '../config/redis.ts'
import type { World } from '../process.ts'
import { redisFault, whereIs } from './troubles.ts'

/** BITPOS with a range, GETDEL, and the guarantees that the scripts build on. */
const LEAST_VERSION = [6, 2] as const
const ANSWER_LIMIT_MS = 3000
const TRY_AGAIN_MS = 1000
const SAY_AGAIN_MS = 10_000

/**
 * Comes back when Redis can be worked with, however long that takes; says every 10 s what is missing,
 * and lets /readyz say it too. Whatever is wrong can be mended without restarting us, so nothing here
 * ends the process. Rejects with AbortError when the process is asked to stop.
 */
export async function waitForRedis(
  redis: Redis | Cluster,
  world: Pick<World, 'config' | 'log' | 'signal' | 'waitingFor'>,
): Promise<void> {
  let said = ''
  for (let elapsedMs = 0; ; elapsedMs += TRY_AGAIN_MS) {
    try {
      const { warning } = await checkRedis(redis, world.config.redis)
      if (warning) world.log.warn({ warning }, 'Redis is not set up as it should be')
      return
    } catch (error) {
      const { message } = error instanceof Fault ? error : redisFault(error, world.config.redis)
      world.waitingFor(message)
      if (message !== said || elapsedMs % SAY_AGAIN_MS === 0) {
        world.log.error({ trouble: message }, 'waiting for Redis')
      }
      said = message
    }
    await after(TRY_AGAIN_MS, undefined, { signal: world.signal })
  }
}

/** Throws a Fault that says what to do; a warning is what works but should be mended. */
export async function checkRedis(
  redis: Redis | Cluster,
  config: RedisConfig,
): Promise<{ warning: string | null }> {
  await untilReady(redis, config)
  let warning: string | null = null
  for (const server of serversOf(redis)) {
    const info = parseInfo(await server.info())
    const unfit = UNFIT.find(one => one.when(info, config))
    if (unfit) {
      const what = `Redis at ${whereIs(config)} ${unfit.what(info)}`
      throw new Fault(unfit.code, { what, why: unfit.why, remedy: unfit.remedy, retry: true })
    }
    const policy = policyOf(info)
    if (policy !== 'noeviction') {
      warning = `maxmemory-policy is ${policy}: Redis may drop addresses and jobs; set it to noeviction`
    }
  }
  return { warning }
}

/** Of a Cluster every master: our slot may move to any of them. */
const serversOf = (redis: Redis | Cluster): readonly Redis[] =>
  'nodes' in redis ? redis.nodes('master') : [redis]

type Info = ReadonlyMap<string, string>

const policyOf = (info: Info) => info.get('maxmemory_policy') ?? 'noeviction'

/** What makes a server that answers one that cannot be worked with (INFO, redis.io/commands/info). */
const UNFIT: readonly {
  readonly code: string
  readonly when: (info: Info, config: RedisConfig) => boolean
  readonly what: (info: Info) => string
  readonly why: string
  readonly remedy: string
}[] = [
  {
    code: 'RedisTooOld',
    when: info => isOlder(info.get('redis_version') ?? 'unknown'),
    what: info => `is version ${info.get('redis_version') ?? 'unknown'}`,
    why: `Herald needs ${LEAST_VERSION.join('.')} or later`,
    remedy: 'Upgrade it, or point --redis-url (REDIS_URL) at a newer one',
  },
  {
    code: 'RedisModeWrong',
    when: (info, { mode }) =>
      mode === 'standalone' && (info.get('redis_mode') ?? mode) !== 'standalone',
    what: info => `runs in mode ${info.get('redis_mode')}`,
    why: '--redis-mode (HERALD_REDIS_MODE) is standalone',
    remedy: 'Set --redis-mode to what it is',
  },
  {
    code: 'RedisReplica',
    when: (info, { mode }) => mode === 'standalone' && info.get('role') === 'slave',
    what: info => `is a replica of ${info.get('master_host')}:${info.get('master_port')}`,
    why: 'a replica takes no writes',
    remedy: 'Point --redis-url (REDIS_URL) at the master, or use --redis-mode sentinel',
  },
  {
    // What is evicted would be handed out again. With volatile-*, only keys that expire anyway go.
    code: 'RedisEvicts',
    when: info => policyOf(info).startsWith('allkeys') && info.get('maxmemory') !== '0',
    what: info => `has maxmemory-policy ${policyOf(info)}`,
    why: 'it forgets who holds which address when it has used maxmemory',
    remedy: 'Set its maxmemory-policy to noeviction, or its maxmemory to 0',
  },
]

/** Waits for the connection; throws the first thing that goes wrong meanwhile. */
async function untilReady(redis: Redis | Cluster, config: RedisConfig): Promise<void> {
  if (redis.status === 'ready') return
  let forget = () => {}
  const outcome = new Promise<void>((resolve, reject) => {
    const fail = (error: Error) => reject(redisFault(error, config))
    const timer = setTimeout(() => fail(new Error('no answer')), ANSWER_LIMIT_MS)
    redis.once('ready', resolve)
    redis.once('error', fail)
    forget = () => {
      clearTimeout(timer)
      redis.off('ready', resolve)
      redis.off('error', fail)
    }
  })
  await outcome.finally(() => forget())
}

function parseInfo(text: string): Info {
  return new Map(
    text.split('\r\n').map(line => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), line.slice(colon + 1)]
    }),
  )
}

function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < LEAST_VERSION[0] || (major === LEAST_VERSION[0] && minor < LEAST_VERSION[1])
}
