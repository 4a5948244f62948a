/** Three announcers as they run on nodes, and a Redis that already says who owns what: all of it the first node. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, dyingWithParent, keepRunning } from '../../infra/child.ts'
import { scriptsOf } from '../../infra/redis/scripts.ts'
import type { Lan } from '../../infra/sandbox/lan/lan.ts'
import { eventually } from '../support/eventually.ts'
import { keptLog } from '../support/log.ts'
import { type PrivateRedis, privateRedis } from '../support/redis.ts'
import type { Scope } from '../support/undo.ts'
import type { Contender } from './failover-measure.ts'

const HERALD = fileURLToPath(new URL('../../workers/herald.mjs', import.meta.url))
const PREFIX = '{herald}'

export async function announcers(
  lan: Lan,
  addresses: readonly string[],
  t: Scope,
): Promise<Contender & { readonly redis: PrivateRedis; close(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'herald-failover-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const redis = await privateRedis(t)
  const children = new Map<string, Child>()
  const start = async (node: string) => {
    children.set(node, run(lan, node, redis, folder))
    await eventually(async () => {
      if (!children.get(node)?.pid()) throw new Error(`${node} does not run`)
    }, 30_000)
  }
  const stop = async (node: string) => children.get(node)?.stop()
  const close = async () => {
    await Promise.all([...children.keys()].map(stop))
    await redis.stop()
  }
  t.after(close)
  for (const { name } of lan.nodes) await start(name)
  await place(redis, addresses, lan)
  return { redis, start, close, stop, pid: node => children.get(node)?.pid() ?? 0 }
}

function run(lan: Lan, node: string, redis: PrivateRedis, folder: string): Child {
  return keepRunning({
    name: node,
    argv: [...lan.enter(node), ...dyingWithParent('KILL'), HERALD, 'announcer'],
    environment: {
      HERALD_REDIS_URL: redis.path,
      HERALD_NODE_NAME: node,
      HERALD_STATE_DIR: join(folder, node),
      HERALD_HEALTH_ADDRESS: 'off',
      HERALD_LOG_LEVEL: 'error',
    },
    log: keptLog(),
    onLine: line => process.env.HERALD_TEST_LOG && console.error(line),
  })
}

/** As the allocator does, once every announcer has its lease. */
async function place(redis: PrivateRedis, addresses: readonly string[], lan: Lan): Promise<void> {
  const connection = redis.connect()
  await eventually(async () => {
    const leases = await connection.zcard(`${PREFIX}:default:leases`)
    if (leases < lan.nodes.length) throw new Error('not every announcer has a lease')
  }, 60_000)
  const scripts = scriptsOf(connection, PREFIX)
  const adoption = scripts.adoption('default', 'bench')
  await adoption.begin()
  await adoption.end()
  const candidates = lan.nodes.map(({ name }, i) => ({
    node: name,
    interfaces: null,
    weight: 9 - i,
  }))
  for (const group of addresses) {
    const request = { group, addresses: [group], candidates, lapsed: [], reason: '', settleMs: 0 }
    await scripts.place('default', request)
  }
  // Instead of bells: a Redis whose announcers are unknown makes them report, and read all.
  await connection.del(`${PREFIX}:default:leases`)
}
