import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Redis } from 'ioredis'
import { locate } from '../../../functions/allocate/windows.ts'
import type { AddressRecord, Allocation } from '../../../functions/model/allocation.ts'
import { scriptsOf } from '../../../infra/redis/scripts.ts'
import { adoptNothing } from '../../support/claims.ts'
import { privateRedis } from '../../support/redis.ts'

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
  const start = () => {
    const script = fileURLToPath(new URL('./storm.ts', import.meta.url))
    const args = ['--import', 'tsx', script, server.path, String(seed + started++)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    child.stdout.on('data', chunk => {
      repeats += chunk
    })
    return child
  }
  const children: ChildProcess[] = Array.from({ length: PROCESSES }, start)
  const end = Date.now() + STORM_MS
  for (let turn = 0; Date.now() < end; turn++) {
    await new Promise(resolve => setTimeout(resolve, 700))
    const slot = turn % PROCESSES
    await kill(children[slot])
    children[slot] = start()
    assert.deepEqual(await violations(redis), [])
  }
  await Promise.all(children.map(kill))

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

/** Records, allocations and bits read in one step must say the same, and sharers must be allowed to. */
async function violations(redis: Redis): Promise<string[]> {
  const [addresses, allocations, ...pages] = (await redis.eval(
    `return {redis.call('HGETALL', '{herald}:addresses'), redis.call('HGETALL', '{herald}:default:allocations'),
      redis.call('BITCOUNT', KEYS[1]), redis.call('BITCOUNT', KEYS[2])}`,
    2,
    `{herald}:page:${locate('10.0.0.0')?.page}`,
    `{herald}:page:${locate('2001:db8::')?.page}`,
  )) as [unknown[], unknown[], number, number]
  const records = table<AddressRecord>(addresses)
  const held = table<Allocation>(allocations)
  const found: string[] = []
  const bits = pages.reduce((sum, count) => sum + count, 0)
  if (bits !== records.size) found.push(`${bits} bits but ${records.size} records`)
  for (const [address, record] of records) {
    const holders = Object.entries(record.holders)
    if (holders.length === 0) found.push(`${address} has a record and no holder`)
    if (holders.length > 1 && record.sharingKey === '') found.push(`${address} is held twice`)
    const ports = holders.flatMap(([, holder]) => holder.ports)
    if (new Set(ports).size !== ports.length) found.push(`${address}: one port twice`)
    for (const [holder] of holders) {
      const name = holder.slice('default/'.length)
      if (!Array.from(held.get(name)?.addresses ?? []).includes(address)) {
        found.push(`${address} is recorded for ${name}, which does not hold it`)
      }
    }
  }
  for (const [service, allocation] of held) {
    for (const address of Array.from(allocation.addresses)) {
      if (!records.get(address)?.holders[`default/${service}`]) {
        found.push(`${service} holds ${address} without a record`)
      }
    }
  }
  return found
}

/** A hash as RESP2 (flat) or RESP3 gives it to a script's caller; cjson's empty list is {}. */
function table<T>(flat: readonly unknown[]): Map<string, T> {
  const map = new Map<string, T>()
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const value = JSON.parse(String(flat[i + 1])) as T & { addresses?: unknown }
    if (value.addresses && !Array.isArray(value.addresses)) value.addresses = []
    map.set(String(flat[i]), value)
  }
  return map
}
