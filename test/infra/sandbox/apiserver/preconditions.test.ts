import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import {
  at,
  type JsonObject,
  objectAt,
  textAt,
} from '../../../../infra/sandbox/apiserver/object.ts'
import { apiServer, ask } from '../../../support/apiserver.ts'

const server = await apiServer({ after })
const SERVICES = '/api/v1/namespaces/default/services'
const MERGE = 'application/merge-patch+json'
const INGRESS = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } }

let count = 0

async function service(): Promise<{ path: string; metadata: JsonObject; whole: JsonObject }> {
  const name = `s${++count}`
  const body = { metadata: { name }, spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } }
  const made = await ask(server, 'POST', SERVICES, { body })
  const whole = made.body as JsonObject
  return { path: `${SERVICES}/${name}`, metadata: objectAt(whole, 'metadata'), whole }
}

test('a status patch that carries the uid and resourceVersion of what it was decided from is obeyed', async () => {
  const { path, metadata } = await service()
  const { uid, resourceVersion } = metadata
  const body = { metadata: { uid, resourceVersion, labels: { a: 'b' } }, status: INGRESS }
  const patched = await ask(server, 'PATCH', `${path}/status`, { body, type: MERGE })
  assert.equal(patched.status, 200)
  assert.deepEqual(at(patched.body as JsonObject, 'metadata', 'labels'), { a: 'b' })
})

/** case, what is wrong, code, message */
const wrong: [string, JsonObject, number, RegExp][] = [
  ['an old version', { resourceVersion: '1' }, 409, /the object has been modified; please apply/],
  ['another object', { resourceVersion: '1', uid: 'x' }, 409, /the object has been modified/],
  ['another uid alone', { uid: 'x' }, 422, /metadata\.uid: Invalid value: "x": field is immutable/],
]

for (const [name, metadata, code, message] of wrong) {
  test(`a status patch decided from ${name} is refused with ${code}`, async () => {
    const { path } = await service()
    const body = { metadata, status: INGRESS }
    const { status, body: told } = await ask(server, 'PATCH', `${path}/status`, {
      body,
      type: MERGE,
    })
    assert.equal(status, code)
    assert.match(textAt(told as JsonObject, 'message'), message)
    const now = (await ask(server, 'GET', path)).body as JsonObject
    assert.deepEqual(now.status, { loadBalancer: {} })
  })
}

test('a PUT with another uid is a 409; a DELETE with another uid too', async () => {
  const { path, metadata, whole } = await service()
  const other = { ...whole, metadata: { ...metadata, uid: 'x' } }
  const put = await ask(server, 'PUT', path, { body: other })
  assert.equal(put.status, 409)
  assert.match(
    textAt(put.body as JsonObject, 'message'),
    /Precondition failed: UID in precondition: x/,
  )
  const gone = await ask(server, 'DELETE', path, { body: { preconditions: { uid: 'x' } } })
  assert.equal(gone.status, 409)
  assert.match(
    textAt(gone.body as JsonObject, 'message'),
    /the UID in the precondition \(x\) does not match/,
  )
})

const EVENTS = '/apis/events.k8s.io/v1/namespaces/default/events'

/** An event as Herald writes it. */
const event = (change: JsonObject): JsonObject => ({
  metadata: { name: `e${++count}` },
  regarding: { kind: 'Service', namespace: 'default', name: 'web' },
  eventTime: '2026-01-01T00:00:00.000000Z',
  type: 'Normal',
  reason: 'IPAllocated',
  action: 'Allocate',
  note: 'é'.repeat(512),
  reportingController: 'herald.io/watcher',
  reportingInstance: 'w-1',
  ...change,
})

/** case, change, what the refusal says (null: accepted) */
const events: [string, JsonObject, RegExp | null][] = [
  ['as it should be, with a note of 1,024 bytes', {}, null],
  [
    'with a note of 1,025 bytes',
    { note: `${'é'.repeat(512)}.` },
    /message: .*at most 1024 characters/,
  ],
  ['without eventTime', { eventTime: null }, /eventTime: Required value/],
  ['without action', { action: '' }, /action: Required value/],
  ['without reason', { reason: '' }, /reason: Required value/],
  ['with a reason of 129 bytes', { reason: 'r'.repeat(129) }, /reason: .*at most 128/],
  ['without reportingController', { reportingController: '' }, /reportingController: Required/],
  ['with a controller that is no name', { reportingController: 'a b' }, /reportingController: Inv/],
  ['without reportingInstance', { reportingInstance: '' }, /reportingInstance: Required/],
  ['of another type', { type: 'Error' }, /type: .*has invalid value: Error/],
  ['with a count', { deprecatedCount: 1 }, /count: .*needs to be unset/],
  ['with a series of one', { series: { count: 1 } }, /series\.count: .*at least 2/],
]

for (const [name, change, refusal] of events) {
  test(`an event of events.k8s.io/v1 ${name}`, async () => {
    const { status, body } = await ask(server, 'POST', EVENTS, { body: event(change) })
    const message = textAt(body as JsonObject, 'message')
    if (refusal) assert.match(message, refusal)
    assert.equal(status, refusal ? 422 : 201, message)
  })
}
