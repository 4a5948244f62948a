import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openMetrics } from '../../../infra/metrics/metrics.ts'
import { answer, openBells } from '../../../infra/queue/queues.ts'
import { startTracing, step } from '../../../infra/tracing.ts'
import { needs } from '../../support/capabilities.ts'
import { collector } from '../../support/collector.ts'
import { keptLog } from '../../support/log.ts'
import { privateRedis } from '../../support/redis.ts'
import { freePorts } from '../../support/redis-shapes.ts'
import { undoing } from '../../support/undo.ts'
import { until } from '../../support/until.ts'

const PREFIX = '{herald}'

test(
  'an answer is a step of one trace, and is linked to every other that rang for it',
  needs('redis'),
  async t => {
    const undo = undoing(t)
    const redis = await privateRedis(undo)
    const client = redis.connect()
    const log = keptLog()
    const bells = openBells(client, PREFIX, log)
    undo.after(() => bells.close())
    await bells.ring('allocate', ['untraced'])
    const traceless = await client.keys('*:rung:*')
    assert.deepEqual(traceless, [], 'nothing is written down while tracing is off')

    const [port = 0] = await freePorts(1)
    process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${port}`
    const { spans } = await collector(undo, port, [[]])
    const sendRest = await startTracing('herald-test', log)
    for (const event of ['first', 'second', 'third']) {
      await step(event, {}, () => bells.ring('allocate', ['a']))
    }
    const answered: string[] = []
    const answering = answer('allocate', async key => void answered.push(key), {
      connection: redis.connect(),
      prefix: PREFIX,
      concurrency: 1,
      log,
      metrics: openMetrics(log),
    })
    undo.after(() => answering.stop(1000))
    await until('both are answered', () => answered.length === 2)
    assert.deepEqual(await client.keys('*:rung:*'), [], 'what is linked is not kept')
    await answering.stop(1000)
    await sendRest()

    await until('the spans are there', () => spans.length === 5)
    const idOf = (name: string) => spans.find(one => one.name === name)?.traceId
    const answers = spans.filter(one => one.name === 'allocate')
    const [mine] = answers.filter(one => one.traceId === idOf('first'))
    assert.deepEqual(
      mine?.links?.map(one => one.traceId),
      [idOf('second'), idOf('third')],
    )
    assert.deepEqual(
      answers.filter(one => one !== mine).map(one => one.links ?? []),
      [[]],
      'who was rung outside a trace is linked to none',
    )
  },
)
