import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Redis } from 'ioredis'
import { startRedis } from '../../../infra/redis/server.ts'
import { needs } from '../../support/capabilities.ts'
import { keptLog } from '../../support/log.ts'
import { type Scope, undoing } from '../../support/undo.ts'
import { until } from '../../support/until.ts'

function folderOf(undo: Scope): string {
  const folder = mkdtempSync(join(tmpdir(), 'herald-server-'))
  undo.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function start(undo: Scope, folder: string) {
  const log = keptLog()
  const server = await startRedis(folder, log)
  undo.after(() => server.stop())
  const path = server.url.replace('unix://', '')
  const redis = new Redis({ path, maxRetriesPerRequest: null, retryStrategy: () => 50 })
  redis.on('error', () => {})
  undo.after(() => redis.disconnect())
  return { server, redis, log, path }
}

test('a private Redis that is killed is started again with all it had', needs('redis'), async t => {
  const undo = undoing(t)
  const { redis, log } = await start(undo, folderOf(undo))
  await redis.set('a', 'kept')
  await redis.config('SET', 'appendfsync', 'always')
  await redis.set('b', 'kept too')
  const { pid } = /process_id:(?<pid>\d+)/.exec(await redis.info('server'))?.groups ?? {}
  process.kill(Number(pid), 'SIGKILL')
  await until('it was missed', () => log.lines.some(line => line.level === 'warn'))
  assert.deepEqual(await redis.mget('a', 'b'), ['kept', 'kept too'])
  assert.ok(!(await redis.info('server')).includes(`process_id:${pid}\r`))
})

test('what it had is there after it was stopped and started', needs('redis'), async t => {
  const undo = undoing(t)
  const folder = folderOf(undo)
  const first = await start(undo, folder)
  await first.redis.set('a', 'kept')
  await first.server.stop()
  const { redis } = await start(undo, folder)
  assert.equal(await redis.get('a'), 'kept')
})

test(
  'it evicts nothing, listens on no network, and only we may connect',
  needs('redis'),
  async t => {
    const undo = undoing(t)
    const { redis, path } = await start(undo, join(folderOf(undo), 'new', 'folder'))
    const config = async (name: string) =>
      Object.entries((await redis.config('GET', name)) as object)
    assert.match(JSON.stringify(await config('maxmemory-policy')), /noeviction/)
    assert.match(JSON.stringify(await config('port')), /"0"/)
    assert.equal(statSync(path).mode & 0o777, 0o700)
  },
)

test('a state directory with a long path has its socket elsewhere', needs('redis'), async t => {
  const undo = undoing(t)
  const folder = join(folderOf(undo), 'long'.repeat(40))
  const { server, redis, path } = await start(undo, folder)
  assert.ok(Buffer.byteLength(path) <= 107)
  assert.equal(await redis.ping(), 'PONG')
  await server.stop()
  assert.throws(() => statSync(path), /ENOENT/)
})
