/** The sandbox asks webhooks as the real API server does: a real HTTPS server answers. */
import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, beforeEach, test } from 'node:test'
import { makeCertificates } from '../../../../infra/certificates.ts'
import { type JsonObject, objectAt, textAt } from '../../../../infra/sandbox/apiserver/object.ts'
import { apiServer, ask } from '../../../support/apiserver.ts'

const server = await apiServer({ after })
const { ca, certificate, key } = makeCertificates(['127.0.0.1', 'hook.default.svc'])
const MAPS = '/api/v1/namespaces/default/configmaps'
const HOOKS = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations'
const MERGE = 'application/merge-patch+json'

const reviews: JsonObject[] = []
let answer: (request: JsonObject) => JsonObject | null | Promise<JsonObject | null>
const hook = createServer({ cert: certificate, key }, async (request, response) => {
  const review = JSON.parse(await text(request))
  reviews.push({ ...review.request, path: request.url ?? '' })
  const told = await answer(review.request)
  if (told === null) return response.writeHead(500).end()
  const { apiVersion, kind } = review
  return response.end(
    JSON.stringify({ apiVersion, kind, response: { uid: review.request.uid, ...told } }),
  )
})
await new Promise<void>(resolve => hook.listen(0, '127.0.0.1', resolve))
after(() => hook.close())
const { port } = hook.address() as AddressInfo

async function watchMaps(more: JsonObject = {}, rule: JsonObject = {}): Promise<void> {
  const own = { apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }
  const webhook = {
    name: 'maps.example.com',
    rules: [{ operations: ['CREATE', 'UPDATE', 'DELETE'], ...own, ...rule }],
    clientConfig: {
      url: `https://127.0.0.1:${port}/judge`,
      caBundle: Buffer.from(ca).toString('base64'),
    },
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    ...more,
  }
  await ask(server, 'DELETE', `${HOOKS}/maps`)
  const body = { metadata: { name: 'maps' }, webhooks: [webhook] }
  const { status, body: told } = await ask(server, 'POST', HOOKS, { body })
  assert.equal(status, 201, JSON.stringify(told))
}

let count = 0
const aMap = (more: JsonObject = {}) => ({ metadata: { name: `m${++count}`, ...more } })
const create = (more: JsonObject = {}, path = MAPS) =>
  ask(server, 'POST', path, { body: aMap(more) })
const messageOf = ({ body }: { body: unknown }) => textAt(body as JsonObject, 'message')

beforeEach(() => {
  reviews.length = 0
  answer = () => ({ allowed: true })
})

test('a creation that is denied is told so in the words of the API server, and leaves nothing', async () => {
  await watchMaps()
  answer = () => ({ allowed: false, status: { code: 403, reason: 'Forbidden', message: 'no' } })
  const refused = await create()
  assert.equal(refused.status, 403)
  assert.equal(messageOf(refused), 'admission webhook "maps.example.com" denied the request: no')
  assert.equal((await ask(server, 'GET', `${MAPS}/m${count}`)).status, 404)
  answer = () => ({ allowed: false })
  const silent = await create()
  assert.equal(silent.status, 400)
  assert.match(messageOf(silent), /denied the request without explanation/)
})

test('what is asked is what would be stored: name made, defaults filled in, old beside new', async () => {
  await watchMaps()
  const made = await ask(server, 'POST', MAPS, { body: { metadata: { generateName: 'made-' } } })
  const name = textAt(made.body as JsonObject, 'metadata', 'name')
  await ask(server, 'PATCH', `${MAPS}/${name}`, { body: { data: { a: 'b' } }, type: MERGE })
  await ask(server, 'DELETE', `${MAPS}/${name}`)
  const seen = reviews.map(one => [
    one.operation,
    one.name,
    one.namespace,
    textAt(one.oldObject, 'metadata', 'name'),
    objectAt(one.object, 'data'),
  ])
  assert.deepEqual(seen, [
    ['CREATE', name, 'default', '', {}],
    ['UPDATE', name, 'default', name, { a: 'b' }],
    ['DELETE', name, 'default', name, {}],
  ])
  assert.equal(textAt(reviews[0], 'object', 'metadata', 'name'), name)
  assert.equal(textAt(reviews[0], 'userInfo', 'username'), 'kubernetes-admin')
  assert.deepEqual(reviews[0]?.kind, { group: '', version: 'v1', kind: 'ConfigMap' })
  assert.equal(reviews[0]?.path, '/judge?timeout=10s')
})

test('a dry run is asked about too, and says that it is one', async () => {
  await watchMaps()
  const body = aMap()
  await ask(server, 'POST', `${MAPS}?dryRun=All`, { body })
  assert.equal(reviews[0]?.dryRun, true)
  assert.equal((await ask(server, 'GET', `${MAPS}/${body.metadata.name}`)).status, 404)
})

test('an object that changes while it is judged is judged again', async () => {
  await watchMaps()
  const body = aMap()
  await ask(server, 'POST', MAPS, { body })
  const { name } = body.metadata
  answer = () => {
    if (reviews.length === 2) {
      server.store.patch('configmaps', 'default', name, { data: { other: 'x' } })
    }
    return { allowed: true }
  }
  const done = await ask(server, 'PATCH', `${MAPS}/${name}`, {
    body: { data: { a: 'b' } },
    type: MERGE,
  })
  assert.deepEqual(objectAt(done.body as JsonObject, 'data'), { a: 'b', other: 'x' })
  assert.deepEqual(objectAt(reviews[2], 'object', 'data'), { a: 'b', other: 'x' })
})

