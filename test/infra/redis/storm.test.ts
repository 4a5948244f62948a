import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { scriptsOf } from '../../../infra/redis/scripts.ts'
import { adoptNothing } from '../../support/claims.ts'
import { privateRedis } from '../../support/redis.ts'
import { violations } from '../../support/violations.ts'
import { AT_WORK } from './storm.ts'

const STORM_MS = 10_000
const PROCESSES = 8

test(`${PROCESSES} processes claim, request, share, release and die for 10 s: no address twice, none leaked`, async t => {
  const seed = Number(process.env.HERALD_SEED ?? Math.floor(Math.random() * 2 ** 31))
  t.diagnostic(`seed ${seed} (HERALD_SEED replays the choices, not their interleaving)`)
  const server = await privateRedis(t)
  const redis = server.connect()
  await adoptNothing(scriptsOf(redis, '{herald}'))

  let started = 0
  let repeats = ''
  const faults: string[] = []
  const start = () => {
    const script = fileURLToPath(new URL('./storm.ts', import.meta.url))
    const args = ['--import', 'tsx', script, server.path, String(seed + started++)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const working = new Promise<void>(resolve => {
      child.once('exit', (code, signal) => {
        if (signal !== 'SIGKILL') faults.push(`a process ended by itself, exit code ${code}`)
        resolve()
      })
      child.stdout.on('data', chunk => {
        const text = String(chunk)
        if (text.includes(AT_WORK)) resolve()
        repeats += text.replace(AT_WORK, '')
      })
    })
    return { child, working }
  }
  const children = Array.from({ length: PROCESSES }, start)
  t.after(() => Promise.all(children.map(({ child }) => kill(child))))
  await Promise.all(children.map(({ working }) => working)) // a busy machine takes its time
  const end = Date.now() + STORM_MS
  for (let turn = 0; Date.now() < end; turn++) {
    await new Promise(resolve => setTimeout(resolve, 700))
    const slot = turn % PROCESSES
    await children[slot]?.working
    await kill(children[slot]?.child)
    children[slot] = start()
    assert.deepEqual(await violations(redis), [])
    assert.deepEqual(faults, [])
  }
  await Promise.all(children.map(({ child }) => kill(child)))

  const calls = /cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1]
  t.diagnostic(`${calls} script calls by ${started} processes`)
  assert.ok(Number(calls) > 1000, 'the storm must have blown')
  assert.equal(repeats, '', 'a repeated claim changed what was held')
  assert.deepEqual(await violations(redis), [])
})

async function kill(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}
