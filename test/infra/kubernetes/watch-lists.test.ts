import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as after } from 'node:timers/promises'
import { type Cluster, following, from, listOfA, page, saying } from '../../support/following.ts'
import { failure, json } from '../../support/scripted-api.ts'
import { until } from '../../support/until.ts'

test('a list of many pages is handed over whole, at its one version', async t => {
  const pages: Cluster['list'] = ({ url }, response) => {
    assert.equal(url.searchParams.get('limit'), '2')
    assert.equal(url.searchParams.get('resourceVersion'), null)
    const token = url.searchParams.get('continue')
    if (token === null) json(response, page(['a', 'b'], '10', 'second'))
    else if (token === 'second') json(response, page(['c', 'd'], '10', 'third'))
    else json(response, page(['e'], '10'))
  }
  const { heard, followed, watches } = await following(
    t,
    { list: pages, watch: saying() },
    { pageSize: 2 },
  )
  await followed.synced
  assert.deepEqual(heard, ['list 10: a b c d e'])
  await until('it watches', () => watches().length > 0)
  const [watch] = watches()
  assert.equal(watch && from(watch), '10')
  assert.equal(watch?.url.searchParams.get('allowWatchBookmarks'), 'true')
  assert.equal(followed.state().phase, 'watching')
})

test('a list that fails half way hands over nothing, and starts over', async t => {
  let fail = true
  const pages: Cluster['list'] = ({ url }, response) => {
    if (!url.searchParams.has('continue')) json(response, page(['a'], '10', 'second'))
    else if (fail) failure(response, 403, 'Forbidden')
    else json(response, page(['b'], '10'))
  }
  const { heard, followed, log } = await following(t, { list: pages, watch: saying() })
  await until('the failure is noticed', () => followed.state().restarts > 0)
  assert.deepEqual(heard, [])
  assert.equal(followed.state().resourceVersion, null)
  assert.match(log.lines[0]?.message ?? '', /a permission is missing; infra\/deploy\/rbac\.yaml/)
  fail = false
  await followed.synced
  assert.deepEqual(heard, ['list 10: a b'])
})

test('a continue token that has expired (410) starts the list over', async t => {
  let tokens = 0
  const pages: Cluster['list'] = ({ url }, response) => {
    if (!url.searchParams.has('continue')) json(response, page(['a'], String(10 + tokens), 'next'))
    else if (tokens++ === 0) failure(response, 410, 'Expired')
    else json(response, page(['b'], '11'))
  }
  const { heard, followed } = await following(t, { list: pages, watch: saying() })
  await followed.synced
  assert.deepEqual(heard, ['list 11: a b'])
})

test('an answer that is no list is never taken for an empty one', async t => {
  let senseless = true
  const { heard, followed } = await following(t, {
    list: (_, response) => json(response, senseless ? { kind: 'Surprise' } : page([], '10')),
    watch: saying(),
  })
  await until('it is noticed', () => followed.state().restarts > 1)
  assert.deepEqual(heard, [])
  senseless = false
  await followed.synced
  assert.deepEqual(heard, ['list 10: '])
})

test('a list that could not be taken is listed again before anything is watched', async t => {
  let refusals = 1
  const { followed, watches, lists } = await following(
    t,
    { list: listOfA, watch: saying() },
    {
      listed() {
        if (refusals-- > 0) throw new Error('Redis is away')
      },
    },
  )
  await until('it is noticed', () => followed.state().restarts === 1)
  assert.equal(watches().length, 0)
  await followed.synced
  assert.equal(lists().length, 2)
})

test('a kind that is not installed is an empty list, said once, and found when it comes', async t => {
  let installed = false
  const { heard, followed, log } = await following(t, {
    list: (_, response) => {
      if (installed) json(response, page(['a'], '90'))
      else response.writeHead(404).end('404 page not found\n')
    },
    watch(question, response) {
      if (installed) saying()(question, response)
      else response.writeHead(404).end('404 page not found\n')
    },
  })
  await followed.synced
  assert.deepEqual(heard, ['list 77: '], 'at the version of the store before the second look')
  assert.equal(followed.state().phase, 'waiting')
  assert.equal(followed.state().error, null)
  installed = true
  await until('it is found', () => heard.length === 2)
  assert.deepEqual(heard[1], 'list 90: a')
  assert.equal(log.lines.filter(({ message }) => message.includes('not installed')).length, 1)
})

test('a kind that is unknown for a moment while the server starts is not taken for empty', async t => {
  let looks = 0
  const { heard, followed } = await following(t, {
    list: (_, response) => {
      if (looks++ === 0) response.writeHead(404).end('404 page not found\n')
      else json(response, page(['a'], '90'))
    },
    watch: saying(),
  })
  await followed.synced
  assert.deepEqual(heard, ['list 90: a'])
})

test('a missing permission is said with the words of the server, and asked for slowly', async t => {
  const { server, log, followed } = await following(t, {
    list: (_, response) => failure(response, 403, 'Forbidden'),
    watch: saying(),
  })
  await until('it is said', () => log.lines.length > 0)
  await after(1500)
  assert.equal(server.asked.length, 1)
  assert.equal(log.lines.length, 1)
  assert.match(
    String(log.lines[0]?.fields.error),
    /GET \/api\/v1\/services: 403 Forbidden: scripted/,
  )
  assert.match(followed.state().error ?? '', /403 Forbidden/)
})
