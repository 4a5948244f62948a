import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Json, type JsonObject, textAt } from '../../../../infra/sandbox/apiserver/object.ts'
import { apiServer, ask, openWatch } from '../../../support/apiserver.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'
const map = (name: string, labels: JsonObject = {}): JsonObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', labels },
})
const said = (events: readonly JsonObject[]) =>
  events.map(event => `${textAt(event, 'type')} ${textAt(event, 'object', 'metadata', 'name')}`)
const version = (json: unknown) => textAt(json as Json, 'metadata', 'resourceVersion')

test('a watch without resourceVersion shows what is there as ADDED, then what happens', async t => {
  const server = await apiServer(t)
  server.store.create('configmaps', map('a'))
  const watch = await openWatch(
    t,
    server,
    `${MAPS}?watch=1&fieldSelector=metadata.name!=kube-root-ca.crt`,
  )
  await watch.until(1)
  server.store.create('configmaps', map('b'))
  server.store.patch('configmaps', 'default', 'a', { data: { x: '1' } })
  server.store.delete('configmaps', 'default', 'b')
  assert.deepEqual(said(await watch.until(4)), ['ADDED a', 'ADDED b', 'MODIFIED a', 'DELETED b'])
})

test('a watch from a resourceVersion shows exactly what happened after it', async t => {
  const server = await apiServer(t)
  server.store.create('configmaps', map('a'))
  const list = await ask(server, 'GET', MAPS)
  server.store.create('configmaps', map('b'))
  server.store.delete('configmaps', 'default', 'a')
  const watch = await openWatch(t, server, `${MAPS}?watch=1&resourceVersion=${version(list.body)}`)
  const events = await watch.until(2)
  assert.deepEqual(said(events), ['ADDED b', 'DELETED a'])
  const versions = events.map(event =>
    Number(textAt(event, 'object', 'metadata', 'resourceVersion')),
  )
  assert.ok(
    Number(versions[0]) > Number(version(list.body)) && Number(versions[1]) > Number(versions[0]),
  )
})

/** case, labels before (null: not there), labels after (null: deleted), what a watcher of x=1 sees */
const transitions: [string, JsonObject | null, JsonObject | null, string[]][] = [
  ['comes with the label', null, { x: '1' }, ['ADDED m']],
  ['comes without the label', null, { x: '2' }, []],
  ['gets the label', {}, { x: '1' }, ['ADDED m']],
  ['keeps the label', { x: '1' }, { x: '1', y: '2' }, ['MODIFIED m']],
  ['loses the label', { x: '1' }, { x: '2' }, ['DELETED m']],
  ['goes with the label', { x: '1' }, null, ['DELETED m']],
  ['goes without the label', {}, null, []],
]

for (const [name, before, after, expected] of transitions) {
  test(`a selecting watch, when an object ${name}: ${expected.join() || 'nothing'}`, async t => {
    const server = await apiServer(t)
    if (before) server.store.create('configmaps', map('m', before))
    const from = server.store.revision
    const watch = await openWatch(
      t,
      server,
      `${MAPS}?watch=1&resourceVersion=${from}&labelSelector=x%3D1`,
    )
    if (!before && after) server.store.create('configmaps', map('m', after))
    else if (after) {
      const old = server.store.get('configmaps', 'default', 'm')
      assert.ok(old)
      server.store.update('configmaps', {
        ...old,
        metadata: { ...old.metadata, labels: toLabels(after) },
      })
    } else server.store.delete('configmaps', 'default', 'm')
    server.store.create('configmaps', map('end', { x: '1' }))
    const events = await watch.until(expected.length + 1)
    assert.deepEqual(said(events), [...expected, 'ADDED end'])
  })
}

function toLabels(labels: JsonObject): { [key: string]: string } {
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, String(value)]))
}

