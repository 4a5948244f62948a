/**
 * What measuring costs: claims with all that an allocator measures of them, and without, on two connections to one
 * Redis, in turn. The processor time of a claim decides, since it does not depend on what else the machine does; a
 * claim waits for Redis beside it, so that of claims a second less is lost. Best quarters; under 3 % is wanted. And what the
 * steps of a trace cost while tracing is off: too little to be seen in claims, so they are made around nothing.
 */
import { openMetrics } from '../../infra/metrics/metrics.ts'
import { claimTimer, timed } from '../../infra/metrics/redis.ts'
import { linkRings } from '../../infra/queue/rings.ts'
import { scriptsOf } from '../../infra/redis/scripts.ts'
import { answerStep, step, traceparent } from '../../infra/tracing.ts'
import { aClaim, adoptNothing, aPool, forget } from '../support/claims.ts'
import { keptLog } from '../support/log.ts'
import { privateRedis } from '../support/redis.ts'

const ROUNDS = 41
const CLAIMS = 2000
const IN_FLIGHT = 16
const WANTED = 0.03
const EMPTY_JOBS = 200_000

const endings: (() => unknown)[] = []
const server = await privateRedis({ after: ending => void endings.push(ending) })
const pool = aPool('wide', ['10.1.0.0/16'])
const metrics = openMetrics(keptLog())
const redis = server.connect()
const bare = scriptsOf(redis, '{herald}')
const measured = scriptsOf(timed(server.connect(), metrics), '{herald}', claimTimer(metrics))
const job = metrics.timing('herald_job_duration_seconds', { queue: 'allocate', outcome: 'done' })
await adoptNothing(bare)

/** A claim and its release, and the job around them where it is measured. */
async function pair(scripts: typeof bare, lane: number): Promise<void> {
  const startMs = performance.now()
  const request = aClaim(`bench/lane-${lane}`, pool)
  const answer = await scripts.claim(request)
  if (!('addresses' in answer)) throw new Error(answer.outcome)
  await forget(scripts, request, answer.addresses)
  if (scripts === bare) return
  job.observe((performance.now() - startMs) / 1000)
}

/** Makes so many claims and releases; microseconds of this process for one, and how many a second. */
async function round(scripts: typeof bare): Promise<{ cpuUs: number; aSecond: number }> {
  const startMs = performance.now()
  const before = process.cpuUsage()
  let left = CLAIMS
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async (_, lane) => {
      while (left > 0) {
        left -= 2
        await pair(scripts, lane)
      }
    }),
  )
  const { user, system } = process.cpuUsage(before)
  return {
    cpuUs: (user + system) / CLAIMS,
    aSecond: (CLAIMS * 1000) / (performance.now() - startMs),
  }
}

/** The best quarter: what else the machine does only ever adds. */
const quartile = (list: number[]): number =>
  [...list].sort((a, b) => a - b)[Math.floor(list.length / 4)] ?? 0
const rounds = { without: [] as Round[], with: [] as Round[] }
type Round = Awaited<ReturnType<typeof round>>
for (let number = -6; number < ROUNDS; number++) {
  const [first, second] = number % 2 === 0 ? [bare, measured] : [measured, bare]
  const [one, two] = [await round(first), await round(second)]
  const [without, having] = first === bare ? [one, two] : [two, one]
  if (number < 0) continue // both are warm before they are compared
  rounds.without.push(without)
  rounds.with.push(having)
}
const cpu = (list: Round[]) => quartile(list.map(one => one.cpuUs))
const aSecond = (list: Round[]) => -quartile(list.map(one => -one.aSecond))
const cost = cpu(rounds.with) / cpu(rounds.without) - 1
process.stdout.write(
  ['without', 'with   ']
    .map((name, at) => {
      const list = at === 0 ? rounds.without : rounds.with
      return `${name} metrics: ${cpu(list).toFixed(1)} µs of processor a claim, ${aSecond(list).toFixed(0)} claims a second\n`
    })
    .join(''),
)
process.stdout.write(`they cost ${(100 * cost).toFixed(1)} % (wanted: under ${100 * WANTED} %)\n`)

const nothing = async () => {}
const key = 'bench/lane-0'
/** What an allocator does of a trace for one Service: the answer, who else rang, the claim, and two bells. */
const steps = () =>
  answerStep('allocate', { key, parent: undefined }, async () => {
    await linkRings(redis, '{herald}', { queue: 'allocate', key })
    await step('claim', {}, nothing)
    traceparent()
    traceparent()
  })
const withoutSteps = async () => nothing()

/** Nanoseconds of this process for one. */
async function nanoseconds(emptyJob: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  for (let number = 0; number < EMPTY_JOBS; number++) await emptyJob()
  const { user, system } = process.cpuUsage(before)
  return (1000 * (user + system)) / EMPTY_JOBS
}

const [off, none] = [[] as number[], [] as number[]]
for (let number = 0; number < 9; number++) {
  off.push(await nanoseconds(steps))
  none.push(await nanoseconds(withoutSteps))
}
const stepsNs = quartile(off) - quartile(none)
const share = stepsNs / 1000 / cpu(rounds.without)
process.stdout.write(
  `tracing, off: the steps of a job cost ${stepsNs.toFixed(0)} ns, ${(100 * share).toFixed(1)} % of a claim (wanted: under ${100 * WANTED} %)\n`,
)
for (const ending of endings) await ending()
if (Math.max(cost, share) > WANTED) process.exitCode = 1
