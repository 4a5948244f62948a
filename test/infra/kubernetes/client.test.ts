import assert from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Fault } from '../../../functions/model/fault.ts'
import {
  ApiError,
  type ApiRequest,
  connectKubernetes,
  type KubernetesApi,
} from '../../../infra/kubernetes/client.ts'
import { relayTo } from '../../support/relay.ts'
import {
  failure,
  json,
  kubeconfigText,
  type Script,
  type ScriptedApi,
  scriptedApi,
} from '../../support/scripted-api.ts'

const PATH = '/api/v1/services'

async function world(
  t: TestContext,
  script?: Script,
): Promise<{ server: ScriptedApi; api: KubernetesApi }> {
  const server = await scriptedApi(t, script)
  const api = await connectKubernetes({ kubeconfig: server.kubeconfig, context: null })
  t.after(() => api.close())
  return { server, api }
}

/** Answers the first so many questions with one script, all further ones with another. */
function first(
  times: number,
  before: Script,
  then: Script = (_, r) => json(r, { ok: true }),
): Script {
  let count = 0
  return (question, response) => (count++ < times ? before : then)(question, response)
}

test('300 requests, many at a time, need no more connections than the pool has', async t => {
  const { server, api } = await world(t)
  await Promise.all(Array.from({ length: 300 }, () => api.request({ path: PATH })))
  assert.equal(server.asked.length, 300)
  assert.ok(server.connections() <= 32, `${server.connections()} connections`)
})

test('300 requests one after the other go over one connection', async t => {
  const { server, api } = await world(t)
  for (let i = 0; i < 300; i++) await api.request({ path: PATH })
  assert.equal(server.connections(), 1)
})

test('watches hold no connection that a write could need', async t => {
  const { api } = await world(t, ({ url }, response) => {
    if (url.searchParams.has('watch')) response.writeHead(200).write('\n')
    else json(response, { ok: true })
  })
  for (let i = 0; i < 40; i++) await api.open({ path: PATH, query: { watch: 'true' } })
  assert.deepEqual(await api.request({ path: PATH, timeoutMs: 5000 }), { ok: true })
})

test('a request carries the token, the query and the body', async t => {
  const { server, api } = await world(t)
  await api.request({
    method: 'PATCH',
    path: PATH,
    query: { fieldSelector: 'metadata.name=config' },
    body: { a: 'ü' },
    contentType: 'application/merge-patch+json',
  })
  const [question] = server.asked
  assert.equal(question?.method, 'PATCH')
  assert.equal(question?.url.searchParams.get('fieldSelector'), 'metadata.name=config')
  assert.equal(question?.headers.authorization, 'Bearer secret')
  assert.equal(question?.headers['content-type'], 'application/merge-patch+json')
  assert.deepEqual(JSON.parse(question?.body ?? ''), { a: 'ü' })
})

test('a refusal says what was asked, the status, the reason and the words of the server', async t => {
  const { api } = await world(t, (_, response) => failure(response, 409, 'Conflict'))
  const error = await refusal(api, { path: PATH })
  assert.equal(error.status, 409)
  assert.equal(error.reason, 'Conflict')
  assert.equal(error.message, 'GET /api/v1/services: 409 Conflict: scripted Conflict')
})

const RETRIED: readonly [string, ApiRequest, number, number][] = [
  // case, request, status, times asked
  ['429 is asked again', { path: PATH }, 429, 3],
  [
    '429 of a POST is asked again: it was not done',
    { path: PATH, method: 'POST', body: {} },
    429,
    3,
  ],
  ['500 of a GET is asked again', { path: PATH }, 500, 3],
  ['503 of a patch is asked again', { path: PATH, method: 'PATCH', body: {} }, 503, 3],
  ['500 of a POST may have been done: not asked again', { path: PATH, method: 'POST' }, 500, 1],
  ['500 of a repeatable POST', { path: PATH, method: 'POST', repeatable: true }, 500, 3],
  ['404 is an answer', { path: PATH }, 404, 1],
  ['422 is an answer', { path: PATH, method: 'PATCH', body: {} }, 422, 1],
]

for (const [name, request, code, times] of RETRIED) {
  test(`retry: ${name}`, async t => {
    const { server, api } = await world(
      t,
      first(2, (_, r) => failure(r, code, 'Scripted')),
    )
    if (times === 1) assert.equal((await refusal(api, request)).status, code)
    else assert.deepEqual(await api.request(request), { ok: true })
    assert.equal(server.asked.length, times)
  })
}

