/** One trace from the watch event to the frame on the wire, through every process as it is. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { needs } from '../support/capabilities.ts'
import { collector, type Span } from '../support/collector.ts'
import { lab } from '../support/lab.ts'
import { freePorts } from '../support/redis-shapes.ts'
import { undoing } from '../support/undo.ts'
import { until } from '../support/until.ts'

/** Each step, with the process that takes it and the step that it follows from. */
const STEPS = [
  'herald-watcher: watch event',
  'herald-allocator: allocate < watch event',
  'herald-allocator: claim < allocate',
  'herald-watcher: publish < allocate',
  'herald-watcher: patch < publish',
  'herald-allocator: place < allocate',
  'herald-announcer: announce < place',
  'herald-announcer: frame < announce',
]

/** Where the Pods of one get ready only after it was placed, it is announced in the trace of what the watcher saw of them. */
const SHOPS = ['one', 'two', 'three', 'four', 'five', 'six']

describe('tracing', needs('netns', 'redis', 'kubectl'), () => {
  const scope = undoing({ after })

  it('is one trace from the watch event to the frame on the wire', async () => {
    const [port = 0] = await freePorts(1)
    process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${port}`
    process.env.OTEL_BSP_SCHEDULE_DELAY = '200'
    const { lan, serve, addressOf } = await lab(scope)
    const { spans } = await collector(scope, port, [
      [],
      ...lan.nodes.map(one => lan.enter(one.name)),
    ])
    const best = () =>
      [...new Set(spans.map(({ traceId }) => traceId))]
        .map(id => stepsOf(spans.filter(({ traceId }) => traceId === id)))
        .reduce((a, b) => (missing(b).length < missing(a).length ? b : a), [])
    for (const shop of SHOPS) {
      await serve(shop)
      await addressOf(shop)
      const whole = until('one trace has every step', () => missing(best()).length === 0, 5000)
      if (await whole.then(() => true).catch(() => false)) return
    }
    assert.deepEqual(best(), STEPS)
  })
})

function stepsOf(spans: readonly Span[]): string[] {
  return spans.map(({ service, name, parentSpanId }) => {
    const parent = spans.find(({ spanId }) => spanId === parentSpanId)
    return `${service}: ${name}${parent ? ` < ${parent.name}` : ''}`
  })
}

const missing = (steps: readonly string[]) => STEPS.filter(step => !steps.includes(step))
