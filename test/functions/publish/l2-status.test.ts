import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Announcer } from '../../../functions/model/node.ts'
import { atHome } from '../../../functions/publish/l2-status.ts'

const interfaceOf = (name: string, ...prefixes: string[]) => ({
  name,
  mac: '02:00:00:00:00:01',
  prefixes,
})

const announcer: Announcer = {
  node: 'a',
  session: 's',
  epoch: 0,
  hears: [],
  interfaces: [
    interfaceOf('lan', '192.168.50.11/24', 'fd00::1/64'),
    interfaceOf('dmz', '10.0.0.1/8'),
    interfaceOf('bare'),
  ],
}

describe('the interfaces that a ServiceL2Status names are', () => {
  const rows: [string, readonly string[], readonly string[] | null, readonly string[] | null][] = [
    ['the one whose network the address is in', ['192.168.50.211'], null, ['lan']],
    ['those of all its addresses', ['192.168.50.211', '10.1.1.1'], null, ['dmz', 'lan']],
    ['the same once', ['192.168.50.211', 'fd00::50'], null, ['lan']],
    ['none, for all, where an address is in no network', ['10.1.1.1', 'fd01::1'], null, null],
    ['all that were asked for, where it is in none of theirs', ['10.1.1.1'], ['lan'], ['lan']],
    ['the one among those that were asked for', ['10.1.1.1'], ['bare', 'dmz'], ['dmz']],
  ]
  for (const [what, addresses, interfaces, named] of rows) {
    test(what, () => {
      assert.deepEqual(atHome({ node: 'a', interfaces }, addresses, announcer), {
        node: 'a',
        interfaces: named,
      })
    })
  }

  test('as it was placed while its announcer has not said what it has', () => {
    const owner = { node: 'a', interfaces: ['eth0'] }
    assert.deepEqual(atHome(owner, ['10.1.1.1'], null), owner)
  })
})
