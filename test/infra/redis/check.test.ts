import assert from 'node:assert/strict'
import { connect, createServer, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import { hasRedis, readConfig, type Sources } from '../../../infra/config.ts'
import { waitForRedis } from '../../../infra/redis/check.ts'
import { connectRedis } from '../../../infra/redis/connect.ts'
import { needs } from '../../support/capabilities.ts'
import { eventually } from '../../support/eventually.ts'
import { keptLog } from '../../support/log.ts'
import { privateRedis } from '../../support/redis.ts'
import { freePorts, sentinel, tls } from '../../support/redis-shapes.ts'
import { type Scope, undoing } from '../../support/undo.ts'
import { until } from '../../support/until.ts'

/** What a process does at its start; `trouble` is what /readyz says. */
function starting(undo: Scope, flags: Sources['flags'], environment: Sources['environment'] = {}) {
  const config = readConfig('allocator', { flags, environment })
  assert.ok(hasRedis(config))
  const log = keptLog()
  const redis = connectRedis(config.redis, 'commands', log)
  const stop = new AbortController()
  let [trouble, ready] = ['', false]
  const waitingFor = (what: string) => {
    trouble = what
  }
  const waited = waitForRedis(redis, { config, log, signal: stop.signal, waitingFor }).then(
    () => {
      ready = true
    },
    () => {}, // stopped
  )
  undo.after(async () => {
    stop.abort()
    await waited
    redis.disconnect()
  })
  const said = () => JSON.stringify(log.lines)
  return { log, said, trouble: () => trouble, ready: () => ready }
}

const complains = (of: ReturnType<typeof starting>, words: RegExp) =>
  eventually(() => assert.match(of.trouble(), words))

/** A server on loopback that does this with whoever connects. */
async function listening(undo: Scope, serve: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    serve(socket)
  })
  const [port = 0] = await freePorts(1)
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  undo.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return port
}

