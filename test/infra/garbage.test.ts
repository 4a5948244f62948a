import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { getHeapStatistics } from 'node:v8'
import { collectAtRest, collectNow } from '../../infra/garbage.ts'
import { eventually } from '../support/eventually.ts'

const MIB = 1024 * 1024
const usedMiB = () => getHeapStatistics().used_heap_size / MIB
const heapMiB = () => getHeapStatistics().total_physical_size / MIB

/** Small objects that live long enough to be moved to the old generation, which V8 collects when it needs room. */
function leaveBehind(count: number): void {
  const kept = Array.from({ length: count }, (_, i) => ({ i, text: `${i}` }))
  assert.equal(kept.length, count)
}

describe('what a burst leaves behind', () => {
  test('is given back once the process is at rest', async t => {
    const looking = collectAtRest(() => {}, 50)
    t.after(() => clearInterval(looking))
    await eventually(() => assert.ok(heapMiB() < 60))
    leaveBehind(500_000)
    const before = heapMiB()
    await eventually(() => assert.ok(heapMiB() < before - 20, `${heapMiB()} of ${before} MiB`))
  })

  test('is given back at once where it is asked for', () => {
    leaveBehind(500_000)
    const before = usedMiB()
    collectNow()
    assert.ok(usedMiB() < before - 20, `${usedMiB()} of ${before} MiB`)
  })

  test('stays while the process is busy', async t => {
    let collections = 0
    const looking = collectAtRest(() => collections++, 20)
    t.after(() => clearInterval(looking))
    const end = performance.now() + 300
    while (performance.now() < end) {
      const pause = performance.now() + 5
      while (performance.now() < pause);
      await new Promise(setImmediate)
    }
    assert.equal(collections, 0)
    await eventually(() => assert.equal(collections, 1))
  })
})
