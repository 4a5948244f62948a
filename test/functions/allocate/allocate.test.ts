import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { aPool } from '../../support/claims.ts'
import {
  asks,
  blue,
  both,
  decide,
  decided,
  inBlue,
  manual,
  pinnedTo,
  type Row,
  red,
  told,
  web,
} from '../../support/deciding.ts'
import { aConfiguration, aDualService, anAllocation, aService } from '../../support/services.ts'

const rows: readonly Row[] = [
  ['decides nothing before a configuration is known', web, null, null, 'nothing'],
  ['tries the open pools by name', web, both, null, 'blue:IPv4 red:IPv4'],
  ['leaves alone what is held and fits', web, both, inBlue, 'nothing'],
  ['forgets a Service that was deleted', null, both, inBlue, 'forget'],
  ['has nothing to do for a deleted Service that held nothing', null, both, null, 'nothing'],
  [
    'releases when the type changes',
    aService('web', { type: 'ClusterIP' }),
    both,
    inBlue,
    'release',
  ],
  ['skips pools with autoAssign: false', web, aConfiguration(manual, red), null, 'red:IPv4'],
  ['refuses when no pool assigns automatically', web, aConfiguration(manual), null, 'refuse'],
  ['refuses when there is no pool', web, aConfiguration(), null, 'refuse'],
  ['revokes when the pool is gone', web, aConfiguration(red), inBlue, 'red:IPv4'],
  [
    'keeps the address when its pool is renamed',
    web,
    aConfiguration({ ...blue, name: 'azure' }),
    inBlue,
    'azure:192.168.50.211 azure:IPv4',
  ],
  [
    'gives its own address back to whom status shows with it',
    aService('web', { addresses: ['192.168.50.215'] }),
    both,
    null,
    'blue:192.168.50.215 blue:IPv4 red:IPv4',
  ],
  [
    'writes new ports down',
    aService('web', { ports: [{ protocol: 'TCP', port: 81 }] }),
    both,
    inBlue,
    'blue:192.168.50.211 blue:IPv4 red:IPv4',
  ],
  [
    'lets priority come first among pinned pools, then the open ones',
    web,
    aConfiguration(
      blue,
      pinnedTo('low', { priority: 20 }),
      pinnedTo('high', { priority: 10 }),
      pinnedTo('unset', {}),
    ),
    null,
    'high:IPv4 low:IPv4 unset:IPv4 blue:IPv4',
  ],
  [
    'passes by pools pinned to another namespace',
    web,
    aConfiguration(blue, pinnedTo('p', { namespaces: ['other'] })),
    null,
    'blue:IPv4',
  ],
  [
    'uses pools pinned by Service labels',
    aService('web', { labels: { tier: 'gold' } }),
    aConfiguration(blue, pinnedTo('p', { serviceSelectors: [{ matchLabels: { tier: 'gold' } }] })),
    null,
    'p:IPv4 blue:IPv4',
  ],
  [
    'clears a Service when no configuration is left',
    web,
    { source: 'none', pools: [], advertisements: [] },
    inBlue,
    'release',
  ],
  [
    'keeps the address when its pool stops assigning automatically',
    web,
    aConfiguration({ ...blue, autoAssign: false }, red),
    inBlue,
    'nothing',
  ],
  [
    'keeps the address when a pool of higher priority appears',
    web,
    aConfiguration(blue, pinnedTo('p', { priority: 1 })),
    inBlue,
    'nothing',
  ],
  [
    'revokes when the pool admits other namespaces only',
    web,
    aConfiguration(
      {
        ...blue,
        serviceAllocation: {
          priority: 0,
          namespaces: ['other'],
          namespaceSelectors: [],
          serviceSelectors: [],
        },
      },
      red,
    ),
    inBlue,
    'red:IPv4',
  ],
  [
    'revokes when avoidBuggyIPs comes on',
    web,
    aConfiguration({ ...red, avoidBuggyIPs: true }),
    anAllocation('web', ['10.0.0.0'], 'red'),
    'red:IPv4',
  ],
  [
    'revokes when the pool shrinks past the address',
    web,
    aConfiguration({ ...blue, addresses: ['192.168.50.215/32'] }),
    inBlue,
    'blue:IPv4',
  ],
  [
    'an empty serviceAllocation pins to everyone',
    web,
    aConfiguration(blue, pinnedTo('zz', {})),
    null,
    'zz:IPv4 blue:IPv4',
  ],
  [
    'namespaces and service selectors must both hold',
    aService('web', { labels: { tier: 'gold' } }),
    aConfiguration(
      blue,
      pinnedTo('p', {
        namespaces: ['other'],
        serviceSelectors: [{ matchLabels: { tier: 'gold' } }],
      }),
    ),
    null,
    'blue:IPv4',
  ],
  [
    'a namespace by name or by selector is enough',
    web,
    aConfiguration(
      pinnedTo('p', {
        namespaces: ['default'],
        namespaceSelectors: [{ matchLabels: { none: 'such' } }],
      }),
    ),
    null,
    'p:IPv4',
  ],
  [
    'excluded addresses are revoked like those of a smaller pool',
    web,
    aConfiguration({
      ...blue,
      annotations: { 'herald.io/exclude': '192.168.50.211, 192.168.50.213-192.168.50.214' },
    }),
    inBlue,
    'blue:IPv4',
  ],
  [
    'a waiting Service that changes its type waits no longer',
    aService('web', { type: 'ClusterIP' }),
    both,
    anAllocation('web', [], null, { refusal: { reason: 'AllocationFailed', message: 'full' } }),
    'release',
  ],
  [
    'another Service of the same name takes over what the deleted one held',
    aService('web', { uid: 'uid-next' }),
    both,
    inBlue,
    'blue:192.168.50.211 blue:IPv4 red:IPv4',
  ],
]

