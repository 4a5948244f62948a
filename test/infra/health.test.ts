import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Fault } from '../../functions/model/fault.ts'
import { serveHealth } from '../../infra/health.ts'
import type { Checks } from '../../infra/process.ts'

const ANYWHERE = { host: '127.0.0.1', port: 0 }

const METRICS = { scrape: async () => ({ type: 'text/plain', text: 'a_metric 1\n' }) }

async function asked(t: TestContext, path: string, check: () => Promise<Checks> | Checks) {
  const health = await serveHealth(ANYWHERE, { ready: check, alive: check }, METRICS)
  t.after(() => health.close())
  const answer = await fetch(`http://127.0.0.1:${health.port}${path}`)
  return {
    status: answer.status,
    body: answer.ok || answer.status === 503 ? await answer.json() : null,
  }
}

for (const path of ['/healthz', '/readyz']) {
  test(`${path}: 200 when every check holds`, async t => {
    const checks = { redis: null, queue: null }
    assert.deepEqual(await asked(t, path, () => checks), {
      status: 200,
      body: { ok: true, checks },
    })
  })

  test(`${path}: 503 with the reason when one does not`, async t => {
    const checks = { redis: 'connection is closed', queue: null }
    assert.deepEqual(await asked(t, path, () => checks), {
      ...{ status: 503, body: { ok: false, checks } },
    })
  })

  test(`${path}: a check that throws does not hold`, async t => {
    const failing = () => Promise.reject(new Error('broken'))
    assert.deepEqual(await asked(t, path, failing), {
      ...{ status: 503, body: { ok: false, checks: { answer: 'broken' } } },
    })
  })
}

test('a check that hangs is answered all the same', async t => {
  const { status, body } = await asked(t, '/readyz', () => new Promise(() => {}))
  assert.equal(status, 503)
  assert.deepEqual(body, { ok: false, checks: { answer: 'no answer for 2000 ms' } })
})

test('/metrics: what was measured, as Prometheus reads it', async t => {
  const health = await serveHealth(ANYWHERE, { ready: () => ({}), alive: () => ({}) }, METRICS)
  t.after(() => health.close())
  const answer = await fetch(`http://127.0.0.1:${health.port}/metrics`)
  assert.equal(await answer.text(), 'a_metric 1\n')
})

test('another path is not found', async t => {
  assert.equal((await asked(t, '/', () => ({}))).status, 404)
})

test('figures that cannot be had are a fault of the server, and it goes on', async t => {
  const broken = { scrape: () => Promise.reject(new Error('broken')) }
  const health = await serveHealth(ANYWHERE, { ready: () => ({}), alive: () => ({}) }, broken)
  t.after(() => health.close())
  const at = `http://127.0.0.1:${health.port}`
  assert.equal((await fetch(`${at}/metrics`)).status, 500)
  assert.equal((await fetch(`${at}/healthz?verbose`)).status, 200)
})

test('is there to be read: HEAD has the status alone, anything else is refused', async t => {
  const checks = { ready: () => ({}), alive: () => ({}) }
  const health = await serveHealth(ANYWHERE, checks, METRICS)
  t.after(() => health.close())
  const status = async (method: string) =>
    (await fetch(`http://127.0.0.1:${health.port}/healthz`, { method })).status
  assert.deepEqual([await status('HEAD'), await status('POST')], [200, 405])
})

test('an address in use is a fault that says which setting to change', async t => {
  const checks = { ready: () => ({}), alive: () => ({}) }
  const health = await serveHealth(ANYWHERE, checks, METRICS)
  t.after(() => health.close())
  const again = serveHealth({ host: '127.0.0.1', port: health.port }, checks, METRICS)
  await assert.rejects(again, (error: unknown) => {
    assert.ok(error instanceof Fault)
    assert.match(error.message, /EADDRINUSE.*--health-address.*\[HealthAddressUnusable]/)
    return true
  })
})