describe('a Redis that is not there', needs('redis'), () => {
  test('is waited for, said so, and used when it comes', async t => {
    const undo = undoing(t)
    const server = await privateRedis(undo)
    await server.stop()
    const begun = starting(undo, { redisUrl: server.path })
    await complains(begun, /ENOENT|ECONNREFUSED.*Start it, or point --redis-url.*RedisUnreachable/)
    await until('it was tried some times', () => begun.log.lines.length >= 2)
    await server.start()
    await until('it is used', begun.ready)
    const errors = begun.log.lines.filter(line => line.level === 'error')
    assert.ok(errors.length <= 3, begun.said()) // a socket without server, none, a server that starts
  })

  const places: readonly [string, Sources['flags']][] = [
    ['sentinels', { redisMode: 'sentinel' }],
    ['cluster', { redisMode: 'cluster' }],
    ['server', {}],
  ]
  for (const [what, flags] of places) {
    test(`${what}: no busy loop, one line at each 10 s`, async t => {
      const undo = undoing(t)
      let dialled = 0
      const port = await listening(undo, socket => {
        dialled++
        socket.destroy()
      })
      const begunMs = Date.now()
      const begun = starting(undo, { redisUrl: `redis://127.0.0.1:${port}`, ...flags })
      await until('it was dialled four times', () => dialled >= 4)
      const seconds = (Date.now() - begunMs) / 1000
      assert.ok(dialled <= 10 * (seconds + 1), `dialled ${dialled} times in ${seconds} s`)
      await complains(begun, /\[Redis(HangsUp|Unreachable)]$/)
      assert.ok(begun.log.lines.length <= 6, begun.said())
    })
  }

  test('is said to be something else when something else answers', async t => {
    const undo = undoing(t)
    const port = await listening(undo, socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    const begun = starting(undo, { redisUrl: `redis://127.0.0.1:${port}` })
    await complains(begun, /Something else answers there.*\[RedisNotThere]/)
  })

  test('is said to be silent when it takes connections and never answers', async t => {
    const undo = undoing(t)
    const port = await listening(undo, () => {})
    const begun = starting(undo, { redisUrl: `redis://127.0.0.1:${port}` })
    await complains(begun, /no answer.*\[RedisUnreachable]/)
  })
})

describe('a Redis that wants a password', needs('redis'), () => {
  test('is asked for it by name, and used when it wants none any more', async t => {
    const undo = undoing(t)
    const server = await privateRedis(undo)
    const admin = server.connect()
    await admin.config('SET', 'requirepass', 'geheim')
    const begun = starting(undo, { redisUrl: server.path })
    await complains(begun, /set HERALD_REDIS_PASSWORD.*\[RedisPasswordMissing]/)
    await admin.config('SET', 'requirepass', '')
    await until('it is used', begun.ready)
  })

  test('has a wrong one refused without showing it, and is used when it is right', async t => {
    const undo = undoing(t)
    const server = await privateRedis(undo)
    const admin = server.connect()
    await admin.config('SET', 'requirepass', 'geheim')
    const begun = starting(undo, { redisUrl: server.path }, { HERALD_REDIS_PASSWORD: 'falsch' })
    await complains(begun, /Correct HERALD_REDIS_PASSWORD.*\[RedisPasswordWrong]/)
    assert.doesNotMatch(begun.said() + begun.trouble(), /falsch/)
    await admin.config('SET', 'requirepass', 'falsch')
    await until('it is used', begun.ready)
  })

  test('and a user without rights: which rights are to be granted', async t => {
    const undo = undoing(t)
    const server = await privateRedis(undo)
    await server.connect().call('ACL', 'SETUSER', 'poor', 'on', '>p', '~*', '+@all', '-info')
    const begun = starting(undo, { redisUrl: `unix://poor:p@${server.path}` })
    await complains(begun, /Grant this user.*\[RedisForbidden]/)
  })
})

describe('a Redis that answers but cannot be worked with', needs('redis'), () => {
  test('because it is older than 6.2: upgrade it', async t => {
    const undo = undoing(t)
    const server = await privateRedis(undo)
    // No such old server is at hand: this one, with another version in what it says of itself.
    const port = await listening(undo, near => {
      const far = connect(server.path)
      near.pipe(far)
      far.on('error', () => near.destroy())
      far.on('data', chunk => {
        const older = (all: string, version: string) =>
          all.replace(version, '6.0.9'.padEnd(version.length, '0'))
        near.write(chunk.toString('latin1').replace(/redis_version:([\d.]+)/, older), 'latin1')
      })
      near.on('close', () => far.destroy())
    })
    const begun = starting(undo, { redisUrl: `redis://127.0.0.1:${port}` })
    await complains(begun, /version 6\.0\.9.*needs 6\.2 or later.*Upgrade it.*\[RedisTooOld]/)
  })

  test('because it evicts: until it does not', async t => {
    const undo = undoing(t)
    const server = await privateRedis(undo)
    const admin = server.connect()
    await admin.config('SET', 'maxmemory', '100mb', 'maxmemory-policy', 'allkeys-lru')
    const begun = starting(undo, { redisUrl: server.path })
    await complains(begun, /allkeys-lru.*maxmemory-policy to noeviction.*\[RedisEvicts]/)
    await admin.config('SET', 'maxmemory-policy', 'volatile-lru')
    await until('it is used', begun.ready)
    assert.match(begun.said(), /maxmemory-policy is volatile-lru.*set it to noeviction/)
  })

  test('because it is a replica, a plain server, or no sentinel', async t => {
    const undo = undoing(t)
    const [port = 0] = await freePorts(1)
    const server = await privateRedis(undo, { args: ['--port', `${port}`] })
    const redisUrl = `redis://127.0.0.1:${port}`
    const notCluster = starting(undo, { redisUrl, redisMode: 'cluster' })
    await complains(notCluster, /plain Redis server: correct --redis-mode.*\[RedisModeWrong]/)
    const noSentinel = starting(undo, { redisUrl, redisMode: 'sentinel' })
    await complains(noSentinel, /plain Redis server: correct --redis-mode.*\[RedisModeWrong]/)
    const admin = server.connect()
    await admin.replicaof('127.0.0.1', 1)
    const replica = starting(undo, { redisUrl })
    await complains(replica, /is a replica of 127.0.0.1:1.*Point.*at the master.*\[RedisReplica]/)
    await admin.replicaof('NO', 'ONE')
    await until('it is used', replica.ready)
  })
})

test('Sentinel: a wrong password and an unknown name are said as such', needs('redis'), async t => {
  const undo = undoing(t)
  const { flags, environment } = (await sentinel(undo)).settings
  const wrong = { ...environment, HERALD_REDIS_SENTINEL_PASSWORD: 'falsch' }
  const begun = starting(undo, flags, wrong)
  await complains(begun, /set HERALD_REDIS_SENTINEL_PASSWORD.*\[RedisSentinelPassword]/)
  assert.doesNotMatch(begun.said() + begun.trouble(), /falsch/)
  const other = starting(undo, { ...flags, redisSentinelName: 'other' }, environment)
  await complains(other, /"other".*--redis-sentinel-name.*\[RedisSentinelName]/)
  const half = { ...environment, HERALD_REDIS_PASSWORD: 'falsch' }
  await complains(starting(undo, flags, half), /Correct HERALD_REDIS_PASSWORD.*PasswordWrong]/)
})

describe('TLS', needs('redis'), () => {
  test('an authority that did not sign, and plain text to a TLS port, are told apart', async t => {
    const undo = undoing(t)
    const { flags } = (await tls(undo)).settings
    const { redisCaFile: _, ...without } = flags
    await complains(starting(undo, without), /--redis-ca-file.*\[RedisCertificate]/)
    const plain = { ...without, redisUrl: `${flags.redisUrl}`.replace('rediss:', 'redis:') }
    await complains(starting(undo, plain), /rediss:\/\/ if it speaks TLS.*\[RedisHangsUp]/)
  })

  test('to something that does not speak it is said so', async t => {
    const undo = undoing(t)
    const port = await listening(undo, socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    const begun = starting(undo, { redisUrl: `rediss://127.0.0.1:${port}` })
    await complains(begun, /TLS failed, wrong version number.*\[RedisCertificate]/)
  })
})
