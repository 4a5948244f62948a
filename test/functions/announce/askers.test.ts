import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANSWERS_AT_ONCE, ANSWERS_PER_SECOND, Askers } from '../../../functions/announce/askers.ts'

/** How many of so many questions at this time are answered. */
function answered(askers: Askers<string>, asker: string, questions: number, nowMs: number): number {
  let count = 0
  for (let i = 0; i < questions; i++) if (askers.allow(asker, nowMs)) count++
  return count
}

test('an asker that was quiet gets 5,000 answers at once, and 1,000 a second in the long run', () => {
  const askers = new Askers<string>()
  assert.equal(answered(askers, 'router', 9000, 0), ANSWERS_AT_ONCE)
  assert.equal(answered(askers, 'router', 9000, 0), 0)
  assert.equal(answered(askers, 'router', 9000, 1000), ANSWERS_PER_SECOND)
  assert.equal(answered(askers, 'router', 9000, 1500), ANSWERS_PER_SECOND / 2)
  assert.equal(answered(askers, 'router', 9000, 3_600_000), ANSWERS_AT_ONCE)
})

test('a flood takes nothing from anybody else', () => {
  const askers = new Askers<string>()
  for (let ms = 0; ms < 1000; ms += 10) {
    answered(askers, 'flood', 1000, ms)
    assert.equal(answered(askers, 'client', 1, ms), 1)
  }
})

test('a clock that steps back gives nothing and takes nothing', () => {
  const askers = new Askers<string>()
  answered(askers, 'a', ANSWERS_AT_ONCE, 10_000)
  assert.equal(answered(askers, 'a', 1, 5000), 0)
  assert.equal(answered(askers, 'a', 10, 5001), 1)
})

test('a flood stays held back while a hundred thousand invented askers come and go', () => {
  const askers = new Askers<string>()
  answered(askers, 'flood', 9000, 0)
  for (let i = 0; i < 100_000; i++) {
    askers.allow(`invented ${i}`, 1)
    if (i % 1000 === 0) assert.equal(answered(askers, 'flood', 1, 0.5), 0, `${i}`)
  }
})
