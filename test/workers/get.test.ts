import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parse, parseAllDocuments } from 'yaml'
import { allocatorWorld } from '../support/allocator-world.ts'
import { needs } from '../support/capabilities.ts'
import { aPool } from '../support/claims.ts'
import { herald, onTerminal } from '../support/cli.ts'
import { heldAndRefused } from '../support/held-and-refused.ts'
import { aConfiguration, aService } from '../support/services.ts'
import { until } from '../support/until.ts'

describe('herald get', needs('redis'), () => {
  test('lists every kind from Redis alone, for people and for scripts', async t => {
    const { ask } = await heldAndRefused(t)

    const services = (await ask('get', 'svc')).said.split('\n')
    assert.match(services[0] ?? '', /^SERVICE +ADDRESSES +POOL +NODE +SINCE +WHY NOT$/)
    assert.match(services[1] ?? '', /^default\/one +192\.168\.50\.211 +blue +- +\d+s +-$/)
    assert.match(services[2] ?? '', /^default\/two +- +- +- +- +AllocationFailed$/)

    const one = await ask('get', 'service', 'default/one', '-o', 'yaml')
    assert.deepEqual(parse(one.said).addresses, ['192.168.50.211'])
    const addresses = JSON.parse((await ask('get', 'addresses', '-o', 'json')).said)
    assert.deepEqual(
      addresses.map((row: { name: string; state: string }) => [row.name, row.state]),
      [['192.168.50.211', 'held']],
    )
    const top = (await ask('top')).said
    assert.match(top, /^allocate +0 +0 +0 +0 +-/m)
    assert.match(top, /^NODE +LEASE +DRAINED +INTERFACES +ANNOUNCES/m)
    assert.match(top, /^blue +192\.168\.50\.211-192\.168\.50\.212 +true +1 +1 +0 +0 /m)

    const absent = await ask('get', 'service', 'default/three')
    assert.equal(absent.code, 1)
    assert.match(absent.said, /There is no "default\/three" among the services/)
  })

  test('says of a node how long it has not taken in what was placed on it, in "top" too', async t => {
    const { world, ask } = await heldAndRefused(t)
    await world.join('node-a')
    await world.endpoints('one', { any: true, nodes: ['node-a'] })
    await world.ringAndAnswer('place', ['default/192.168.50.211']) // for node-a nobody answers here
    const waiting = /^node-a +renewed +false +eth0 +1 +\d+s( +-){2}/m
    assert.match((await ask('get', 'nodes', '-o', 'wide')).said, waiting)
    assert.match((await ask('top')).said, waiting)
    const queue = 'announce-default-node-a'
    for (const [key, version] of await world.state.dirtyKeys(queue)) {
      await world.state.answered(queue, key, version)
    }
    assert.match((await ask('get', 'nodes')).said, /^node-a +renewed +false +eth0 +1 +-$/m)
  })

  test('a node that Kubernetes has no more and whose announcer has ended is none', async t => {
    const { world, ask } = await heldAndRefused(t)
    await world.join('gone')
    const { leases, nodes } = world.state.keys
    const learnt = { records: nodes('default'), field: 'gone', resourceVersion: '2', value: null }
    await world.scripts.learn({ ...learnt, bell: null })
    const shown = async () => [
      (await ask('get', 'nodes')).said.includes('gone'),
      (await ask('get', 'queues')).said.includes('announce-default-gone'),
    ]
    assert.deepEqual(await shown(), [true, true], 'its announcer runs')
    await world.redis.zadd(leases('default'), 1, 'gone')
    assert.deepEqual(await shown(), [false, false])
  })

  test('with -w goes on, and shows what changes', async t => {
    const world = await allocatorWorld(t)
    await world.configure(aConfiguration(aPool('blue', ['192.168.50.211-192.168.50.212'])))
    const cli = herald(t, ['get', 'services', '-w', '--redis-url', world.path])
    await until('the head is shown', () => cli.said().includes('SERVICE'))
    await world.serve(aService('late'))
    await until('what came is shown', () => /^default\/late +192\.168\.50\.211 /m.test(cli.said()))
    await world.gone('late')
    await until('what went is shown', () => /^default\/late is gone$/m.test(cli.said()))
    assert.equal((await cli.stop('SIGTERM')).code, 0)
    assert.equal(cli.said().match(/^SERVICE/gm)?.length, 1)
  })

  test('with -w for scripts, each row is a document of its own', async t => {
    const { world } = await heldAndRefused(t)
    const args = ['get', 'addresses', '-w', '-o', 'yaml', '--redis-url', world.path]
    const cli = herald(t, args)
    await until('the address is shown', () => cli.said().includes('192.168.50.211'))
    await world.gone('one')
    await until('that it went to another is shown', () => cli.said().includes('default/two'))
    await world.gone('two')
    await until('that it is free is shown', () => cli.said().includes('gone'))
    const documents = parseAllDocuments(cli.said()).map(one => one.toJS())
    assert.deepEqual(
      documents.map(({ name, services, gone }) => [name, services ?? gone]),
      [
        ['192.168.50.211', ['default/one']],
        ['192.168.50.211', ['default/two']],
        ['192.168.50.211', true],
      ],
    )
  })

  test('has colours on a terminal alone, and none where NO_COLOR is set', async t => {
    const { world } = await heldAndRefused(t)
    const asked = ['get', 'services', '--redis-url', world.path]
    const [coloured, plain] = await Promise.all([
      onTerminal(asked),
      onTerminal(asked, { NO_COLOR: '1' }),
    ])
    assert.ok(coloured.startsWith('\x1b[1mSERVICE\x1b[0m'), coloured)
    assert.ok(coloured.includes('\x1b[31mAllocationFailed\x1b[0m'), coloured)
    assert.ok(!plain.includes('\x1b'), plain)
  })
})
