import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type AllocateCommand, allocate } from '../../../functions/allocate/allocate.ts'
import { locate } from '../../../functions/allocate/windows.ts'
import type { Allocation } from '../../../functions/model/allocation.ts'
import type { Configuration, Pool } from '../../../functions/model/configuration.ts'
import type { Quarantine } from '../../../functions/model/quarantine.ts'
import type { Labels } from '../../../functions/model/selector.ts'
import type { Service } from '../../../functions/model/service.ts'
import { aPool } from '../../support/claims.ts'
import { aConfiguration, aDualService, anAllocation, aService } from '../../support/services.ts'

const blue = aPool('blue', ['192.168.50.211-192.168.50.220'])
const red = aPool('red', ['10.0.0.0/24'])
const manual = aPool('manual', ['10.1.0.0/24'], { autoAssign: false })
const six = aPool('six', ['2001:db8::/64'])
const dual = aPool('dual', ['10.9.0.0/24', '2001:db8:9::/64'])
const pinnedTo = (name: string, more: Partial<Pool['serviceAllocation'] & object>) =>
  aPool(name, [`10.${name.length}.1.0/24`], {
    serviceAllocation: {
      priority: 0,
      namespaces: [],
      namespaceSelectors: [],
      serviceSelectors: [],
      ...more,
    },
  })

function decide(
  service: Service | null,
  configuration: Configuration | null,
  held: Allocation | null = null,
  namespaceLabels: Labels = {},
  nodeAddresses: readonly string[] = [],
  quarantines: readonly (Quarantine | null)[] = [],
): AllocateCommand {
  const pool = held?.pool ?? ''
  return allocate(service, {
    configuration,
    held,
    namespaceLabels,
    nodeAddresses,
    quarantines,
    id: `default/default/${service?.name}`,
    records: (held?.addresses ?? []).map(address => ({
      v: 2,
      page: locate(address)?.page ?? '',
      offset: locate(address)?.offset ?? 0,
      cluster: 'default',
      pool,
      sharingKey: '',
      backendKey: '',
      holders: {
        [`default/default/${service?.name}`]: {
          uid: held?.uid ?? '',
          ports: ['TCP/80'],
          sinceMs: 0,
          reserveMs: 0,
        },
      },
    })),
  })
}

/** "pool:IPv4+IPv6 pool:10.0.0.1", or what else was decided. */
function told(command: AllocateCommand): string {
  if (command.do === 'nothing') return 'nothing'
  if (command.do === 'release') return command.forget ? 'forget' : 'release'
  if (command.do === 'refuse') return 'refuse'
  const parts = command.choices.map(
    ({ pool, parts }) =>
      `${pool.name}:${parts.map(part => ('exact' in part ? part.exact.address : part.family)).join('+')}`,
  )
  return `${parts.join(' ')}${command.keep ? ' keep' : ''}`
}