test('warnings reach the client', async () => {
  await watchMaps()
  answer = () => ({ allowed: true, warnings: ['mind the gap'] })
  assert.equal((await create()).headers.warning, '299 - "mind the gap"')
  answer = () => ({ allowed: true, warnings: ['mind the \u201cgap\u201d\u2026'] })
  const told = String((await create()).headers.warning)
  assert.equal(Buffer.from(told, 'latin1').toString(), '299 - "mind the \u201cgap\u201d\u2026"')
})

/** case, webhook, rule, metadata of the map, whether it is asked */
const matches: [string, JsonObject, JsonObject, JsonObject, boolean][] = [
  ['another operation', {}, { operations: ['UPDATE'] }, {}, false],
  ['any operation', {}, { operations: ['*'] }, {}, true],
  ['another group', {}, { apiGroups: ['apps'] }, {}, false],
  ['any resource', {}, { apiGroups: ['*'], resources: ['*'] }, {}, true],
  ['a subresource only', {}, { resources: ['configmaps/status'] }, {}, false],
  ['cluster-wide kinds only', {}, { scope: 'Cluster' }, {}, false],
  [
    'labels that it has',
    { objectSelector: { matchLabels: { a: 'b' } } },
    {},
    { labels: { a: 'b' } },
    true,
  ],
  ['labels that it lacks', { objectSelector: { matchLabels: { a: 'b' } } }, {}, {}, false],
  [
    'another namespace',
    { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'other' } } },
    {},
    {},
    false,
  ],
  [
    'a condition that holds',
    { matchConditions: [{ name: 'a', expression: "request.name.startsWith('m')" }] },
    {},
    {},
    true,
  ],
  [
    'a condition that does not',
    { matchConditions: [{ name: 'a', expression: "object.metadata.name == 'x'" }] },
    {},
    {},
    false,
  ],
]
for (const [what, webhook, rule, metadata, asked] of matches) {
  test(`a webhook for ${what} is ${asked ? '' : 'not '}asked`, async () => {
    await watchMaps(webhook, rule)
    assert.equal((await create(metadata)).status, 201)
    assert.equal(reviews.length, asked ? 1 : 0)
  })
}

/** case, what the webhook answers */
const failures: [string, typeof answer | null][] = [
  ['an error', () => null],
  ['the answer to another question', () => ({ uid: 'other', allowed: true })],
  [
    'nothing in time',
    () => new Promise(resolve => setTimeout(() => resolve({ allowed: true }), 3000)),
  ],
]
for (const [what, told] of failures) {
  test(`${what} counts as the failurePolicy says`, async () => {
    if (told) answer = told
    await watchMaps({ failurePolicy: 'Ignore', timeoutSeconds: 1 })
    assert.equal((await create()).status, 201)
    await watchMaps({ failurePolicy: 'Fail', timeoutSeconds: 1 })
    const refused = await create()
    assert.equal(refused.status, 500)
    assert.match(
      messageOf(refused),
      /^Internal error occurred: failed calling webhook "maps\.example\.com": failed to call webhook: Post "https:\/\/127\.0\.0\.1:\d+\/judge\?timeout=1s": /,
    )
  })
}

test('a webhook behind a Service is reached at its endpoint, under the name of the Service', async () => {
  server.store.create('endpointslices.discovery.k8s.io', {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: 'hook',
      namespace: 'default',
      labels: { 'kubernetes.io/service-name': 'hook' },
    },
    addressType: 'IPv4',
    ports: [{ port }],
    endpoints: [{ addresses: ['127.0.0.1'] }],
  })
  const caBundle = Buffer.from(ca).toString('base64')
  const service = { namespace: 'default', name: 'hook', path: '/judge' }
  await watchMaps({ clientConfig: { service, caBundle } })
  assert.equal((await create()).status, 201)
  assert.equal(reviews.length, 1)
})

test('a whole collection is asked about, one by one', async () => {
  await watchMaps({}, { operations: ['DELETE'] })
  await ask(server, 'POST', MAPS, { body: aMap({ labels: { batch: '1' } }) })
  await ask(server, 'POST', MAPS, { body: aMap({ labels: { batch: '1' } }) })
  await ask(server, 'DELETE', `${MAPS}?labelSelector=batch=1`)
  assert.equal(reviews.length, 2)
})

/** case, webhook, what the refusal says */
const invalid: [string, JsonObject, RegExp][] = [
  ['a short name', { name: 'maps' }, /at least three segments/],
  ['no address', { clientConfig: {} }, /exactly one of url or service is required/],
  ['plain http', { clientConfig: { url: 'http://127.0.0.1' } }, /'https' is the only allowed/],
  ['side effects', { sideEffects: 'Some' }, /must specify one of None, NoneOnDryRun/],
  ['no version', { admissionReviewVersions: [] }, /must specify one of v1, v1beta1/],
]
for (const [what, webhook, refusal] of invalid) {
  test(`a configuration with ${what} is refused`, async () => {
    await assert.rejects(watchMaps(webhook), refusal)
  })
}
