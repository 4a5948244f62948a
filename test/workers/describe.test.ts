import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import { needs } from '../support/capabilities.ts'
import { aPool } from '../support/claims.ts'
import { heldAndRefused } from '../support/held-and-refused.ts'
import { aConfiguration, aDualService, aService } from '../support/services.ts'

/** Of each thing: what must be said of it, line by line. */
const THINGS: readonly (readonly [kind: string, name: string, lines: readonly RegExp[]])[] = [
  [
    'service',
    'default/one',
    [
      /^Addresses: +192\.168\.50\.211$/,
      /^Node: +node-a$/,
      /^ {2}pool +"blue" open to every Service/,
      /^History:$/,
      /^ {2}20\S+Z +claimed 192\.168\.50\.211 for default\/one/,
    ],
  ],
  ['svc', 'default/two', [/^Why not: +AllocationFailed$/, /^ {2}because .* held by default\/one/]],
  [
    'address',
    '192.168.50.211',
    [
      /^State: +held$/,
      /^Epoch: +\d+$/,
      /^ {2}announced +192\.168\.50\.211 by node-a .*standbys: none/,
    ],
  ],
  ['address', '192.168.50.212', [/^ {2}held +by nobody: it is free$/]],
  ['pool', 'blue', [/^Free: +1$/, /^ {2}admits +every Service$/, /^ {2}20\S+Z +claimed 192/]],
  [
    'node',
    'node-a',
    [
      /^Announces: +1$/,
      /^ {2}announcer +runs$/,
      /^ {2}interface +eth0 \(MAC 02:00:00:00:00:01\) in no network$/,
      /^ {2}announces +192\.168\.50\.211 by node-a/,
    ],
  ],
  ['queue', 'allocate', [/^Unanswered: +1$/, /^ {2}unanswered +default\/default\/late$/]],
]

describe('herald describe', needs('redis'), () => {
  test('says all that is known of one thing: what it is, why, and its last history', async t => {
    const { world, ask } = await heldAndRefused(t)
    await world.join('node-a')
    await world.endpoints('one', { any: true, nodes: ['node-a'] })
    await world.ringAndAnswer('place', ['default/192.168.50.211'])
    const late = aService('late')
    await world.learn(world.state.keys.services('default'), 'default/late', '1', late)

    for (const [kind, name, lines] of THINGS) {
      const { code, said } = await ask('describe', kind, name)
      assert.equal(code, 0, said)
      const found = said.split('\n')
      for (const line of lines)
        assert.ok(
          found.some(one => line.test(one)),
          `${line}\n${said}`,
        )
    }
    const { said } = await ask('describe', 'service', 'default/one', '-o', 'yaml')
    const { name, nodes, explanation, history } = parse(said)
    assert.deepEqual([name, nodes], ['default/one', ['node-a']])
    assert.equal(explanation.pools[0].pool, 'blue')
    assert.equal(history[0].what, 'claimed')
  })

  test('names the node of every address that is announced together', async t => {
    const { world, ask } = await heldAndRefused(t)
    await world.configure(aConfiguration(aPool('both', ['10.0.0.1/32', '2001:db8::1/128'])))
    await world.join('node-a')
    await world.serve(aDualService('both', 'RequireDualStack'))
    await world.endpoints('both', { any: true, nodes: ['node-a'] })
    await world.ringAndAnswer('place', ['default/default/both'])
    const { said } = await ask('explain', 'address', '2001:db8::1')
    assert.match(said, /^announced +10\.0\.0\.1, 2001:db8::1 by node-a since /m)
  })

  test('fails for what is not known', async t => {
    const { ask } = await heldAndRefused(t)
    const { code, said } = await ask('describe', 'node', 'nope')
    assert.equal(code, 1)
    assert.match(said, /No node "nope" is known here: known nodes: none/)
  })
})