describe('allocate', () => {
  decided(rows)

  test('pinned pools follow the labels of the namespace', () => {
    const pools = aConfiguration(
      pinnedTo('p', { namespaceSelectors: [{ matchLabels: { team: 'a' } }] }),
      blue,
    )
    assert.equal(told(decide(web, pools, null, { team: 'a' })), 'p:IPv4 blue:IPv4')
    assert.equal(told(decide(web, pools, null, { team: 'b' })), 'blue:IPv4')
  })

  test('refuses the address of a node, and leaves it to who has it already', () => {
    const asking = asks({ 'metallb.io/loadBalancerIPs': '10.0.0.7' })
    const command = decide(asking, both, null, {}, ['10.0.0.7'])
    assert.match('refusal' in command ? (command.refusal?.message ?? '') : '', /address of a node/)
    const held = anAllocation('web', ['10.0.0.7'], 'red')
    assert.equal(told(decide(asking, both, held, {}, ['10.0.0.7'])), 'nothing')
  })

  test('gives up an address that is quarantined, and keeps the others', () => {
    const quarantine = { mac: '02:aa:bb:cc:dd:ee', sinceMs: 1 }
    const wide = aPool('red', ['10.0.0.0/28', '2001:db8::/124'])
    const both = aDualService('web', 'RequireDualStack')
    const held = anAllocation('web', ['10.0.0.7', '2001:db8::7'], 'red')
    const command = decide(both, aConfiguration(wide), held, {}, [], [null, quarantine])
    assert.equal(told(command), 'red:10.0.0.7+IPv6 red:IPv4+IPv6')
    assert.deepEqual('cleared' in command && command.cleared, {
      reason: 'AddressConflict',
      message:
        '2001:db8::7 is in use by another host on the LAN, with the MAC 02:aa:bb:cc:dd:ee, and was not announced',
    })
  })

  test('says why an address is lost without anybody asking for it', () => {
    const command = decide(web, aConfiguration(red), inBlue)
    assert.match(
      'cleared' in command ? (command.cleared?.message ?? '') : '',
      /no pool contains 192\.168\.50\.211 any more/,
    )
  })
})
