import assert from 'node:assert/strict'
import { test } from 'node:test'
import { comesFromElsewhere, isLocalName, showsToken } from '../../../infra/console/admin.ts'

const TOKEN = 'a token: with everything'
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

const shown: readonly (readonly [header: string | undefined, token: string | null, ok: boolean])[] =
  [
    [`Bearer ${TOKEN}`, TOKEN, true],
    [`bearer ${TOKEN}`, TOKEN, true],
    [basic(`me:${TOKEN}`), TOKEN, true],
    [basic(`:${TOKEN}`), TOKEN, true],
    [basic(TOKEN), TOKEN, false],
    [`Bearer ${TOKEN}x`, TOKEN, false],
    [`Bearer ${TOKEN.slice(1)}`, TOKEN, false],
    ['Bearer ', TOKEN, false],
    ['Bearer', TOKEN, false],
    [TOKEN, TOKEN, false],
    [`Digest ${TOKEN}`, TOKEN, false],
    [undefined, TOKEN, false],
    ['Bearer null', null, false],
    ['Bearer ', null, false],
  ]
for (const [header, token, ok] of shown) {
  test(`"${header}" ${ok ? 'shows' : 'does not show'} the token ${token}`, () =>
    assert.equal(showsToken(header, token), ok))
}

const sent: readonly (readonly [headers: Record<string, string>, elsewhere: boolean])[] = [
  [{}, false],
  [{ 'sec-fetch-site': 'same-origin' }, false],
  [{ 'sec-fetch-site': 'cross-site' }, true],
  [{ 'sec-fetch-site': 'same-site' }, true],
  [{ origin: 'http://a:1', host: 'a:1' }, false],
  [{ origin: 'http://a:2', host: 'a:1' }, true],
  [{ origin: 'null', host: 'a:1' }, true],
]
for (const [headers, elsewhere] of sent) {
  test(`${JSON.stringify(headers)} comes from ${elsewhere ? 'elsewhere' : 'here'}`, () =>
    assert.equal(
      comesFromElsewhere(name => headers[name]),
      elsewhere,
    ))
}

test('names of this machine', () => {
  for (const name of ['localhost', 'localhost:1', '127.0.0.1:17470', '[::1]:1', '127.1.2.3']) {
    assert.ok(isLocalName(name), name)
  }
  for (const name of [
    undefined,
    '',
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.nip.io',
  ]) {
    assert.ok(!isLocalName(name), String(name))
  }
})
