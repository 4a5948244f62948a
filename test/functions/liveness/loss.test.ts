import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { BeatLoss } from '../../../functions/liveness/loss.ts'

function lostOf(...heardMs: number[]): number {
  const loss = new BeatLoss()
  for (const at of heardMs) loss.hear(at)
  return loss.lost
}

describe('beats that do not come in', () => {
  test('none, while they come every 100 ms or a little off that', () => {
    assert.equal(lostOf(0, 100, 200, 300, 400), 0)
    assert.equal(lostOf(0, 140, 190, 310, 400), 0)
  })

  test('are counted by the gap, once it is followed by a beat in time', () => {
    assert.equal(lostOf(0, 100, 300, 400), 1)
    assert.equal(lostOf(0, 100, 505, 600, 700), 3)
    assert.equal(lostOf(0, 200, 400, 600, 700), 3)
  })

  test('were late and not lost, when they come several at once', () => {
    assert.equal(lostOf(0, 100, 400, 400, 401, 500, 600), 0)
    assert.equal(lostOf(0, 100, 400, 400, 500, 600), 1)
  })

  test('are not counted of a node that was away', () => {
    assert.equal(lostOf(0, 100, 5000, 5100, 5200), 0)
  })
})
