import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { answerStep, startTracing, step, traceparent } from '../../infra/tracing.ts'

const TRACING = new URL('../../infra/tracing.ts', import.meta.url).href
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The packages of OpenTelemetry that a process has loaded once tracing has been started in this environment. */
function loaded(environment: Record<string, string>): string[] {
  const script = `
    const { startTracing, step, traceparent } = await import(${JSON.stringify(TRACING)})
    await startTracing('herald-test', console)
    await step('a', {}, async () => {})
    const { createRequire } = await import('node:module')
    const paths = Object.keys(createRequire(import.meta.url).cache)
    const names = paths.flatMap(path => /@opentelemetry\\/([a-z-]+)/.exec(path)?.[1] ?? [])
    console.log(JSON.stringify([...new Set(names)].sort()))
    process.exit()`
  const args = ['--import', 'tsx', '--input-type=module', '-e', script]
  const { OTEL_EXPORTER_OTLP_ENDPOINT: _, ...inherited } = process.env
  const env = { ...inherited, ...environment }
  return JSON.parse(execFileSync(process.execPath, args, { cwd: ROOT, env, encoding: 'utf8' }))
}

test('off: of OpenTelemetry only its API is loaded', () => {
  assert.deepEqual(loaded({}), ['api'])
})

test('off: a step is its act and no more', () => {
  const done = Promise.resolve()
  const act = () => done
  assert.equal(step('a', {}, act), done)
  assert.equal(
    answerStep('a', { key: 'a', parent: `00-${'1'.repeat(32)}-${'1'.repeat(16)}-01` }, act),
    done,
  )
  assert.equal(traceparent(), undefined)
})

test('a collector that does not answer holds up no stop', async t => {
  const silent = createServer().listen(0, '127.0.0.1')
  t.after(() => silent.close())
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${port}`
  t.after(() => delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT)
  const warn = (fields: object, message: string) => assert.fail(`${message} ${fields}`)
  const end = await startTracing('herald-test', { warn })
  await step('a', {}, async () => assert.ok(traceparent()))
  const asked = once(silent, 'connection')
  await end()
  const [socket] = await asked
  socket.destroy()
})

test('OTEL_SDK_DISABLED=true wins over an endpoint', () => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }
  assert.deepEqual(loaded({ ...endpoint, OTEL_SDK_DISABLED: 'true' }), ['api'])
  assert.ok(loaded(endpoint).includes('sdk-trace-node'), 'what this test looks at is told apart')
})
