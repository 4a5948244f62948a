/**
 * Claims a second against the limit, a script call that does nothing, on the same connection in the same
 * run. A /16 with 32 addresses left (at its end), claim and release in turn. Slices of both alternate, so that
 * a busy machine slows both alike; medians of all slices. "bare" is the least that a claim can be, "commands" what ours
 * asks of Redis, without deciding anything.
 */
import { windowsOf } from '../../functions/allocate/windows.ts'
import { type ClaimRequest, scriptsOf } from '../../infra/redis/scripts.ts'
import { aClaim, adoptNothing, aPool, forget } from '../support/claims.ts'
import { privateRedis } from '../support/redis.ts'

const ROUNDS = 40
const SLICE_MS = 60
const LEFT = 32

const endings: (() => unknown)[] = []
const server = await privateRedis({ after: ending => void endings.push(ending as () => unknown) })
const redis = server.connect()
const scripts = scriptsOf(redis, '{herald}')
await adoptNothing(scripts)
const pool = aPool('wide', ['10.1.0.0/16', '2001:db8::/112'])
const [page4] = [...windowsOf(pool, 'IPv4')]
const [page6] = [...windowsOf(pool, 'IPv6')]
if (!page4 || !page6) throw new Error('a /16 is one page')
for (const page of [page4.page, page6.page]) {
  await redis.setrange(`{herald}:page:${page}`, 0, Buffer.alloc(8192 - LEFT / 8, 0xff))
}
await redis.setrange('{herald}:page:none', 8191, Buffer.alloc(1))

const dual = {
  pool: 'wide',
  parts: [page4, page6].map(page => ({ windows: [page], buggy: false })),
}
const kinds: Record<string, (service: string) => ClaimRequest> = {
  simple: service => aClaim(service, aPool('wide', ['10.1.0.0/16'])),
  shared: service => aClaim(service, aPool('wide', ['10.1.0.0/16']), { sharing: service }),
  dual: service => aClaim(service, pool, { options: [dual] }),
}

const sha = (await redis.script('LOAD', 'return 1')) as string
const noop = () => redis.evalsha(sha, 1, '{herald}:addresses')

// The least that a claim can be: a bit and two hashes, without a reason, a bell or a history. platform.md section 3 measured it.
const bareKeys = ['{herald}:page:none', '{herald}:bare:owners', '{herald}:bare:held']
const bareClaim = (await redis.script(
  'LOAD',
  `local held = redis.call('HGET', KEYS[3], ARGV[1])
  if held then return held end
  local at = redis.call('BITPOS', KEYS[1], 0, 0, 8191)
  redis.call('SETBIT', KEYS[1], at, 1)
  redis.call('HSET', KEYS[2], at, ARGV[1])
  redis.call('HSET', KEYS[3], ARGV[1], at)
  return at`,
)) as string
const bareRelease = (await redis.script(
  'LOAD',
  `local at = redis.call('HGET', KEYS[3], ARGV[1])
  redis.call('SETBIT', KEYS[1], at, 0)
  redis.call('HDEL', KEYS[2], at)
  return redis.call('HDEL', KEYS[3], ARGV[1])`,
)) as string
const bare = async (lane: number) => {
  await redis.evalsha(bareClaim, 3, ...bareKeys, `bench/lane-${lane}`)
  await redis.evalsha(bareRelease, 3, ...bareKeys, `bench/lane-${lane}`)
}

