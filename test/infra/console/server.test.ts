/** Who listens to what changes, over real sockets. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Hono } from 'hono'
import { serveConsole } from '../../../infra/console/server.ts'
import { until } from '../../support/until.ts'

async function aConsole(t: TestContext) {
  const nothing = async () => []
  const served = await serveConsole({
    listen: { host: '127.0.0.1', port: 0 },
    token: null,
    whole: () => [{ event: 'rows', data: 'everything' }],
    ask: { rows: nothing, explained: nothing, history: nothing },
    boards: { reading: new Hono(), acting: null },
  })
  t.after(() => served.close())
  return { served, url: `http://127.0.0.1:${served.port}/events` }
}

test('a page is told everything, then what changes, and is forgotten when it is closed', async t => {
  const { served, url } = await aConsole(t)
  const leaving = new AbortController()
  const answer = await fetch(url, { signal: leaving.signal })
  const told: string[] = []
  const reading = (async () => {
    const text = new TextDecoder()
    for await (const chunk of answer.body ?? []) told.push(text.decode(chunk))
  })().catch(() => {}) // it ends by being aborted
  await until('it is told everything', () => told.join('').includes('"everything"'))
  served.say({ event: 'rows', data: 'a change' })
  await until('it is told the change', () => told.join('').includes('"a change"'))
  leaving.abort()
  await reading
  await until('it is forgotten', () => served.pages() === 0)
})

test('who asks for the head alone is no page', async t => {
  const { served, url } = await aConsole(t)
  const answer = await fetch(url, { method: 'HEAD' })
  assert.equal(answer.headers.get('content-type'), 'text/event-stream')
  assert.equal(served.pages(), 0)
})

test('a page that takes nothing is cut off, and what it was not told is not kept', async t => {
  const { served } = await aConsole(t)
  const socket = connect(served.port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.pause()
  socket.write('GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n')
  await until('it is there', () => served.pages() === 1)
  const much = 'x'.repeat(100_000)
  await until('it is cut off', () => {
    served.say({ event: 'rows', data: much })
    return served.pages() === 0
  })
})

test('refusals are hardened as answers are', async t => {
  const { url } = await aConsole(t)
  for (const [method, status] of [
    ['HEAD', 200],
    ['PUT', 403],
  ] as const) {
    const answer = await fetch(url, { method })
    assert.equal(answer.status, status)
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
    assert.equal(answer.headers.get('x-frame-options'), 'DENY')
  }
})
