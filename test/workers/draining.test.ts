import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openBells } from '../../infra/queue/queues.ts'
import { needs } from '../support/capabilities.ts'
import { commands, onTerminal } from '../support/cli.ts'
import { keptLog } from '../support/log.ts'
import { join, putObject, renewLease, serve } from '../support/nodes.ts'
import { undoing } from '../support/undo.ts'
import { until } from '../support/until.ts'
import { denied, type Watched, watched } from '../support/watching.ts'

const NODES = ['a', 'b', 'c']

describe('what nodes announce, moved by hand', needs('redis'), () => {
  const scope = undoing({ after })
  let herald: Watched
  let services = 0
  const run = (...args: string[]) => commands(scope, herald.redis.path)(...args)
  const counts = async () => {
    const groups = await Promise.all(NODES.map(node => herald.state.groupsOf('default', node)))
    return groups.map(one => one.length)
  }
  const put = async (prefix: string, count: number) => {
    for (let index = 0; index < count; index++) serve(herald, `${prefix}${index}`)
    services += count
    await until('all are placed', async () => {
      const placed = await counts()
      return placed.reduce((sum, one) => sum + one, 0) === services
    })
  }

  before(async () => {
    herald = await watched(scope)
    putObject(herald, 'IPAddressPool', 'lan', { addresses: ['10.40.0.0/24'] })
    putObject(herald, 'L2Advertisement', 'lan', {})
    await herald.start('allocator')
    await herald.start('watcher')
    await join(herald, ...NODES)
    await put('web', 6)
  })

  test('a drained node gives all away and gets nothing new, and is shown as drained', async () => {
    assert.deepEqual(await counts(), [2, 2, 2])
    const { code, said } = await run('drain', 'a')
    assert.equal(code, 0, said)
    assert.match(said, /drained +a; "herald undrain a" ends that\nmoved +2 of 2 groups/)
    assert.doesNotMatch(said, /have moved/, 'how far it has come is for a terminal')
    assert.deepEqual(await counts(), [0, 3, 3])
    await put('late', 2)
    assert.deepEqual(await counts(), [0, 4, 4])
    assert.match((await run('get', 'nodes')).said, /\na +renewed +true .*\nb +renewed +false /)
  })

  test('what no other node may serve stays, and is named', async () => {
    serve(herald, 'local', { externalTrafficPolicy: 'Local' })
    await until('it is placed where it runs', async () => (await counts())[0] === 1)
    const [address] = herald.addresses(['local'])
    const said = await onTerminal(['drain', 'a', '--redis-url', herald.redis.path])
    assert.match(said, /0 of 1 groups have moved/)
    assert.match(said, new RegExp(`stays +${address}, which no other node may serve`))
    herald.api.store.delete('services', 'default', 'local')
    await until('it is gone', async () => (await counts())[0] === 0)
  })

  test('the mark survives an empty Redis', async () => {
    const mirrored = () => herald.api.store.get('configmaps', 'metallb-system', 'herald-state')
    await until('it is mirrored', () => JSON.stringify(mirrored() ?? '').includes('drained'))
    await herald.client.flushall()
    await until('it is known again', async () => (await herald.state.drained('default')).length > 0)
    for (const node of NODES) await renewLease(herald, node)
    await put('later', 1)
    const [a, b = 0, c = 0] = await counts()
    assert.deepEqual([a, b + c], [0, 9])
  })

  test('undrained, it gets nothing back by itself; rebalance says what it would move, and moves that alone', async () => {
    assert.equal((await run('undrain', 'a')).code, 0)
    assert.match((await run('undrain', 'a')).said, /a was not drained/)
    const before = await counts()
    const dry = await run('rebalance', '--dry-run')
    assert.match(dry.said, /would move +10\.40\.0\.\d+ from [bc] to a\n/)
    assert.match(dry.said, /balanced +3 of 9 groups would move/)
    assert.deepEqual(await counts(), before)
    assert.match((await run('rebalance')).said, /balanced +3 of 9 groups moved/)
    assert.deepEqual(await counts(), [3, 3, 3])
    assert.match((await run('rebalance', '-o', 'json')).said, /"moves": \[\]/)
    assert.deepEqual(denied(herald), [])
  })

  test('what a node handed over in a planned stop returns to it once it has been back for a minute', async () => {
    const handed = await herald.state.groupsOf('default', 'a')
    await herald.state.handOver('default', 'a', handed)
    await run('drain', 'a')
    await run('undrain', 'a')
    const placeAgain = () =>
      openBells(herald.client, '{herald}', keptLog()).ring('place', ['default/*'])
    await renewLease(herald, 'a', [], { upMs: 59_000 })
    await placeAgain()
    await put('meanwhile', 1)
    assert.ok(!(await herald.state.groupsOf('default', 'a')).some(one => handed.includes(one)))
    await renewLease(herald, 'a', [], { upMs: 60_000 })
    await placeAgain()
    await until('it has them back', async () => {
      const groups = await herald.state.groupsOf('default', 'a')
      return handed.every(one => groups.includes(one))
    })
    assert.deepEqual(await herald.state.handed('default', 'a'), [])
  })

  test('a node that is not there is refused, and those that are there are named', async () => {
    const { code, said } = await run('drain', 'z')
    assert.notEqual(code, 0)
    assert.match(said, /There is no node "z".*known are: a, b, c/s)
  })
})
