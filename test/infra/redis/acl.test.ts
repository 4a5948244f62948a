/** Each process is let do its work by Redis (test/infra/deploy/cluster.test.ts) and nothing beside it: that is here. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Redis } from 'ioredis'
import { socketConfig } from '../../../infra/config/redis.ts'
import { openDepths } from '../../../infra/queue/depth.ts'
import { openBells } from '../../../infra/queue/queues.ts'
import { aclOf, type User, userName } from '../../../infra/redis/acl.ts'
import { checkRedis } from '../../../infra/redis/check.ts'
import { connectRedis } from '../../../infra/redis/connect.ts'
import { scriptsOf } from '../../../infra/redis/scripts.ts'
import { allocatorWorld } from '../../support/allocator-world.ts'
import { needs } from '../../support/capabilities.ts'
import { aPool } from '../../support/claims.ts'
import { commands } from '../../support/cli.ts'
import { keptLog } from '../../support/log.ts'
import { type PrivateRedis, privateRedis } from '../../support/redis.ts'
import { BUS_DISTANCE, freePorts } from '../../support/redis-shapes.ts'
import { aConfiguration, aService } from '../../support/services.ts'
import { undoing } from '../../support/undo.ts'
import { until } from '../../support/until.ts'

const PREFIX = '{herald}'

/** Of a command, and of one in a script. */
const REFUSAL = /NOPERM|The user executing the script can't/

/** who, what he asks */
const REFUSED: readonly (readonly [User, ...string[]])[] = [
  ['watcher', 'HSET', '{herald}:default:placements', 'g', '{}'],
  ['watcher', 'DEL', '{herald}:epoch'],
  ['watcher', 'LPUSH', '{herald}:announce-default-node-a:wait', '1'],
  ['watcher', 'GET', '{herald}:beat-key'],
  ['allocator', 'SET', '{herald}:default:configuration', '1 {}'],
  ['allocator', 'HSET', '{herald}:default:announcers', 'node-a', '{}'],
  ['allocator', 'GET', '{herald}:beat-key'],
  ['announcer', 'HDEL', '{herald}:addresses', '192.0.2.1'],
  ['announcer', 'SETBIT', '{herald}:page:192.0', '1', '0'],
  ['announcer', 'HGETALL', '{herald}:default:services'],
  ['announcer', 'SET', '{herald}:default:configuration', '1 {}'],
  ['announcer', 'LPUSH', '{herald}:allocate:wait', '1'],
  ['console', 'HSET', '{herald}:default:services', 'default/web', '1 null'],
  ['console', 'EVAL', "return redis.call('DEL', KEYS[1])", '1', '{herald}:addresses'],
  ['console', 'GET', '{herald}:beat-key'],
  ['console-admin', 'HGET', '{herald}:addresses', '192.0.2.1'],
  ['console-admin', 'DEL', '{herald}:default:placements'],
  ['operator', 'HSET', '{herald}:default:services', 'default/web', '1 null'],
  ['operator', 'HSET', '{herald}:default:allocations', 'default/web', '{}'],
  ['operator', 'SET', '{herald}:default:configuration', '1 {}'],
  ['operator', 'HSET', '{herald}:default:announcers', 'node-a', '{}'],
  ['operator', 'GET', '{herald}:beat-key'],
  ['keda', 'LPOP', '{herald}:allocate:wait'],
  ['keda', 'LRANGE', '{herald}:allocate:wait', '0', '-1'],
  ['keda', 'EVAL', "return redis.call('LPOP', KEYS[1])", '1', '{herald}:allocate:wait'],
  ['keda', 'LLEN', '{herald}:place:wait'],
  ['keda', 'INFO'],
]

/** Of nobody's business, whoever asks. */
const NOBODYS: readonly (readonly string[])[] = [
  ['FLUSHALL'],
  ['KEYS', '*'],
  ['SCAN', '0'],
  ['CONFIG', 'GET', 'dir'],
  ['ACL', 'LIST'],
  ['CLIENT', 'KILL', 'TYPE', 'normal'],
  ['SCRIPT', 'FLUSH'],
  ['FUNCTION', 'LIST'],
  ['SHUTDOWN'],
  ['GET', 'of somebody else'],
  ['EVAL', "return redis.call('GET', 'of somebody else')", '0'],
  ['PUBLISH', 'a channel', 'a word'],
]

/** What KEDA 2 asks, in its order: which type, then the length of that. */
const OF_KEDA = `
  local kind = redis.call('type', KEYS[1]).ok
  return redis.call(({ list = 'llen', none = 'llen', zset = 'zcard' })[kind], KEYS[1])`

