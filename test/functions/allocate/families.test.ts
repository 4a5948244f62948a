import { describe } from 'node:test'
import { aPool } from '../../support/claims.ts'
import {
  blue,
  both,
  decided,
  dual,
  inBlue,
  pinnedTo,
  type Row,
  six,
  web,
} from '../../support/deciding.ts'
import { aConfiguration, aDualService, anAllocation, aService } from '../../support/services.ts'

const rows: readonly Row[] = [
  ['skips pools of the other family', web, aConfiguration(blue, six), null, 'blue:IPv4'],
  [
    'serves IPv6 by its cluster IP',
    aService('web', { clusterIPs: ['fd00::1'] }),
    aConfiguration(blue, six),
    null,
    'six:IPv6',
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
]

describe('the families that a Service needs', () => {
  decided(rows)
})
