import assert from 'node:assert/strict'
import { test } from 'node:test'
import { age, ageOf, alarming, plain, table } from '../../../functions/inventory/row.ts'

const plainly = (text: string) => text

const ages: readonly (readonly [ms: number, text: string])[] = [
  [-5, '0s'],
  [119_999, '119s'],
  [120_000, '2m'],
  [7_199_999, '119m'],
  [7_200_000, '2h'],
  [172_799_999, '47h'],
  [172_800_000, '2d'],
  [864_000_000_000, '10000d'],
]
for (const [ms, text] of ages) {
  test(`${ms} ms are an age of ${text}`, () => assert.equal(ageOf(ms), text))
}

const columns = [
  plain('NAME', 'name'),
  plain('ADDRESSES', 'addresses'),
  age('SINCE', 'sinceMs'),
  plain('KEY', 'key', true),
]
const rows = [
  { name: 'default/nginx', addresses: ['192.0.2.1', '2001:db8::1'], sinceMs: 1000, key: 'web' },
  { name: 'a/b', addresses: [], sinceMs: null, key: '' },
]

test('a table is as wide as its widest texts, and shows a dash where there is nothing', () => {
  assert.deepEqual(table(columns, rows, { wide: false, nowMs: 61_000, paint: plainly }), [
    'NAME            ADDRESSES               SINCE',
    'default/nginx   192.0.2.1,2001:db8::1   60s',
    'a/b             -                       -',
  ])
})

test('what users wrote does not act upon a terminal', () => {
  const rows = [{ name: 'a', addresses: ['x\x1b[2J'], sinceMs: null, key: 'k\r\n\x07\x7f\x9b1m' }]
  const [, line] = table(columns, rows, { wide: true, nowMs: 0, paint: plainly })
  assert.equal(line, String.raw`a      x\u001b[2J   -       k\u000d\u000a\u0007\u007f\u009b1m`)
})

test('no digits are made up of a number that has more than a number holds', () => {
  const [, line] = table([plain('FREE', 'free')], [{ name: 'a', free: 2 ** 64 }], {
    ...{ wide: true, nowMs: 0, paint: plainly },
  })
  assert.equal(line, '1.8e+19')
})

test('wide columns are shown when asked for', () => {
  const [head] = table(columns, rows, { wide: true, nowMs: 0, paint: plainly })
  assert.match(head ?? '', /SINCE +KEY$/)
})

test('the head stands out, and what somebody should look at; columns stay aligned', () => {
  const columns = [
    alarming(plain('LEASE', 'lease'), row => row.lease !== 'renewed'),
    plain('N', 'name'),
  ]
  const rows = [
    { name: 'a', lease: 'renewed' },
    { name: 'b', lease: 'ended' },
  ]
  const paint = (text: string, tone: string) => `<${tone} ${text}>`
  assert.deepEqual(table(columns, rows, { wide: false, nowMs: 0, paint }), [
    '<head LEASE>     <head N>',
    'renewed   a',
    '<alarm ended>     b',
  ])
})
