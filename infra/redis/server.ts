/**
 * A private redis-server: on a Unix socket in a folder of ours, with an append-only file there, and no address on any network.
 * It is started again when it ends by itself, and ends with us.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { Fault } from '../../functions/model/fault.ts'
import { dyingWithParent, keepRunning } from '../child.ts'
import type { Logger } from '../log.ts'

export interface PrivateRedis {
  /** As --redis-url takes it. */
  readonly url: string
  /** The socket. */
  readonly path: string
  stop(): Promise<void>
}

const START_LIMIT_MS = 30_000

/** Returns once it answers. Throws Fault `RedisMissing` or `RedisSilent`. */
export async function startRedis(folder: string, log: Logger): Promise<PrivateRedis> {
  if (spawnSync('redis-server', ['--version']).status !== 0) throw missing()
  const home = resolve(folder)
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const socket = socketIn(home)
  let said = ''
  const child = keepRunning({
    name: 'redis',
    argv: [...dyingWithParent('TERM'), 'redis-server', ...settings(home, socket)],
    log,
    onLine(line) {
      said = line
      log.debug({ line }, 'said by redis-server')
    },
  })
  const stop = async () => {
    await child.stop()
    if (dirname(socket) !== home) rmSync(dirname(socket), { recursive: true, force: true })
  }
  const end = performance.now() + START_LIMIT_MS
  while (!(await answers(socket))) {
    if (performance.now() > end) {
      await stop()
      throw silent(home, said)
    }
    await after(20)
  }
  return { url: `unix://${socket}`, path: socket, stop }
}

/** No eviction: what is forgotten would be handed out twice. No RDB snapshots: the append-only file has it all. */
function settings(home: string, socket: string): string[] {
  return [
    ...['--port', '0', '--unixsocket', socket, '--unixsocketperm', '700'],
    ...['--dir', home, '--appendonly', 'yes', '--save', ''],
    ...['--maxmemory-policy', 'noeviction'],
  ]
}

/** The path of a Unix socket has 107 bytes at most (unix(7)). */
function socketIn(home: string): string {
  const path = join(home, 'redis.sock')
  if (Buffer.byteLength(path) <= 107) return path
  return join(mkdtempSync(join(tmpdir(), 'herald-')), 'redis.sock')
}

function answers(socket: string): Promise<boolean> {
  return new Promise(done => {
    const connection = connect(socket, () => connection.write('PING\r\n'))
    connection.setTimeout(1000, () => connection.destroy())
    connection.once('data', reply => {
      done(reply.toString().startsWith('+PONG'))
      connection.destroy()
    })
    connection.once('error', () => {}) // not there yet
    connection.once('close', () => done(false))
  })
}

function missing(): Fault {
  return new Fault('RedisMissing', {
    what: 'redis-server cannot be started',
    why: 'it is not installed on this machine, and no --redis-url was given',
    remedy: 'Install it (Debian, Ubuntu: apt-get install redis-server), or give --redis-url',
  })
}

function silent(home: string, said: string): Fault {
  return new Fault('RedisSilent', {
    what: `The private redis-server in ${home} does not answer`,
    why: `after ${START_LIMIT_MS / 1000} s its last words were "${said}"`,
    remedy: 'Mend what it complains of; if its data is damaged, move that folder away',
  })
}
