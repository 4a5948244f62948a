import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Queue } from 'bullmq'
import { Fault } from '../../../functions/model/fault.ts'
import { openMetrics } from '../../../infra/metrics/metrics.ts'
import { openDepths } from '../../../infra/queue/depth.ts'
import { answer, openBells } from '../../../infra/queue/queues.ts'
import { keptLog } from '../../support/log.ts'
import { privateRedis } from '../../support/redis.ts'
import { undoing } from '../../support/undo.ts'
import { until } from '../../support/until.ts'

const PREFIX = '{herald}'

async function open(t: TestContext, options: { appendonly?: boolean } = {}) {
  const undo = undoing(t)
  const redis = await privateRedis(undo, options)
  const log = keptLog()
  const metrics = openMetrics(log)
  const bells = openBells(redis.connect(), PREFIX, log)
  undo.after(() => bells.close())
  const listen = (queue: string, handler: (key: string) => Promise<void>) => {
    const answering = answer(queue, handler, {
      connection: redis.connect(),
      prefix: PREFIX,
      concurrency: 4,
      log,
      metrics,
    })
    undo.after(() => answering.stop(1000))
    return answering
  }
  return { redis, bells, listen, log, metrics, undo }
}

/** A door that the test opens. */
function gate(): { opened: Promise<void>; open(): void } {
  let open = () => {}
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  return { opened, open }
}

test('a bell is answered with its key, whatever characters that has', async t => {
  const { bells, listen } = await open(t)
  const keys = ['default/metallb-system/a', 'default/2001:db8::1', 'all']
  const heard: string[] = []
  listen('announce-default-node-a.example', async key => void heard.push(key))
  await bells.ring('announce-default-node-a.example', keys)
  await until('all are answered', () => heard.length === 3)
  assert.deepEqual(heard.sort(), keys.sort())
})

test('rings before an answer begins become one answer', async t => {
  const { bells, listen } = await open(t)
  for (let n = 0; n < 5; n++) await bells.ring('allocate', ['a', 'a', 'b'])
  const heard: string[] = []
  listen('allocate', async key => void heard.push(key))
  await bells.ring('allocate', ['end'])
  await until('the last one is answered', () => heard.includes('end'))
  assert.deepEqual(heard.sort(), ['a', 'b', 'end'])
})

test('any number of rings during an answer become exactly one more, never beside it', async t => {
  const { bells, listen } = await open(t)
  const first = gate()
  let begun = 0
  let beside = 0
  let most = 0
  listen('allocate', async key => {
    if (key !== 'a') return
    most = Math.max(most, ++beside)
    if (++begun === 1) await first.opened
    beside--
  })
  await bells.ring('allocate', ['a'])
  await until('the first answer has begun', () => begun === 1)
  for (let n = 0; n < 10; n++) await bells.ring('allocate', ['a'])
  first.open()
  await until('the second answer has begun', () => begun === 2)
  const end = gate()
  listen('end', async () => end.open())
  await bells.ring('end', ['end'])
  await end.opened
  assert.equal(begun, 2)
  assert.equal(most, 1)
})