describe('a user of Redis', needs('redis'), () => {
  const scope = undoing({ after })
  let redis: PrivateRedis
  let users: Record<User, Redis>

  before(async () => {
    redis = await privateRedis(scope, { args: asArguments() })
    const as = async (user: User) => {
      const client = redis.connect()
      await client.auth(userName(user), userName(user))
      return client
    }
    users = {
      watcher: await as('watcher'),
      allocator: await as('allocator'),
      announcer: await as('announcer'),
      console: await as('console'),
      'console-admin': await as('console-admin'),
      operator: await as('operator'),
      keda: await as('keda'),
    }
  })

  for (const [user, ...command] of REFUSED) {
    test(`${user} may not ${command.join(' ')}`, () => refused(users[user], command))
  }

  for (const command of NOBODYS) {
    test(`nobody may ${command.join(' ')}`, async () => {
      for (const user of Object.values(users)) await refused(user, command)
    })
  }

  test('console reads queues and the clock, rings nothing, and leaves no trace', async t => {
    const scope = undoing(t)
    const depths = openDepths(users.console, PREFIX)
    const bells = openBells(users.console, PREFIX, keptLog())
    scope.after(() => Promise.all([depths.close(), bells.close()]))
    const before = await redis.connect().dbsize()
    assert.equal((await depths.depth('allocate')).waiting, 0)
    const { nowMs, sinceMs } = await scriptsOf(users.console, PREFIX).clock()
    assert.equal(sinceMs, nowMs, 'nobody has begun to count')
    await assert.rejects(bells.ring('allocate', ['default/default/web']), REFUSAL)
    assert.equal(await redis.connect().dbsize(), before)
  })

  test('console-admin acts upon queues', async t => {
    const bells = openBells(users['console-admin'], PREFIX, keptLog())
    undoing(t).after(() => bells.close())
    await bells.ring('allocate', ['default/default/web'])
    assert.equal(await users['console-admin'].llen('{herald}:allocate:wait'), 1)
  })

  test('operator drains, rebalances, reserves and asks, and is refused nothing of that', async t => {
    const scope = undoing(t)
    const world = await allocatorWorld(scope, { server: redis })
    await world.configure(aConfiguration(aPool('blue', ['192.0.2.1-192.0.2.4'])))
    for (const node of ['node-a', 'node-b']) await world.join(node)
    for (const name of ['one', 'two']) {
      await world.endpoints(name, { any: true, nodes: ['node-a'] })
      await world.serve(aService(name))
    }
    await redis.connect().acl('LOG', 'RESET')
    const ask = commands(
      scope,
      `unix://${userName('operator')}:${userName('operator')}@${redis.path}`,
    )
    const done = async (...args: string[]) => {
      const { code, said } = await ask(...args)
      assert.equal(code, 0, `${args.join(' ')}: ${said}`)
    }
    const drained = done('drain', 'node-a')
    await until(
      'the bell of the drain is rung',
      async () => (await world.state.dirty('place', 'default/*')) !== null,
    )
    await world.ringAndAnswer('place', ['default/*'])
    await drained
    await done('undrain', 'node-a')
    await done('rebalance')
    await done('reserve', '192.0.2.4', '--service', 'default/later')
    await Promise.all([
      done('release', '192.0.2.4'),
      done('describe', 'service', 'default/one'),
      done('top'),
      done('history'),
    ])
    assert.deepEqual(await redis.connect().acl('LOG'), [])
  })

  test('keda sees how many jobs wait, by the script that it asks with', async () => {
    const waiting = await redis.connect().llen('{herald}:allocate:wait')
    assert.equal(await users.keda.ping(), 'PONG')
    assert.equal(await users.keda.eval(OF_KEDA, 1, '{herald}:allocate:wait'), waiting)
  })
})

test('a process may be a user of a Redis Cluster, and KEDA too', needs('redis'), async t => {
  const scope = undoing(t)
  const [port = 0] = await freePorts(1, BUS_DISTANCE)
  const announced = ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1']
  const server = await privateRedis(scope, {
    args: ['--port', `${port}`, ...announced, ...asArguments()],
  })
  await server.connect().cluster('ADDSLOTSRANGE', 0, 16_383)
  const log = keptLog()
  const config = {
    ...socketConfig(''),
    mode: 'cluster' as const,
    endpoints: [{ host: '127.0.0.1', port }],
  }
  const as = (user: User) => {
    const name = userName(user)
    const client = connectRedis({ ...config, username: name, password: name }, 'commands', log)
    scope.after(() => client.disconnect())
    return client
  }
  await until('the cluster is whole', async () =>
    /cluster_state:ok/.test(await server.connect().cluster('INFO')),
  )
  await checkRedis(as('allocator'), config)
  assert.equal(await as('console').hget('{herald}:default:services', 'default/web'), null)
  const keda = server.connect()
  await keda.auth(userName('keda'), userName('keda'))
  assert.equal((await keda.cluster('SLOTS')).length, 1)
})

function asArguments(): string[] {
  const lines = aclOf(PREFIX).trim().split('\n')
  return lines.flatMap(line => {
    const [, name = '', ...rules] = line.split(' ')
    return ['--user', name, 'on', `>${name}`, ...rules]
  })
}

async function refused(user: Redis, [name = '', ...args]: readonly string[]): Promise<void> {
  await assert.rejects(user.call(name, ...args), REFUSAL)
}
