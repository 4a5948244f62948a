/**
 * Connections to Redis that outlive it: they come back within a second of the server, through a
 * failover too, and say each distinct trouble once instead of at every attempt.
 */
import { Cluster, Redis, type RedisOptions } from 'ioredis'
import type { RedisConfig, RedisEndpoint } from '../config/redis.ts'
import type { Logger } from '../log.ts'
import { redisFault } from './troubles.ts'

export type RedisConnection = Redis | Cluster

/** 'commands' answer at once; 'blocking' ones (queues, XREAD BLOCK) may be silent for 10 s. */
export type RedisRole = 'commands' | 'blocking'

/**
 * How long the server may be silent while an answer is due, before the connection counts as half dead.
 * BullMQ blocks for at most 10 s; the shortest failover of Sentinel or Cluster is shorter than both.
 */
const SILENCE_MS: Readonly<Record<RedisRole, number>> = { commands: 5000, blocking: 15_000 }

const retryStrategy = (times: number): number => Math.min(times * 100, 1000)

/** Connects in the background: commands wait until the server is there. Quit it when done. */
export function connectRedis(config: RedisConfig, role: RedisRole, log: Logger): RedisConnection {
  const redis = config.mode === 'cluster' ? cluster(config, role) : single(config, role)
  sayTrouble(redis, config, log.child({ connection: role }))
  return redis
}

function common(config: RedisConfig, role: RedisRole) {
  return {
    ...(config.username ? { username: config.username } : {}),
    ...(config.password ? { password: config.password } : {}),
    ...(config.tls ? { tls: tlsOf(config) } : {}),
    connectionName: `herald-${role}`,
    maxRetriesPerRequest: null, // wait, however long the server is away
    connectTimeout: 3000,
    keepAlive: 10_000,
    socketTimeout: SILENCE_MS[role],
    // A former master that became a replica: connect anew and send the command again.
    reconnectOnError: (error: Error) => (error.message.startsWith('READONLY') ? 2 : false),
  } satisfies RedisOptions
}

const tlsOf = ({ tls }: RedisConfig) => (tls?.ca ? { ca: tls.ca } : {})

function single(config: RedisConfig, role: RedisRole): Redis {
  const options = { ...common(config, role), db: config.db, retryStrategy }
  if (config.mode === 'standalone') return new Redis({ ...options, ...config.endpoints[0] })
  return new Redis({
    ...options,
    sentinels: config.endpoints.filter(hasHost),
    name: config.sentinel.name,
    ...(config.sentinel.password ? { sentinelPassword: config.sentinel.password } : {}),
    ...(config.tls ? { sentinelTLS: tlsOf(config), enableTLSForSentinelMode: true } : {}),
    sentinelRetryStrategy: retryStrategy,
    sentinelCommandTimeout: 2000,
    failoverDetector: true, // sentinels say at once that the master changed
  })
}

function cluster(config: RedisConfig, role: RedisRole): Cluster {
  return new Cluster(config.endpoints.filter(hasHost), {
    redisOptions: common(config, role),
    clusterRetryStrategy: retryStrategy,
    // Together a minute: longer than any sensible cluster-node-timeout and the election after it.
    maxRedirections: 240,
    retryDelayOnFailover: 250,
    retryDelayOnClusterDown: 250,
    retryDelayOnTryAgain: 250,
    slotsRefreshTimeout: 3000,
    slotsRefreshInterval: 5000,
    // Certificates name hosts, the cluster tells addresses: do not look them up again.
    ...(config.tls
      ? { dnsLookup: (host: string, found: (e: null, host: string) => void) => found(null, host) }
      : {}),
  })
}

const hasHost = (endpoint: RedisEndpoint): endpoint is { host: string; port: number } =>
  'host' in endpoint

function sayTrouble(redis: RedisConnection, config: RedisConfig, log: Logger): void {
  let last: string | null = null
  redis.on('error', (error: Error) => {
    const trouble = redisFault(error, config).message
    if (trouble === last) return
    last = trouble
    log.warn({ trouble }, 'Redis is away, trying on')
  })
  redis.on('ready', () => {
    if (last !== null) log.info({}, 'Redis is back')
    last = null
  })
}
