import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { SetPart } from '../../../functions/liveness/messages.ts'
import { Outbox } from '../../../infra/link/outbox.ts'

const part = (on: string): SetPart => ({
  ...{ node: 'a', session: 'a'.repeat(16), interface: on, sequence: 1 },
  ...{ claims: [], dropped: [], range: null },
})

/** Each set is so many messages; what was sent, and how many of them were made. */
function outbox(messages: number) {
  const sent: string[] = []
  let made = 0
  function* encode(): Generator<Uint8Array, void> {
    for (let i = 0; i < messages; i++) {
      made++
      yield Uint8Array.of(i)
    }
  }
  const box = new Outbox(encode, (on, octets) => sent.push(`${on}${octets}`))
  return { box, sent, made: () => made }
}

describe('sets that are to be sent', () => {
  test('a small one goes at once', () => {
    const { box, sent } = outbox(1)
    box.put(part('x'))
    assert.deepEqual(sent, ['x0'])
  })

  test('a great one begins at once and goes on in turns, each message made when its turn comes', () => {
    const { box, sent, made } = outbox(7)
    box.put(part('x'))
    assert.deepEqual([sent.length, made()], [1, 1])
    box.run()
    assert.deepEqual([sent.length, made()], [5, 5])
    box.run()
    assert.deepEqual(sent, ['x0', 'x1', 'x2', 'x3', 'x4', 'x5', 'x6'])
    assert.equal(box.nextMs(), Number.POSITIVE_INFINITY)
  })

  test('go in the order in which they were put, also those of other interfaces, and the later ones in turns', () => {
    const { box, sent } = outbox(2)
    box.put(part('x'))
    box.put(part('y'))
    assert.deepEqual(sent, ['x0'])
    while (box.nextMs() < 0) box.run()
    assert.deepEqual(sent, ['x0', 'x1', 'y0', 'y1'])
  })

  test('are forgotten after a pause, for they may be true no more', () => {
    const { box, sent } = outbox(9)
    box.put(part('x'))
    box.discard()
    box.run()
    assert.deepEqual(sent, ['x0'])
  })
})
