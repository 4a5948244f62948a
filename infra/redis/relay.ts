import { randomBytes } from 'node:crypto'
import { createServer, connect as dial } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Fault } from '../../functions/model/fault.ts'
import type { RedisConfig } from '../config/redis.ts'

/**
 * A Unix socket that leads to a Redis over TCP, for processes that have no network but see our files, as the nodes of the
 * sandbox do. Throws Fault `RedisBeyondReach` for a Redis that cannot be relayed byte by byte.
 */
export async function relayRedis(redis: RedisConfig): Promise<{ path: string; close(): void }> {
  const [endpoint] = redis.endpoints
  if (redis.mode !== 'standalone' || redis.tls || redis.db !== 0 || !endpoint) throw beyondReach()
  if ('path' in endpoint) return { path: endpoint.path, close() {} }
  const path = join(tmpdir(), `herald-redis-${randomBytes(6).toString('hex')}.sock`)
  const server = createServer(near => {
    const far = dial(endpoint.port, endpoint.host)
    near.pipe(far).pipe(near)
    near.on('error', () => far.destroy())
    far.on('error', () => near.destroy())
    near.on('close', () => far.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  return { path, close: () => server.close() }
}

function beyondReach(): Fault {
  return new Fault('RedisBeyondReach', {
    what: 'The nodes of the sandbox cannot reach this Redis',
    why: 'they are network namespaces of their own, and only a plain standalone Redis (database 0, no TLS) can be relayed into them',
    remedy: 'Leave --redis-url (REDIS_URL) away: the sandbox then starts a Redis of its own',
  })
}