for (const [name, value] of [
  ['seconds', () => '1'],
  ['a date', () => new Date(Date.now() + 1999).toUTCString()], // whole seconds: at least one ahead
] as const) {
  test(`Retry-After in ${name} is waited for`, async t => {
    const { server, api } = await world(
      t,
      first(1, (_, r) => failure(r, 429, 'TooManyRequests', { 'retry-after': value() })),
    )
    await api.request({ path: PATH })
    const [before, after] = server.asked
    const waitedMs = (after?.atMs ?? 0) - (before?.atMs ?? 0)
    assert.ok(waitedMs >= 900, `waited ${waitedMs} ms`)
  })
}

test('a Retry-After of an hour is told to the caller instead of waited for', async t => {
  const { api } = await world(t, (_, r) =>
    failure(r, 503, 'ServiceUnavailable', { 'retry-after': '3600' }),
  )
  assert.equal((await refusal(api, { path: PATH })).retryAfterMs, 3_600_000)
})

test('a server that fails for ever is asked a few times only', async t => {
  const { server, api } = await world(t, (_, r) => failure(r, 500, 'InternalError'))
  await refusal(api, { path: PATH })
  assert.equal(server.asked.length, 5)
})

test('a connection that breaks in the middle of the answer is asked again', async t => {
  const { api } = await world(
    t,
    first(2, (_, response) => {
      response.writeHead(200, { 'content-length': '1000' }).write('{"half":')
      setTimeout(() => response.socket?.destroy(), 20)
    }),
  )
  assert.deepEqual(await api.request({ path: PATH }), { ok: true })
})

test('a request that is never answered ends, and the next attempt takes a fresh connection', async t => {
  const { server, api } = await world(t)
  await api.request({ path: PATH })
  server.answer(first(1, () => {}))
  assert.deepEqual(await api.request({ path: PATH, timeoutMs: 500 }), { ok: true })
  assert.equal(server.connections(), 2)
})

test('an answer that drips for ever ends as well', async t => {
  const { api } = await world(t, (_, response) => {
    const drip = setInterval(() => response.write(' '), 50)
    response.on('close', () => clearInterval(drip))
  })
  const error = await refusal(api, { path: PATH, method: 'POST', timeoutMs: 300 })
  assert.equal(error.reason, 'Timeout')
})

test('a page of some proxy is no answer', async t => {
  const { api } = await world(t, (_, response) => response.end('<html>login</html>'))
  const error = await refusal(api, { path: PATH, method: 'POST' })
  assert.equal(error.reason, 'SenselessAnswer')
})

test('an aborted request ends at once', async t => {
  const { api } = await world(t, () => {})
  const controller = new AbortController()
  const waiting = api.request({ path: PATH, signal: controller.signal })
  setTimeout(() => controller.abort(), 50)
  await assert.rejects(waiting)
})

test('a kubeconfig that points nowhere: the error names the server and says what to check', async t => {
  const server = await scriptedApi(t)
  await server.stop()
  const api = await connectKubernetes({ kubeconfig: server.kubeconfig, context: null })
  const error = await refusal(api, { path: PATH })
  assert.equal(error.status, 0)
  assert.equal(error.reason, 'ECONNREFUSED')
  assert.match(error.message, new RegExp(`${server.url}/api/v1/services: connect ECONNREFUSED`))
  assert.match(error.message, /Check that the API server runs/)
})

test('a server with a certificate of another authority is refused once, with the remedy', async t => {
  const server = await scriptedApi(t)
  const other = await scriptedApi(t)
  const path = join(server.folder, 'foreign')
  writeFileSync(path, kubeconfigText({ url: server.url, ca: other.ca, token: 'secret' }))
  const api = await connectKubernetes({ kubeconfig: path, context: null })
  const error = await refusal(api, { path: PATH })
  assert.match(error.message, /Check that certificate-authority and server/)
  assert.equal(server.asked.length, 0)
  assert.equal(server.connections(), 1)
})

test('a token that was replaced in the kubeconfig is used when the server says 401', async t => {
  const { server, api } = await world(t, ({ headers }, response) =>
    headers.authorization === 'Bearer fresh'
      ? json(response, { ok: true })
      : failure(response, 401, 'Unauthorized'),
  )
  writeFileSync(
    server.kubeconfig,
    kubeconfigText({ url: server.url, ca: server.ca, token: 'fresh' }),
  )
  assert.deepEqual(await api.request({ path: PATH }), { ok: true })
})

test('a token of an exec plugin is asked for once, not for each request', async t => {
  const server = await scriptedApi(t)
  const plugin = join(server.folder, 'plugin')
  const credential = { kind: 'ExecCredential', status: { token: 'from-plugin' } }
  writeFileSync(
    plugin,
    `#!/bin/sh\necho x >> ${server.folder}/calls\necho '${JSON.stringify(credential)}'\n`,
  )
  chmodSync(plugin, 0o755)
  const config = JSON.parse(kubeconfigText({ url: server.url, ca: server.ca, token: '' }))
  config.users = [{ name: 'u', user: { exec: { command: plugin, args: [] } } }]
  writeFileSync(server.kubeconfig, JSON.stringify(config))
  const api = await connectKubernetes({ kubeconfig: server.kubeconfig, context: null })
  await Promise.all(Array.from({ length: 20 }, () => api.request({ path: PATH })))
  assert.equal(server.asked[7]?.headers.authorization, 'Bearer from-plugin')
  assert.equal(readFileSync(join(server.folder, 'calls'), 'utf8'), 'x\n')
  api.close()
})

