/** Is this Redis one that Herald can work with? And what to do when it is not. */
import { setTimeout as after } from 'node:timers/promises'
import type { Cluster, Redis } from 'ioredis'
import { Fault } from '../../functions/model/fault.ts'
import type { RedisConfig } from '../config/redis.ts'
import type { World } from '../process.ts'

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
  const info = parseInfo(await untilReady(redis, config).then(() => redis.info()))
  const version = info.get('redis_version') ?? 'unknown'
  if (isOlder(version)) {
    throw new Fault('RedisTooOld', {
      what: `Redis at ${whereIs(config)} is version ${version}`,
      why: `Herald needs ${LEAST_VERSION.join('.')} or later`,
      remedy: 'Upgrade it, or point --redis-url (REDIS_URL) at a newer one',
      retry: true,
    })
  }
  const policy = info.get('maxmemory_policy') ?? 'noeviction'
  const warning = `maxmemory-policy is ${policy}: Redis may drop addresses and jobs; set it to noeviction`
  return { warning: policy === 'noeviction' ? null : warning }
}

/** What went wrong between us and Redis, in words that say what to do; never repeats a password. */
export function redisFault(error: unknown, config: RedisConfig): Fault {
  const text = error instanceof Error ? describe(error) : String(error)
  const known = TROUBLES.find(({ signs }) => signs.test(text))
  const { code, remedy } = known ?? {
    code: 'RedisUnusable',
    remedy: 'It is tried again every second; the log of the Redis server may say more',
  }
  const what = `Redis at ${whereIs(config)} cannot be used`
  return new Fault(code, { what, why: text, remedy, retry: true, cause: error })
}

const TROUBLES: readonly { code: string; signs: RegExp; remedy: string }[] = [
  {
    code: 'RedisPasswordMissing',
    signs: /NOAUTH|Authentication required/,
    remedy:
      'It wants a password: set HERALD_REDIS_PASSWORD, or --redis-password-file, or write it in the URL',
  },
  {
    code: 'RedisPasswordWrong',
    signs: /WRONGPASS|invalid password|invalid username/,
    remedy: 'Correct HERALD_REDIS_PASSWORD, --redis-password-file, or the URL',
  },
  {
    code: 'RedisForbidden',
    signs: /NOPERM/,
    remedy: 'Grant this user the commands and the keys under the prefix (ACL SETUSER)',
  },
  {
    code: 'RedisCertificate',
    signs: /certificate|CERT_|self.signed|ERR_TLS|wrong version number|SSL/i,
    remedy:
      'Give the authority that signed its certificate with --redis-ca-file, and use rediss:// only with TLS',
  },
  {
    code: 'RedisUnreachable',
    signs:
      /ECONN|ENOENT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|unreachable|no answer|Failed to refresh/,
    remedy:
      'Start it, or point --redis-url (REDIS_URL) at the right place; it is tried again by itself',
  },
]

/** ioredis wraps what happened to the nodes of a cluster, and to sentinels, in an error of its own. */
function describe(error: Error): string {
  const inner = 'lastNodeError' in error ? error.lastNodeError : null
  const { message } = inner instanceof Error ? inner : error
  return (message || ('code' in error ? String(error.code) : error.name)).slice(0, 200)
}

function whereIs({ mode, endpoints, sentinel }: RedisConfig): string {
  const places = endpoints.map(at => ('path' in at ? at.path : `${at.host}:${at.port}`)).join(', ')
  if (mode === 'sentinel') return `"${sentinel.name}" of the sentinels ${places}`
  return places
}

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

function parseInfo(text: string): Map<string, string> {
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
