import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import type { Scope } from './undo.ts'

/** A real redis-server of this test's own, on a Unix socket; stopped when the test ends. */
export interface PrivateRedis {
  /** As REDIS_URL takes it: a path. */
  readonly path: string
  /** A connection; closed when the test ends. `batched`: what is asked in one turn goes out in one write. */
  connect(options?: { readonly batched: boolean }): Redis
  /** Stops the server as `kill -9` would, or politely (it then saves what it is told to keep). */
  stop(signal?: NodeJS.Signals): Promise<void>
  /** Starts it again on the same socket and folder. */
  start(): Promise<void>
}

export async function privateRedis(
  t: Scope,
  options: { appendonly?: boolean; args?: readonly string[] } = {},
): Promise<PrivateRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'herald-redis-'))
  const path = join(folder, 'redis.sock')
  const clients: Redis[] = []
  let server: ChildProcess | null = null

  async function start(): Promise<void> {
    const appendonly = options.appendonly ? 'yes' : 'no'
    const child = spawn(
      'redis-server',
      ['--port', '0', '--unixsocket', path, '--dir', folder, '--save', '', '--appendonly']
        .concat(appendonly, '--maxmemory-policy', 'noeviction')
        .concat(options.args ?? []),
      { stdio: 'ignore' },
    )
    server = child
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
    const probe = new Redis({ path, retryStrategy: () => 20, maxRetriesPerRequest: null })
    probe.on('error', () => {}) // not there yet
    while ((await probe.ping().catch(() => '')) !== 'PONG') {}
    probe.disconnect()
  }

  async function stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = server
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise(resolve => child.once('exit', resolve))
    child.kill(signal)
    await gone
  }

  t.after(async () => {
    for (const client of clients) client.disconnect()
    await stop()
    rmSync(folder, { recursive: true, force: true })
  })
  await start()
  return {
    path,
    start,
    stop,
    connect(options) {
      const client = new Redis({
        path,
        retryStrategy: times => Math.min(times * 50, 500),
        maxRetriesPerRequest: null,
        enableAutoPipelining: options?.batched ?? false,
      })
      client.on('error', () => {}) // a test may stop the server on purpose
      clients.push(client)
      return client
    },
  }
}
