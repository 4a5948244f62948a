import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Allocation } from '../../../functions/model/allocation.ts'
import type { Configuration } from '../../../functions/model/configuration.ts'
import type { Service } from '../../../functions/model/service.ts'
import {
  asks,
  blue,
  both,
  decide,
  dual,
  inBlue,
  manual,
  pinnedTo,
  red,
  six,
  web,
} from '../../support/deciding.ts'
import { aConfiguration, aService } from '../../support/services.ts'

type Saying = readonly [string, Service, Configuration, Allocation | null, string, RegExp]

/** what is wrong, Service, configuration, what it holds, the reason and the words of the refusal */
const sayings: readonly Saying[] = [
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

describe('a refusal', () => {
  for (const [what, service, configuration, held, reason, message] of sayings) {
    test(`says in words what to do about ${what}`, () => {
      const command = decide(service, configuration, held)
      const refusal = 'refusal' in command ? command.refusal : undefined
      assert.equal(refusal?.reason, reason)
      assert.match(refusal.message, message)
      assert.ok(refusal.message.length < 900, 'an event holds 1,024 bytes')
    })
  }
})