// What a claim reads and writes, without deciding anything: Redis' own share of it (claim.lua, conclude.lua).
const same = {
  claim: (await redis.script(
    'LOAD',
    `redis.call('TIME') redis.call('INFO', 'replication')
    local k, id, at = KEYS[1], ARGV[1], 65504
    for _, name in ipairs({ 'adopted', 'services', 'allocations', 'returning' }) do redis.call('HGET', k .. name, id) end
    redis.call('ZCARD', k .. 'resting')
    redis.call('BITPOS', k .. 'page', 0, 0, 8191) redis.call('STRLEN', k .. 'page')
    redis.call('SETBIT', k .. 'page', at, 1) redis.call('HSET', k .. 'addresses', at, ARGV[2])
    redis.call('ZADD', k .. 'held', 0, at) redis.call('SADD', k .. 'used', at)
    redis.call('ZADD', k .. 'place', 1, id) redis.call('ZADD', k .. 'publish', 1, id)
    redis.call('XADD', k .. 'history', 'MAXLEN', '~', 10000, '*', 'what', 'claimed', 'service', id, 'uid', id,
      'addresses', at, 'pool', 'wide', 'why', 'test')
    redis.call('HSET', k .. 'allocations', id, ARGV[2]) redis.call('ZREM', k .. 'waiting', id)
    return id`,
  )) as string,
  release: (await redis.script(
    'LOAD',
    `redis.call('TIME') redis.call('INFO', 'replication')
    local k, id, at = KEYS[1], ARGV[1], 65504
    for _, name in ipairs({ 'adopted', 'services', 'allocations', 'addresses', 'reservations' }) do
      redis.call('HGET', k .. name, id)
    end
    redis.call('ZCARD', k .. 'resting') redis.call('ZCARD', k .. 'waiting')
    redis.call('SETBIT', k .. 'page', at, 0) redis.call('HDEL', k .. 'addresses', at)
    redis.call('ZREM', k .. 'held', at) redis.call('SREM', k .. 'used', at)
    redis.call('ZADD', k .. 'place', 1, id)
    redis.call('XADD', k .. 'history', 'MAXLEN', '~', 10000, '*', 'what', 'released', 'service', id, 'uid', id,
      'addresses', at, 'pool', 'wide', 'why', 'test')
    redis.call('HDEL', k .. 'allocations', id) redis.call('ZREM', k .. 'waiting', id)
    return id`,
  )) as string,
}
const RECORD = 'x'.repeat(120)
const sameCommands = async (lane: number) => {
  for (const sha of [same.claim, same.release]) {
    await redis.evalsha(sha, 1, '{herald}:same:', `default/bench/lane-${lane}`, RECORD)
  }
}

async function pair(make: (service: string) => ClaimRequest, lane: number): Promise<void> {
  const request = make(`bench/lane-${lane}`)
  const answer = await scripts.claim(request)
  if (!('addresses' in answer) || answer.addresses.length === 0) throw new Error(answer.outcome)
  await forget(scripts, request, answer.addresses)
}

/** Operations a second with so many in flight; a pair counts as two. */
async function rate(inFlight: number, operation: (lane: number) => Promise<unknown>, each: number) {
  const start = performance.now()
  const end = start + SLICE_MS
  let done = 0
  await Promise.all(
    Array.from({ length: inFlight }, async (_, lane) => {
      while (performance.now() < end) {
        await operation(lane)
        done += each
      }
    }),
  )
  return (done * 1000) / (performance.now() - start)
}

const median = (list: number[]): number =>
  list.sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0
process.stdout.write('claims and releases a second, and their ratio to a no-op EVALSHA\n')
process.stdout.write(
  'in flight   no-op      bare (ratio)  commands (ratio)    simple (ratio)    shared (ratio)      dual (ratio)\n',
)
for (const inFlight of [1, 4, 16]) {
  const found: Record<string, number[]> = {
    noop: [],
    bare: [],
    same: [],
    simple: [],
    shared: [],
    dual: [],
  }
  for (let round = 0; round < ROUNDS; round++) {
    found.noop?.push(await rate(inFlight, noop, 1))
    found.bare?.push(await rate(inFlight, bare, 2))
    found.same?.push(await rate(inFlight, sameCommands, 2))
    for (const [kind, make] of Object.entries(kinds)) {
      found[kind]?.push(await rate(inFlight, lane => pair(make, lane), 2))
    }
  }
  const limit = median(found.noop ?? [])
  const cells = ['bare', 'same', ...Object.keys(kinds)].map(kind => {
    const value = median(found[kind] ?? [])
    return `${value.toFixed(0).padStart(9)} (${(value / limit).toFixed(2)})`
  })
  process.stdout.write(
    `${String(inFlight).padStart(9)} ${limit.toFixed(0).padStart(7)} ${cells.join('   ')}\n`,
  )
}
for (const ending of endings) await ending()
