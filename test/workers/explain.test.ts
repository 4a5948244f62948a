import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { allocatorWorld } from '../support/allocator-world.ts'
import { needs } from '../support/capabilities.ts'
import { aPool } from '../support/claims.ts'
import { commands, herald } from '../support/cli.ts'
import { heldAndRefused } from '../support/held-and-refused.ts'
import { aConfiguration, aDualService } from '../support/services.ts'

describe('explain and history', needs('redis'), () => {
  test('say what is held and why, what is lacking and why, and what would mend it', async t => {
    const { world, ask } = await heldAndRefused(t)

    const one = await ask('explain', 'service', 'default/one')
    assert.equal(one.code, 0, one.said)
    assert.match(one.said, /^holds +192\.168\.50\.211 from pool "blue" since 20/m)
    assert.match(one.said, /^pool +"blue" open to every Service/m)

    const two = await ask('explain', 'service', 'default/two', '-o', 'json')
    assert.match(JSON.parse(two.said).held.refusal.message, /is held by default\/one/)

    const address = await ask('explain', 'address', '192.168.50.211')
    assert.match(address.said, /^held +by default\/one with TCP\/80/m)
    assert.match((await ask('explain', 'pool', 'blue')).said, /192\.168\.50\.211-192\.168\.50\.212/)

    await world.gone('one')
    const past = (await ask('history', '192.168.50.211')).said.trim().split('\n')
    const words = past.map(line => line.replace(/^\S+ +/, ''))
    assert.deepEqual(words, [
      'claimed 192.168.50.211 for default/one (pool blue): automatic assignment',
      'released 192.168.50.211 by default/one (pool blue): the Service was deleted',
      'claimed 192.168.50.211 for default/two (pool blue): requested by address',
    ])
  })

  test('say why nobody announces what is held, and by whom both addresses of a Service are', async t => {
    const world = await allocatorWorld(t)
    await world.configure(aConfiguration(aPool('both', ['192.168.50.211/32', 'fd00:50::211/128'])))
    await world.join('node-a')
    await world.serve(aDualService('one', 'RequireDualStack'))
    const ask = commands(t, world.path)

    const unserved = await ask('explain', 'service', 'default/one')
    const addresses = '192.168.50.211, fd00:50::211'
    const none = `announced +${addresses} by nobody: no endpoint of default/one can serve`
    assert.match(unserved.said, new RegExp(none))

    await world.endpoints('one', { any: true, nodes: ['node-a'] })
    await world.ringAndAnswer('place', ['default/default/one'])
    const served = await ask('explain', 'service', 'default/one')
    assert.match(served.said, new RegExp(`^announced +${addresses} by node-a since 20`, 'm'))
    const second = await ask('explain', 'address', 'fd00:50::211')
    assert.match(second.said, /^announced +192.168.50.211, fd00:50::211 by node-a since 20/m)
  })

  const mistakes: readonly (readonly [args: readonly string[], words: RegExp])[] = [
    [['explain', 'service', 'default/nope'], /No Service "default\/nope" is known here/],
    [['explain', 'pool', 'nope'], /known pools: none/],
    [['explain', 'address', '1.2.3'], /an address is 192\.0\.2\.1/],
    [['explain', 'node', 'nope'], /known nodes: none/],
    [['explain', 'queue', 'nope'], /known queues: allocate, place, publish-default/],
    [['explain', 'pod', 'x'], /it must be one of services, addresses, pools/],
  ]
  test('say what is wrong with a question', async t => {
    const world = await allocatorWorld(t)
    for (const [args, words] of mistakes) {
      const cli = herald(t, [...args, '--redis-url', world.path])
      assert.notEqual(await cli.exit, 0)
      assert.match(cli.said(), words)
    }
  })

  test('without a Redis to ask, say how to name one', async t => {
    const cli = herald(t, ['history', '--state-dir', '/nonexistent'])
    assert.equal(await cli.exit, 2)
    assert.match(cli.said(), /Give --redis-url .* or start "herald up"/)
  })
})