const BAD: readonly [string, string | null, RegExp][] = [
  [
    'a missing file',
    null,
    /The kubeconfig .* cannot be used: there is no such file\. Give --kubeconfig/,
  ],
  ['an empty file', '', /it is empty, or not a kubeconfig/],
  ['no YAML', '{{{ : [', /cannot be used: .*flow/],
  ['prose', 'just some words', /it names no current-context/],
  [
    'a context without its cluster',
    broken({ clusters: [] }),
    /wants the cluster "c", which it lacks/,
  ],
  ['a context without its user', broken({ users: [] }), /wants the user "u", whom it lacks/],
  [
    'a server that is no address',
    broken({ clusters: [{ name: 'c', cluster: { server: 'somewhere' } }] }),
    /its server "somewhere" is no address/,
  ],
]

for (const [name, text, message] of BAD) {
  test(`kubeconfig: ${name} is a Fault that says which file and why`, async t => {
    const { folder } = await scriptedApi(t)
    const path = join(folder, 'bad')
    if (text !== null) writeFileSync(path, text)
    const fault = await faultOf(connectKubernetes({ kubeconfig: path, context: null }))
    assert.match(fault.message, message)
    assert.ok(fault.message.includes(path))
    assert.equal(fault.retry, false)
  })
}

test('kubeconfig: a context that does not exist is a Fault that names those that do', async t => {
  const { kubeconfig } = await scriptedApi(t)
  const fault = await faultOf(connectKubernetes({ kubeconfig, context: 'away' }))
  assert.match(
    fault.message,
    /no context "away" in the kubeconfig .*: it has: home\. Give --context/,
  )
})

test('kubeconfig: a certificate file that is gone is a Fault, and may come back', async t => {
  const { folder, url } = await scriptedApi(t)
  const path = join(folder, 'gone')
  const cluster = { server: url, 'certificate-authority': '/nowhere/ca.crt' }
  writeFileSync(path, broken({ clusters: [{ name: 'c', cluster }] }))
  const fault = await faultOf(connectKubernetes({ kubeconfig: path, context: null }))
  assert.match(fault.message, /credentials in the kubeconfig .*\/nowhere\/ca\.crt/)
  assert.equal(fault.retry, true)
})

function broken(parts: object): string {
  return JSON.stringify({
    ...JSON.parse(kubeconfigText({ url: 'https://127.0.0.1:1', ca: 'x', token: 't' })),
    ...parts,
  })
}

async function refusal(api: KubernetesApi, request: ApiRequest): Promise<ApiError> {
  const error = await api.request(request).then(
    () => null,
    (error: unknown) => error,
  )
  assert.ok(error instanceof ApiError, `an ApiError, not ${error}`)
  return error
}

async function faultOf(attempt: Promise<unknown>): Promise<Fault> {
  const error = await attempt.then(
    () => null,
    (error: unknown) => error,
  )
  assert.ok(error instanceof Fault, `a Fault, not ${error}`)
  return error
}

test('who waits for a free connection is not timed out as if the API server were slow', async t => {
  // With 32 connections the last of 512 waits for 16 others, longer than an answer may take.
  const { server, api } = await world(t, (_, response) => {
    setTimeout(() => json(response, { ok: true }), 150)
  })
  const asked = Array.from({ length: 512 }, () =>
    api.request({ method: 'PATCH', path: PATH, timeoutMs: 1500, patienceMs: 0, repeatable: false }),
  )
  assert.equal((await Promise.all(asked)).length, 512)
  assert.equal(server.asked.length, 512)
})

test('the time of an answer begins when its connection is set up, and setting up has as long', async t => {
  const server = await scriptedApi(t, (_, response) => {
    setTimeout(() => json(response, { ok: true }), 700)
  })
  const relay = await relayTo(t, server.kubeconfig, 'late', 700)
  const connect = async () => {
    const api = await connectKubernetes({ kubeconfig: relay.kubeconfigPath, context: null })
    t.after(() => api.close())
    return api
  }
  const asked = { path: PATH, timeoutMs: 1000, patienceMs: 0 }
  assert.deepEqual(await (await connect()).request(asked), { ok: true })
  relay.cut('silent')
  const error = await refusal(await connect(), asked)
  assert.match(error.message, /no answer for 1000 ms/)
})