test('bells that ring soon are answered once a second, and after the last ring', async t => {
  const { bells, listen } = await open(t)
  const answers: number[] = []
  let rings = 0
  listen('publish', async () => void answers.push(rings))
  const endMs = performance.now() + 2500
  while (performance.now() < endMs) {
    rings++
    await bells.ringSoon('publish', ['pool/blue'])
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  await until('the last ring is answered', () => answers.at(-1) === rings)
  const seconds = Math.ceil((performance.now() - endMs + 2500) / 1000)
  assert.ok(answers.length <= seconds + 1, `${answers.length} answers in ${seconds} s`)
})

test('a bell that rings soon, and again when Redis has lost everything, is answered', async t => {
  const { redis, bells, listen } = await open(t)
  const answered: string[] = []
  listen('publish', async key => void answered.push(key))
  await bells.ringSoon('publish', ['pool/blue'])
  await redis.connect().flushall()
  await bells.ringSoon('publish', ['pool/blue'])
  await until('it is answered', () => answered.length > 0)
})

test('a ring during the last failing answer is not lost', async t => {
  const { bells, listen } = await open(t)
  const first = gate()
  let begun = 0
  listen('allocate', async () => {
    if (++begun > 1) return
    await first.opened
    throw new Fault('Hopeless', { what: 'a', why: 'b', remedy: 'c', retry: false })
  })
  await bells.ring('allocate', ['a'])
  await until('the first answer has begun', () => begun === 1)
  await bells.ring('allocate', ['a'])
  first.open()
  await until('it is answered again', () => begun === 2)
})

test('a failing answer is tried again soon, and said once', async t => {
  const { bells, listen, log } = await open(t)
  let tries = 0
  listen('allocate', async () => {
    if (++tries < 4) throw new Error('the world is broken')
  })
  await bells.ring('allocate', ['a'])
  await until('the fourth try came', () => tries === 4, 10_000)
  const said = log.lines.filter(line => line.level === 'warn')
  assert.equal(said.length, 1)
  assert.equal(said[0]?.fields.key, 'a')
  assert.equal(said[0]?.fields.queue, 'allocate')
})

test('a hopeless answer is not tried again, but kept for autopsy; a done one is removed', async t => {
  const { redis, bells, listen, undo } = await open(t)
  const heard: string[] = []
  listen('allocate', async key => {
    heard.push(key)
    if (key === 'a') throw new Fault('Hopeless', { what: 'x', why: 'y', remedy: 'z' })
  })
  await bells.ring('allocate', ['a', 'b'])
  const queue = new Queue('allocate', { connection: redis.connect(), prefix: PREFIX })
  undo.after(() => queue.close())
  await until('one has failed', async () => (await queue.getFailedCount()) === 1)
  await until('the other is gone', async () => (await queue.count()) === 0)
  assert.deepEqual(heard.sort(), ['a', 'b'])
  assert.equal(await queue.getCompletedCount(), 0)
  await bells.ring('allocate', ['a'])
  await until('a new ring is answered', () => heard.length === 3)
})

test('a job of a later version is left to a process of that version, and said once in words', async t => {
  const { redis, listen, log, undo } = await open(t)
  const queue = new Queue('allocate', { connection: redis.connect(), prefix: PREFIX })
  undo.after(() => queue.close())
  const heard: string[] = []
  listen('allocate', async key => void heard.push(key))
  const opts = { attempts: 100, backoff: { type: 'capped' } }
  await queue.add('allocate', { v: 2, keys: ['a'] }, opts)
  await queue.add('allocate', { v: 1, key: 'b' })
  await until('it was tried again', async () => {
    const [job] = await queue.getDelayed()
    return (job?.attemptsMade ?? 0) > 1
  })
  assert.deepEqual(heard, ['b'])
  const said = log.lines.filter(line => line.level === 'warn')
  assert.equal(said.length, 1)
  assert.match(String(said[0]?.fields.error), /is of schema 2: a later version .* knows schema 1/)
})

test('what a killed process was answering is answered by another within seconds', async t => {
  const { redis, bells, listen } = await open(t)
  await bells.ring('allocate', ['a'])
  const hold = fileURLToPath(new URL('../../support/hold.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', hold, redis.path, 'allocate'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  await bells.ring('allocate', ['a']) // while it is being answered: one more answer is owed
  child.kill('SIGKILL')
  await once(child, 'exit')
  const killedMs = Date.now()
  let heard = 0
  listen('allocate', async () => void heard++)
  await until('it is answered again', () => heard > 0)
  assert.ok(Date.now() - killedMs < 10_000, `took ${Date.now() - killedMs} ms`)
  await until('the ring during the killed answer is answered too', () => heard === 2)
})

test('answering goes on after Redis was killed and came back', async t => {
  const { redis, bells, listen } = await open(t, { appendonly: true })
  const heard: string[] = []
  listen('allocate', async key => void heard.push(key))
  await bells.ring('allocate', ['before'])
  await until('the first is answered', () => heard.includes('before'))
  await redis.stop()
  const rung = bells.ring('allocate', ['meanwhile'])
  await redis.start()
  await rung
  await until('the bell that waited is answered', () => heard.includes('meanwhile'))
})

test('stop waits for the answer under way, but not longer than told', async t => {
  const { bells, listen } = await open(t)
  const [slow, stuck] = [gate(), gate()]
  const begun: string[] = []
  let done = false
  const one = listen('one', async () => {
    begun.push('one')
    await slow.opened
    done = true
  })
  const two = listen('two', async () => {
    begun.push('two')
    await stuck.opened
  })
  await bells.ring('one', ['a'])
  await bells.ring('two', ['a'])
  await until('both have begun', () => begun.length === 2)
  setTimeout(slow.open, 50)
  await one.stop(5000)
  assert.ok(done)
  await two.stop(50)
  stuck.open()
})

test('the depth of a queue is what waits, is answered, is delayed and has failed', async t => {
  const { redis, bells, listen, metrics, undo } = await open(t)
  const client = redis.connect()
  const depths = openDepths(client, PREFIX)
  undo.after(() => depths.close())
  const nothing = { waiting: 0, active: 0, delayed: 0, failed: 0, oldestMs: null }
  assert.deepEqual(await depths.depth('allocate'), nothing)
  assert.equal(await client.dbsize(), 0, 'who looks writes nothing')
  const beforeMs = Date.now()
  await bells.ring('allocate', ['stuck', 'hopeless', 'a', 'b', 'c'])
  const { waiting, oldestMs } = await depths.depth('allocate')
  assert.equal(waiting, 5)
  assert.ok(oldestMs !== null && oldestMs >= beforeMs && oldestMs <= Date.now())
  const end = gate()
  listen('allocate', async key => {
    if (key === 'hopeless') throw new Fault('Hopeless', { what: 'x', why: 'y', remedy: 'z' })
    if (key === 'stuck') await end.opened
  })
  await until('one is left', async () => {
    const depth = await depths.depth('allocate')
    return depth.waiting === 0 && depth.active === 1 && depth.failed === 1
  })
  end.open()
  await until('all are answered', async () => (await depths.depth('allocate')).active === 0)
  const { text } = await metrics.scrape()
  assert.match(text, /herald_job_duration_seconds_count\{queue="allocate",outcome="done"\} 4/)
  assert.match(text, /herald_job_duration_seconds_count\{queue="allocate",outcome="failed"\} 1/)
})

test('who looks is told which jobs have failed and why, given up or not', async t => {
  const { bells, listen, redis, undo } = await open(t)
  const depths = openDepths(redis.connect(), PREFIX)
  undo.after(() => depths.close())
  listen('place', async key => {
    const text = { what: key, why: 'it is broken', remedy: 'Mend it', retry: key === 'later' }
    throw new Fault('Broken', text)
  })
  await bells.ring('place', ['later', 'never'])
  await until('both have failed', async () => (await depths.failures('place')).length === 2)
  const told = await depths.failures('place')
  const found = told.map(({ key, givenUp, why }) => `${key} ${givenUp} ${why}`).sort()
  assert.deepEqual(found, [
    'later false later: it is broken. Mend it. [Broken]',
    'never true never: it is broken. Mend it. [Broken]',
  ])
})
