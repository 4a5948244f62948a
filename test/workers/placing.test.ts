/** Who may answer for an address, and who stands by, when nodes and their interfaces come and go. */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { relieve } from '../../workers/on-place.ts'
import { allocatorWorld } from '../support/allocator-world.ts'
import { needs } from '../support/capabilities.ts'
import { aPool } from '../support/claims.ts'
import { aConfiguration, aService } from '../support/services.ts'
import { undoing } from '../support/undo.ts'

const GROUP = '10.0.0.1'

/** A Service whose address may be announced on these interfaces, on any node. */
async function world(t: TestContext, interfaces: readonly string[] = []) {
  const allocator = await allocatorWorld(undoing(t))
  const { advertisements, ...configuration } = aConfiguration(aPool('ten', ['10.0.0.1-10.0.0.9']))
  await allocator.configure({
    ...configuration,
    advertisements: advertisements.map(one => ({ ...one, interfaces })),
  })
  await allocator.endpoints('web', { any: true, nodes: [] })
  return {
    ...allocator,
    ringAndAnswer: (queue: string, keys: readonly string[]) => allocator.ringAndAnswer(queue, keys),
    serve: () => allocator.serve(aService('web')),
    join: (...given: Parameters<typeof allocator.join>) => allocator.join(...given),
    placed: async () => {
      const placement = await allocator.state.placement('default', GROUP)
      return [placement?.owner, ...(placement?.standbys ?? [])].map(one => one?.node)
    },
  }
}

describe('an address', needs('redis'), () => {
  test('gets the standbys that it lacks as nodes join, and stays where it is', async t => {
    const { serve, join, placed } = await world(t)
    await join('a')
    await serve()
    assert.deepEqual(await placed(), ['a'])
    await join('b')
    assert.deepEqual(await placed(), ['a', 'b'])
    await join('c')
    assert.deepEqual(await placed(), ['a', 'b', 'c'])
  })

  test('that no node had an interface for is placed when one has', async t => {
    const { serve, join, placed } = await world(t, ['eth1'])
    await join('a')
    await join('b')
    await serve()
    assert.deepEqual(await placed(), [undefined])
    await join('b', ['eth0', 'eth1'])
    assert.deepEqual(await placed(), ['b'])
    await join('a', ['eth0', 'eth1'])
    assert.deepEqual(await placed(), ['b', 'a'])
  })

  test('leaves the node whose interface for it is gone, which stands by no more either', async t => {
    const { serve, join, placed } = await world(t, ['eth1'])
    for (const node of ['a', 'b', 'c']) await join(node, ['eth1'])
    await serve()
    assert.deepEqual(await placed(), ['a', 'b', 'c'])
    await join('a', ['eth0'])
    assert.deepEqual(await placed(), ['b', 'c'])
    await join('c', ['eth0'])
    assert.deepEqual(await placed(), ['b'])
  })

  test('has another standby in the place of one whose lease has ended', async t => {
    const { serve, join, placed, lapsed, place, ringAndAnswer } = await world(t)
    for (const node of ['a', 'b', 'c', 'd']) await join(node)
    await serve()
    lapsed.push('b')
    await relieve('default', place)
    await ringAndAnswer('place', [])
    assert.deepEqual(await placed(), ['a', 'c', 'd'])
    lapsed.push('a')
    await relieve('default', place)
    await ringAndAnswer('place', [])
    assert.deepEqual(await placed(), ['c', 'd'])
  })
})
