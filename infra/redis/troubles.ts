/** What goes wrong between us and Redis, in words that say what to do. */
import { Fault } from '../../functions/model/fault.ts'
import type { RedisConfig } from '../config/redis.ts'

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
    code: 'RedisSentinelPassword',
    signs: /sentinels .*(NOAUTH|WRONGPASS)/,
    remedy: 'The sentinels want a password: set HERALD_REDIS_SENTINEL_PASSWORD to the right one',
  },
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
    signs: /certificate|CERT_|self.signed|ERR_TLS|TLS failed|SSL/i,
    remedy:
      'Give the authority that signed its certificate with --redis-ca-file, and use rediss:// only with TLS',
  },
  {
    code: 'RedisSentinelName',
    signs: /No such master/,
    remedy: 'Give the name that the sentinels use: --redis-sentinel-name',
  },
  {
    code: 'RedisModeWrong',
    signs: /unknown command .sentinel|cluster support disabled/i,
    remedy: 'It is a plain Redis server: correct --redis-mode (HERALD_REDIS_MODE)',
  },
  {
    code: 'RedisHangsUp',
    signs: /ECONNRESET|EPIPE/,
    remedy: 'It ends every connection: use rediss:// if it speaks TLS; its own log says more',
  },
  {
    code: 'RedisNotThere',
    signs: /RESP type|Protocol error/,
    remedy: 'Something else answers there: point --redis-url (REDIS_URL) at a Redis server',
  },
  {
    code: 'RedisUnreachable',
    signs:
      /ECONN|ENOENT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|timed? ?out|unreachable|no answer|closed|Failed to refresh/i,
    remedy:
      'Start it, or point --redis-url (REDIS_URL) at the right place; it is tried again by itself',
  },
]

/**
 * ioredis wraps what happened to the nodes of a cluster, and to sentinels, in an error of its own. The same trouble gives
 * the same words at each attempt.
 */
function describe(error: Error): string {
  const inner = 'lastNodeError' in error ? error.lastNodeError : null
  const one = inner instanceof Error ? inner : error
  const { message } = one
  // OpenSSL's message has an address in memory and a line of its source.
  if ('library' in one && 'reason' in one) return `TLS failed, ${one.reason}`
  const text = message || ('code' in error ? String(error.code) : error.name)
  return text
    .replace(/Retrying from scratch after \d+ms\. /, '')
    .replace(/^(read|write) /, '')
    .replace(/[.\s]+$/, '')
    .slice(0, 200)
}

/** The place as a reader knows it. */
export function whereIs({ mode, endpoints, sentinel }: RedisConfig): string {
  const places = endpoints.map(at => ('path' in at ? at.path : `${at.host}:${at.port}`)).join(', ')
  if (mode === 'sentinel') return `"${sentinel.name}" of the sentinels ${places}`
  return places
}
