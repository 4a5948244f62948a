import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import {
  isWithin,
  nextWindows,
  rangesIn,
  readWindows,
  signWindows,
  type Windows,
} from '../../../functions/announce/windows.ts'

const ours = generateKeyPairSync('ed25519')
const another = generateKeyPairSync('ed25519')
const windows: Windows = { cluster: 'a', version: 7, addresses: ['192.0.2.0/28', '2001:db8::/64'] }
const line = signWindows(windows, ours.privateKey)

/** what it is, line, is it believed? */
const lines: readonly (readonly [string, string, boolean])[] = [
  ['what was signed', line, true],
  ['another address in it', line.replace('192.0.2.0', '192.0.2.16'), false],
  ['another version of it', line.replace('"version":7', '"version":8'), false],
  ['the signature of another key', signWindows(windows, another.privateKey), false],
  ['that of another cluster', signWindows({ ...windows, cluster: 'b' }, ours.privateKey), false],
  ['no signature', line.slice(line.indexOf(' ')), false],
  ['no line at all', '', false],
  ['nonsense', 'AAAA {', false],
]
for (const [what, given, believed] of lines) {
  test(`windows: ${what} is ${believed ? 'believed' : 'not believed'}`, () => {
    assert.deepEqual(readWindows(given, ours.publicKey, 'a'), believed ? windows : null)
  })
}

const at = { cluster: 'a', nowMs: 100 }
const good = (...addresses: string[]) => ({ addresses, refused: false })
const bad = (...addresses: string[]) => ({ addresses, refused: true })
const last = (version: number, ...addresses: string[]): Windows => ({
  cluster: 'a',
  version,
  addresses,
})

/** case, judged, last, what is signed */
const cases: readonly (readonly [
  string,
  ReturnType<typeof good>,
  Windows | null,
  Windows | null,
])[] = [
  ['the first', good('b', 'a'), null, last(100, 'a', 'b')],
  ['the same, in another order', good('b', 'a'), last(7, 'a', 'b'), null],
  ['one more', good('a', 'b'), last(7, 'a'), last(100, 'a', 'b')],
  ['one less', good('a'), last(7, 'a', 'b'), last(100, 'a')],
  ['by a clock that is behind', good('a'), last(200, 'b'), last(201, 'a')],
  ['a pool is refused: nothing goes', bad('a'), last(7, 'a', 'b'), null],
  ['one is refused, one is new', bad('c'), last(7, 'a'), last(100, 'a', 'c')],
  ['refused, and the last is not known', bad('a'), null, null],
  ['none is left', good(), last(7, 'a'), last(100)],
]
for (const [name, judged, before, expected] of cases) {
  test(`windows: ${name}`, () => assert.deepEqual(nextWindows(judged, before, at), expected))
}

test('windows: an address is within by its number, in its family', () => {
  const ranges = rangesIn([...windows.addresses, 'no entry'])
  for (const inside of ['192.0.2.0', '192.0.2.15', '2001:db8::ffff'])
    assert.ok(isWithin(inside, ranges))
  for (const outside of ['192.0.2.16', '2001:db8:0:1::', '::c000:200', 'none'])
    assert.ok(!isWithin(outside, ranges), outside)
})