describe('allocate', () => {
  const web = aService('web')
  const asks = (annotations: Labels, more: Partial<Service> = {}) =>
    aService('web', { annotations, ...more })
  const inBlue = anAllocation('web', ['192.168.50.211'], 'blue')
  const both = aConfiguration(blue, red)
  const rows: [string, Service | null, Configuration | null, Allocation | null, string][] = [
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
    ['skips pools of the other family', web, aConfiguration(blue, six), null, 'blue:IPv4'],
    [
      'serves IPv6 by its cluster IP',
      aService('web', { clusterIPs: ['fd00::1'] }),
      aConfiguration(blue, six),
      null,
      'six:IPv6',
    ],
    [
      'takes the pool asked for, though it does not assign automatically',
      asks({ 'metallb.io/address-pool': 'manual' }),
      aConfiguration(blue, manual),
      null,
      'manual:IPv4',
    ],
    [
      'refuses an unknown pool, keeping what is held',
      asks({ 'metallb.io/address-pool': 'no' }),
      both,
      inBlue,
      'refuse',
    ],
    [
      'moves to the pool asked for, keeping the old address until then',
      asks({ 'metallb.io/address-pool': 'red' }),
      both,
      inBlue,
      'red:IPv4 keep',
    ],
    [
      'takes the address asked for',
      asks({ 'metallb.io/loadBalancerIPs': '10.0.0.7' }),
      both,
      null,
      'red:10.0.0.7',
    ],
    [
      'takes spec.loadBalancerIP',
      aService('web', { loadBalancerIP: '10.0.0.7' }),
      both,
      null,
      'red:10.0.0.7',
    ],
    [
      'prefers metallb.io over metallb.universe.tf, even empty',
      asks({ 'metallb.io/address-pool': '', 'metallb.universe.tf/address-pool': 'red' }),
      both,
      null,
      'blue:IPv4 red:IPv4',
    ],
    [
      'honours the older annotation',
      asks({ 'metallb.universe.tf/address-pool': 'red' }),
      both,
      null,
      'red:IPv4',
    ],
    ['refuses prose', aService('web', { loadBalancerIP: 'the usual one' }), both, inBlue, 'refuse'],
    [
      'refuses an address outside every pool',
      aService('web', { loadBalancerIP: '172.16.0.1' }),
      both,
      inBlue,
      'refuse',
    ],
    [
      'refuses both sources at once',
      asks({ 'metallb.io/loadBalancerIPs': '10.0.0.7' }, { loadBalancerIP: '10.0.0.7' }),
      both,
      null,
      'refuse',
    ],
    [
      'refuses an address of the other family',
      asks({ 'metallb.io/loadBalancerIPs': '2001:db8::1' }),
      aConfiguration(six),
      null,
      'refuse',
    ],
    [
      'refuses an address outside the pool asked for',
      asks({ 'metallb.io/loadBalancerIPs': '10.0.0.7', 'metallb.io/address-pool': 'blue' }),
      both,
      null,
      'refuse',
    ],
    [
      'keeps the old address until the one asked for is had',
      asks({ 'metallb.io/loadBalancerIPs': '10.0.0.7' }),
      both,
      inBlue,
      'red:10.0.0.7 keep',
    ],
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
      aConfiguration(
        blue,
        pinnedTo('p', { serviceSelectors: [{ matchLabels: { tier: 'gold' } }] }),
      ),
      null,
      'p:IPv4 blue:IPv4',
    ],
    [
      'refuses a pool asked for that does not admit the Service',
      asks({ 'metallb.io/address-pool': 'p' }),
      aConfiguration(pinnedTo('p', { namespaces: ['other'] })),
      null,
      'refuse',
    ],
    [
      'RequireDualStack takes both from one pool',
      aDualService('web', 'RequireDualStack'),
      aConfiguration(blue, six, dual),
      null,
      'dual:IPv4+IPv6',
    ],
    [
      'RequireDualStack refuses when no pool has both',
      aDualService('web', 'RequireDualStack'),
      aConfiguration(blue, six),
      null,
      'refuse',
    ],
    [
      'RequireDualStack with one cluster IP holds nothing',
      aService('web', { ipFamilyPolicy: 'RequireDualStack' }),
      aConfiguration(dual),
      null,
      'release',
    ],
    [
      'PreferDualStack tries both, then the primary family, then the other',
      aDualService('web', 'PreferDualStack'),
      aConfiguration(blue, six, dual),
      null,
      'dual:IPv4+IPv6 blue:IPv4 dual:IPv4 dual:IPv6 six:IPv6',
    ],
    [
      'PreferDualStack with IPv6 first has IPv6 as primary',
      aDualService('web', 'PreferDualStack', { ipFamilies: ['IPv6', 'IPv4'] }),
      aConfiguration(blue, six),
      null,
      'six:IPv6 blue:IPv4',
    ],
    [
      'PreferDualStack with one cluster IP takes one address',
      aService('web', { ipFamilyPolicy: 'PreferDualStack' }),
      aConfiguration(dual),
      null,
      'dual:IPv4',
    ],
    [
      'PreferDualStack gains the family that its pool gained',
      aDualService('web', 'PreferDualStack'),
      aConfiguration(dual),
      anAllocation('web', ['10.9.0.1'], 'dual'),
      'dual:10.9.0.1+IPv6 dual:10.9.0.1 dual:IPv4+IPv6 dual:IPv4 dual:IPv6',
    ],
    [
      'a dual Service may not ask for one address',
      aDualService('web', 'PreferDualStack', { loadBalancerIP: '10.9.0.1' }),
      aConfiguration(dual),
      null,
      'refuse',
    ],
    [
      'clears a Service when no configuration is left',
      web,
      { source: 'none', pools: [], advertisements: [] },
      inBlue,
      'release',
    ],
    [
      'passes a pool asked for that has not the family',
      asks({ 'metallb.io/address-pool': 'six' }),
      aConfiguration(blue, six),
      null,
      'refuse',
    ],
    [
      'keeps the address when the pool asked for is taken off the Service',
      web,
      aConfiguration(blue, manual),
      anAllocation('web', ['10.1.0.3'], 'manual'),
      'nothing',
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
      'refuses a requested .0 under avoidBuggyIPs',
      asks({ 'metallb.io/loadBalancerIPs': '10.0.0.255' }),
      aConfiguration({ ...red, avoidBuggyIPs: true }),
      null,
      'refuse',
    ],
    [
      'revokes when the pool shrinks past the address',
      web,
      aConfiguration({ ...blue, addresses: ['192.168.50.215/32'] }),
      inBlue,
      'blue:IPv4',
    ],
    [
      'keeps the address when the request is taken off the Service',
      web,
      both,
      anAllocation('web', ['10.0.0.7'], 'red'),
      'nothing',
    ],
    [
      'does nothing when the address asked for is held',
      asks({ 'metallb.io/loadBalancerIPs': '192.168.50.211' }),
      both,
      inBlue,
      'nothing',
    ],
    [
      'takes address and pool together when they agree',
      asks({ 'metallb.io/loadBalancerIPs': ' 10.0.0.7 ', 'metallb.io/address-pool': 'red' }),
      both,
      inBlue,
      'red:10.0.0.7 keep',
    ],
    [
      'takes an address of a pool that does not assign automatically',
      asks({ 'metallb.io/loadBalancerIPs': '10.1.0.7' }),
      aConfiguration(blue, manual),
      null,
      'manual:10.1.0.7',
    ],
    [
      'refuses an address of a pool that does not admit the Service',
      asks({ 'metallb.io/loadBalancerIPs': '10.1.1.7' }),
      aConfiguration(pinnedTo('p', { namespaces: ['other'] })),
      null,
      'refuse',
    ],
    [
      'an empty metallb.io/loadBalancerIPs hides the older annotation',
      asks({ 'metallb.io/loadBalancerIPs': '', 'metallb.universe.tf/loadBalancerIPs': '10.0.0.7' }),
      both,
      null,
      'blue:IPv4 red:IPv4',
    ],
    [
      'refuses three addresses',
      asks({ 'metallb.io/loadBalancerIPs': '10.0.0.7,10.0.0.8,2001:db8::1' }),
      both,
      null,
      'refuse',
    ],
    [
      'refuses two addresses of one family',
      aDualService('web', 'PreferDualStack', {
        annotations: { 'metallb.io/loadBalancerIPs': '10.9.0.1,10.9.0.2' },
      }),
      aConfiguration(dual),
      null,
      'refuse',
    ],
    [
      'takes two addresses asked for, IPv4 first',
      aDualService('web', 'RequireDualStack', {
        annotations: { 'metallb.io/loadBalancerIPs': '2001:db8:9::1, 10.9.0.1' },
      }),
      aConfiguration(dual),
      null,
      'dual:10.9.0.1+2001:db8:9::1',
    ],
    [
      'leaves two addresses that are held in another order',
      aDualService('web', 'PreferDualStack', {
        annotations: { 'metallb.io/loadBalancerIPs': '10.9.0.1,2001:db8:9::1' },
      }),
      aConfiguration(dual),
      anAllocation('web', ['2001:db8:9::1', '10.9.0.1'], 'dual'),
      'nothing',
    ],
    [
      'refuses two addresses of different pools',
      aDualService('web', 'RequireDualStack', {
        annotations: { 'metallb.io/loadBalancerIPs': '10.0.0.1,2001:db8::1' },
      }),
      aConfiguration(red, six),
      null,
      'refuse',
    ],
    [
      'a dual pool that loses a family: both go, PreferDualStack takes one',
      aDualService('web', 'PreferDualStack'),
      aConfiguration({ ...dual, addresses: ['10.9.0.0/24'] }),
      anAllocation('web', ['10.9.0.1', '2001:db8:9::1'], 'dual'),
      'dual:IPv4',
    ],
    [
      'a dual pool that loses a family: both go, another dual pool comes first',
      aDualService('web', 'PreferDualStack'),
      aConfiguration(
        { ...dual, addresses: ['10.9.0.0/24'] },
        aPool('extra', ['10.8.0.0/24', '2001:db8:8::/64']),
      ),
      anAllocation('web', ['10.9.0.1', '2001:db8:9::1'], 'dual'),
      'extra:IPv4+IPv6 dual:IPv4 extra:IPv4 extra:IPv6',
    ],
    [
      'a dual pool elsewhere moves nothing',
      aDualService('web', 'PreferDualStack'),
      aConfiguration(blue, dual),
      inBlue,
      'nothing',
    ],
    [
      'PreferDualStack never reaches an open dual pool while a pinned one serves one family',
      aDualService('web', 'PreferDualStack'),
      aConfiguration(dual, pinnedTo('p', { priority: 1 })),
      null,
      'p:IPv4 dual:IPv4+IPv6 dual:IPv4 dual:IPv6',
    ],
    [
      'PreferDualStack with one cluster IP holds two no longer',
      aService('web', { ipFamilyPolicy: 'PreferDualStack' }),
      aConfiguration(dual),
      anAllocation('web', ['10.9.0.1', '2001:db8:9::1'], 'dual'),
      'dual:IPv4',
    ],
    [
      'PreferDualStack with one cluster IP never gains a second family',
      aService('web', { ipFamilyPolicy: 'PreferDualStack' }),
      aConfiguration(dual),
      anAllocation('web', ['10.9.0.1'], 'dual'),
      'nothing',
    ],
    [
      'Prefer to Require with an IPv4 pool loses the address',
      aDualService('web', 'RequireDualStack'),
      aConfiguration(blue),
      inBlue,
      'release',
    ],
    [
      'clears a Service without cluster IPs',
      aService('web', { clusterIPs: [] }),
      both,
      inBlue,
      'release',
    ],
    [
      'a cluster IP of the other family revokes',
      aService('web', { clusterIPs: ['fd00::1'] }),
      aConfiguration(blue, six),
      inBlue,
      'six:IPv6',
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
  for (const [name, service, configuration, held, expected] of rows) {
    test(name, () => assert.equal(told(decide(service, configuration, held)), expected))
  }

  test('pinned pools follow the labels of the namespace', () => {
    const pools = aConfiguration(
      pinnedTo('p', { namespaceSelectors: [{ matchLabels: { team: 'a' } }] }),
      blue,
    )
    assert.equal(told(decide(web, pools, null, { team: 'a' })), 'p:IPv4 blue:IPv4')
    assert.equal(told(decide(web, pools, null, { team: 'b' })), 'blue:IPv4')
  })

  const sayings: [string, Service, Configuration, Allocation | null, string, RegExp][] = [
    [
      'prose',
      aService('web', { loadBalancerIP: 'prose' }),
      both,
      null,
      'AllocationFailed',
      /"prose" in spec\.loadBalancerIP is not an IP address\. Write/,
    ],
    [
      'prose while it holds an address',
      aService('web', { loadBalancerIP: 'prose' }),
      both,
      inBlue,
      'LoadBalancerFailed',
      /"prose"/,
    ],
    [
      'an address of another family while it holds one, which can be read but not be had',
      asks({ 'metallb.io/loadBalancerIPs': '2001:db8::1' }),
      aConfiguration(blue, six),
      inBlue,
      'AllocationFailed',
      /the Service needs IPv4/,
    ],
    [
      'three addresses while it holds one',
      asks({ 'metallb.io/loadBalancerIPs': '10.0.0.7,10.0.0.8,10.0.0.9' }),
      both,
      inBlue,
      'LoadBalancerFailed',
      /at most two/,
    ],
    [
      'both sources',
      asks({ 'metallb.io/loadBalancerIPs': '10.0.0.7' }, { loadBalancerIP: '10.0.0.8' }),
      both,
      null,
      'AllocationFailed',
      /both spec\.loadBalancerIP \("10\.0\.0\.8"\) and .*Remove one/,
    ],
    [
      'an address outside',
      asks({ 'metallb.io/loadBalancerIPs': '172.16.0.1' }),
      both,
      null,
      'AllocationFailed',
      /no pool contains it\. Add the address .* ask for one of: blue \(192\.168\.50\.211-192\.168\.50\.220\); red/,
    ],
    [
      'an unknown pool',
      asks({ 'metallb.io/address-pool': 'no' }),
      both,
      null,
      'AllocationFailed',
      /pool "no".* does not exist\. Known pools: blue; red\. Create it/,
    ],
    [
      'a pool without its family',
      asks({ 'metallb.io/address-pool': 'six' }),
      aConfiguration(six),
      null,
      'AllocationFailed',
      /pool "six" has no IPv4 addresses/,
    ],
    [
      'address and pool that disagree',
      asks({ 'metallb.io/loadBalancerIPs': '10.0.0.7', 'metallb.io/address-pool': 'blue' }),
      both,
      null,
      'AllocationFailed',
      /lies in pool "red", but .* asks for "blue"/,
    ],
    [
      'a family that is not its own',
      asks({ 'metallb.io/loadBalancerIPs': '2001:db8::1' }),
      aConfiguration(six),
      null,
      'AllocationFailed',
      /the Service needs IPv4/,
    ],
    ['no pool', web, aConfiguration(), null, 'AllocationFailed', /Create an IPAddressPool/],
    [
      'pools that are not for it',
      web,
      aConfiguration(manual, six, pinnedTo('p', { namespaces: ['other'] })),
      null,
      'AllocationFailed',
      /"manual" has autoAssign: false; "six" has IPv6 addresses only, the Service needs IPv4; "p" admits other/,
    ],
    [
      'a pool that does not admit it',
      asks({ 'metallb.io/address-pool': 'p' }),
      aConfiguration(pinnedTo('p', { namespaces: ['other'] })),
      null,
      'AllocationFailed',
      /does not admit this Service.*namespace "default"/,
    ],
    [
      'a buggy address',
      asks({ 'metallb.io/loadBalancerIPs': '10.0.0.0' }),
      aConfiguration({ ...red, avoidBuggyIPs: true }),
      null,
      'AllocationFailed',
      /avoidBuggyIPs/,
    ],
    [
      'an excluded address',
      asks({ 'metallb.io/loadBalancerIPs': '10.0.0.9' }),
      aConfiguration({ ...red, annotations: { 'herald.io/exclude': '10.0.0.8/31' } }),
      null,
      'AllocationFailed',
      /excluded from pool "red"/,
    ],
    [
      'RequireDualStack on a single-stack cluster',
      aService('web', { ipFamilyPolicy: 'RequireDualStack' }),
      aConfiguration(dual),
      null,
      'NotEnoughClusterIPs',
      /needs two cluster IPs/,
    ],
  ]
  for (const [what, service, configuration, held, reason, message] of sayings) {
    test(`says in words what to do about ${what}`, () => {
      const command = decide(service, configuration, held)
      const refusal = 'refusal' in command ? command.refusal : undefined
      assert.equal(refusal?.reason, reason)
      assert.match(refusal.message, message)
      assert.ok(refusal.message.length < 900, 'an event holds 1,024 bytes')
    })
  }

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
