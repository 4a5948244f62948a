import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reservationMistake, reserveMsOf } from '../../../functions/allocate/reservation.ts'
import { parseDuration } from '../../../functions/model/duration.ts'

const rows: [string, number | null][] = [
  ['0', 0],
  ['0s', 0],
  ['250ms', 250],
  ['90s', 90_000],
  [' 15m ', 900_000],
  ['24h', 86_400_000],
  ['7d', 604_800_000],
  ['90', null],
  ['-1s', null],
  ['1.5h', null],
  ['1h30m', null],
  ['forever', null],
  ['', null],
]
for (const [text, ms] of rows) {
  test(`parseDuration: ${JSON.stringify(text)} is ${ms ?? 'no duration'}`, () => {
    assert.equal(parseDuration(text), ms)
  })
}

const reservations: [string | undefined, number][] = [
  [undefined, 0],
  ['24h', 86_400_000],
  ['forever', -1],
  ['soon', 0],
]
for (const [written, ms] of reservations) {
  test(`herald.io/reserve: ${JSON.stringify(written)} reserves for ${ms} ms`, () => {
    const annotations: Record<string, string> = written ? { 'herald.io/reserve': written } : {}
    assert.equal(reserveMsOf({ annotations }), ms)
  })
}

test('herald.io/reserve: what is no duration is said, with what to write', () => {
  const said = (written: string) =>
    reservationMistake({ annotations: { 'herald.io/reserve': written } })
  assert.match(said('soon') ?? '', /"soon" is no duration, so nothing is reserved: write/)
  for (const fine of ['24h', 'forever', '0', ' 7d ']) assert.equal(said(fine), null)
})
