import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { inBatches } from '../../../infra/kubernetes/batches.ts'

async function* counting(to: number, then?: Error): AsyncGenerator<number> {
  for (let one = 1; one <= to; one++) yield one
  if (then) throw then
}

async function taken(source: AsyncIterable<number>, most: number): Promise<number[][]> {
  const batches: number[][] = []
  for await (const batch of inBatches(source, most)) {
    batches.push(batch)
    for (let i = 0; i < 50; i++) await turn() // others come meanwhile
  }
  return batches
}

test('everything comes, in order, and what came meanwhile comes together', async () => {
  const batches = await taken(counting(100), 1000)
  assert.deepEqual(
    batches.flat(),
    Array.from({ length: 100 }, (_, index) => index + 1),
  )
  assert.ok(batches.length <= 3, `${batches.length} batches`)
})

test('no more is read ahead than was said', async () => {
  const batches = await taken(counting(25), 10)
  assert.deepEqual(batches.flat().length, 25)
  for (const batch of batches) assert.ok(batch.length <= 10)
})

test('a failure comes after all that came before it', async () => {
  const seen: number[] = []
  await assert.rejects(async () => {
    for await (const batch of inBatches(counting(5, new Error('cut')), 10)) seen.push(...batch)
  }, /cut/)
  assert.deepEqual(seen, [1, 2, 3, 4, 5])
})

test('an empty stream is no batch', async () => {
  assert.deepEqual(await taken(counting(0), 10), [])
})