test('an object that leaves the selection is shown as it was, at the version at which it left', async t => {
  const server = await apiServer(t)
  server.store.create('configmaps', map('m', { x: '1' }))
  const watch = await openWatch(
    t,
    server,
    `${MAPS}?watch=1&resourceVersion=${server.store.revision}&labelSelector=x`,
  )
  const next = server.store.patch('configmaps', 'default', 'm', {
    metadata: { labels: { x: null } },
  })
  const [event] = await watch.until(1)
  assert.equal(textAt(event, 'object', 'metadata', 'labels', 'x'), '1')
  assert.equal(
    textAt(event, 'object', 'metadata', 'resourceVersion'),
    next.metadata.resourceVersion,
  )
})

test('a watch from a forgotten version is told 410 in an ERROR event', async t => {
  const server = await apiServer(t)
  const old = server.store.revision
  server.dropHistory()
  const watch = await openWatch(t, server, `${MAPS}?watch=1&resourceVersion=${old}`)
  const [event] = await watch.until(1)
  assert.equal(textAt(event, 'type'), 'ERROR')
  assert.equal(textAt(event, 'object', 'code'), '410')
  assert.equal(textAt(event, 'object', 'reason'), 'Expired')
  await watch.ended
})

test('history is a window: what fell out of it is forgotten', async t => {
  const server = await apiServer(t, { historyMax: 50 })
  const old = server.store.revision
  for (let index = 0; index < 70; index++) server.store.create('configmaps', map(`m-${index}`))
  const watch = await openWatch(t, server, `${MAPS}?watch=1&resourceVersion=${old}`)
  assert.equal(textAt((await watch.until(1))[0], 'type'), 'ERROR')
})

test('bookmarks come on time, carry the newest version of all resources, and end a timed watch', async t => {
  const server = await apiServer(t, { bookmarkIntervalMs: 50 })
  const path = `${MAPS}?watch=1&resourceVersion=${server.store.revision}&allowWatchBookmarks=true&timeoutSeconds=1`
  const watch = await openWatch(t, server, path)
  server.store.create('nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } })
  await watch.until(2)
  await watch.ended
  const last = watch.events.at(-1)
  assert.equal(textAt(last, 'type'), 'BOOKMARK')
  assert.equal(textAt(last, 'object', 'metadata', 'resourceVersion'), String(server.store.revision))
  assert.equal(textAt(last, 'object', 'kind'), 'ConfigMap')
})

test('sendInitialEvents streams the list and marks its end with a bookmark', async t => {
  const server = await apiServer(t)
  server.store.create('configmaps', map('a'))
  const query =
    'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
  const watch = await openWatch(t, server, `${MAPS}?${query}&fieldSelector=metadata.name%3Da`)
  const [added, mark] = await watch.until(2)
  assert.deepEqual(said([added ?? {}]), ['ADDED a'])
  assert.equal(
    textAt(mark, 'object', 'metadata', 'annotations', 'k8s.io/initial-events-end'),
    'true',
  )
})

test('paused watches get everything, in order, when they are resumed', async t => {
  const server = await apiServer(t)
  const watch = await openWatch(
    t,
    server,
    `${MAPS}?watch=1&resourceVersion=${server.store.revision}`,
  )
  server.pauseWatches()
  server.store.create('configmaps', map('a'))
  server.store.create('configmaps', map('b'))
  await ask(server, 'GET', MAPS)
  assert.deepEqual(watch.events, [])
  server.resumeWatches()
  assert.deepEqual(said(await watch.until(2)), ['ADDED a', 'ADDED b'])
})

test('open watches can be ended politely, with 410, or by a reset', async t => {
  const server = await apiServer(t)
  const open = () =>
    openWatch(t, server, `${MAPS}?watch=1&resourceVersion=${server.store.revision}`)
  const gone = await open()
  server.endWatches('gone', { resource: 'configmaps' })
  await gone.ended
  assert.equal(textAt(gone.events.at(-1), 'object', 'code'), '410')
  const closed = await open()
  server.endWatches('close')
  assert.equal(await closed.ended, null)
  const cut = await open()
  server.endWatches('disconnect')
  assert.ok((await cut.ended) instanceof Error)
})
