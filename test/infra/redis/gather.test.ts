import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gathered } from '../../../infra/redis/gather.ts'

test('what is asked for in one turn, or while a call is under way, goes into one call', async () => {
  const calls: (readonly number[])[] = []
  let open: (() => void)[] = []
  const double = gathered(async (items: readonly number[]) => {
    calls.push(items)
    await new Promise<void>(resolve => open.push(resolve))
    return items.map(item => item * 2)
  }, 3)
  const turn = () => new Promise(resolve => setImmediate(resolve))
  const go = async () => {
    for (const resolve of open.splice(0)) resolve()
    await turn()
  }
  const first = [double(1), double(2)]
  await turn()
  const second = [3, 4, 5, 6].map(double)
  await go()
  await go()
  await go()
  assert.deepEqual(calls, [[1, 2], [3, 4, 5], [6]])
  assert.deepEqual(await Promise.all([...first, ...second]), [2, 4, 6, 8, 10, 12])
  open = []
})

test('a call that fails fails for all in it, and for nobody else', async () => {
  const echo = gathered(async (items: readonly string[]) => {
    if (items.includes('bad')) throw new Error('refused')
    return items
  }, 2)
  const asked = ['good', 'bad', 'later'].map(one =>
    echo(one).catch((error: Error) => error.message),
  )
  assert.deepEqual(await Promise.all(asked), ['refused', 'refused', 'later'])
})
