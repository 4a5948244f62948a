import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type AllocateCommand, allocate } from '../../../functions/allocate/allocate.ts'
import { locate } from '../../../functions/allocate/windows.ts'
import type { Allocation } from '../../../functions/model/allocation.ts'
import type { Configuration, Pool } from '../../../functions/model/configuration.ts'
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
): AllocateCommand {
  const pool = held?.pool ?? ''
  return allocate(service, {
    configuration,
    held,
    namespaceLabels,
    nodeAddresses: [],
    id: `default/default/${service?.name}`,
    records: (held?.addresses ?? []).map(address => ({
      v: 1,
      page: locate(address)?.page ?? '',
      offset: locate(address)?.offset ?? 0,
      pool,
      sharingKey: '',
      backendKey: '',
      holders: {
        [`default/default/${service?.name}`]: { uid: 'u', ports: ['TCP/80'], sinceMs: 0 },
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

  test('says in words what to do', () => {
    const command = decide(aService('web', { loadBalancerIP: 'prose' }), both)
    assert.match(
      'refusal' in command ? (command.refusal?.message ?? '') : '',
      /"prose" in spec.loadBalancerIP is not an IP address. Write/,
    )
  })
})
