/** Address families (metallb-behaviour 4.4). */
import { apply, dual, pinned, pool, type Row, six } from './steps.ts'

export const families: readonly Row[] = [
  [
    'PreferDualStack on a cluster of one family',
    { a: pool('10.0.0.0/24 , 2001:db8::/64') },
    [apply('s', {}, { ipFamilyPolicy: 'PreferDualStack' })],
    's 10.0.0.0',
  ],
  [
    'PreferDualStack takes both, IPv4 first',
    { a: pool('2001:db8::/64 , 10.0.0.0/24') },
    [apply('s', {}, dual('PreferDualStack', 'IPv6'))],
    's 10.0.0.0,2001:db8::',
  ],
  [
    'PreferDualStack with a pool of one family',
    { a: pool('2001:db8::/64') },
    [apply('s', {}, dual('PreferDualStack'))],
    's 2001:db8::',
  ],
  [
    'PreferDualStack: a pool with both comes before an earlier one',
    { a: pool('10.0.0.0/24'), b: pool('10.0.1.0/24 , 2001:db8::/64') },
    [apply('s', {}, dual('PreferDualStack'))],
    's 10.0.1.0,2001:db8::',
  ],
  [
    'PreferDualStack: else the first pool of the primary family',
    { a: pool('10.0.0.0/24'), b: pool('2001:db8::/64') },
    [apply('s', {}, dual('PreferDualStack')), apply('t', {}, dual('PreferDualStack', 'IPv6'))],
    's 10.0.0.0 t 2001:db8::',
  ],
  [
    'PreferDualStack gains the family that its pool gains',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', {}, dual('PreferDualStack')),
      { pools: { a: pool('10.0.0.0/24 , 2001:db8::/64') } },
    ],
    's 10.0.0.0,2001:db8::',
  ],
  [
    'PreferDualStack gains nothing from another pool',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', {}, dual('PreferDualStack')),
      { pools: { a: pool('10.0.0.0/24'), b: pool('10.0.1.0/24 , 2001:db8::/64') } },
    ],
    's 10.0.0.0',
  ],
  [
    'RequireDualStack from one pool or not at all',
    { a: pool('10.0.0.0/24'), b: pool('2001:db8::/64') },
    [apply('s', {}, dual('RequireDualStack'))],
    's -',
  ],
  [
    'RequireDualStack when one family is full',
    { a: pool('10.0.0.0/31 , 2001:db8::/128') },
    [apply('s', {}, dual('RequireDualStack')), apply('t', {}, dual('RequireDualStack'))],
    's 10.0.0.0,2001:db8:: t -',
  ],
  [
    'RequireDualStack with one cluster IP',
    { a: pool('10.0.0.0/24 , 2001:db8::/64') },
    [apply('s', {}, { ipFamilyPolicy: 'RequireDualStack' })],
    's -',
  ],
  [
    'both by request',
    { a: pool('10.0.0.0/24 , 2001:db8::/64') },
    [apply('s', { loadBalancerIPs: '2001:db8::5, 10.0.0.7' }, dual('RequireDualStack'))],
    's 10.0.0.7,2001:db8::5',
  ],
  [
    'IPv6 by request, however it is written',
    { a: pool('2001:db8::/64') },
    [apply('s', { loadBalancerIPs: '2001:0DB8:0:0::0005' }, six)],
    's 2001:db8::5',
  ],
  [
    'one of two by request',
    { a: pool('10.0.0.0/24 , 2001:db8::/64') },
    [apply('s', { loadBalancerIPs: '10.0.0.7' }, dual('PreferDualStack'))],
    's -',
  ],
  [
    'both by request, from two pools',
    { a: pool('10.0.0.0/24'), b: pool('2001:db8::/64') },
    [apply('s', { loadBalancerIPs: '10.0.0.7,2001:db8::5' }, dual('RequireDualStack'))],
    's -',
  ],
  [
    'from Prefer to Require and back with a pool of one family',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', {}, dual('PreferDualStack')),
      apply('s', {}, dual('RequireDualStack')),
      apply('s', {}, dual('PreferDualStack')),
    ],
    's 10.0.0.0',
  ],
  [
    'from two families to one',
    { a: pool('10.0.0.0/24 , 2001:db8::/64') },
    [apply('s', {}, dual('RequireDualStack')), apply('s')],
    's 10.0.0.0',
  ],
  [
    'a pool with both that loses a family',
    { a: pool('10.0.0.0/24 , 2001:db8::/64') },
    [apply('s', {}, dual('RequireDualStack')), { pools: { a: pool('10.0.0.0/24') } }],
    's -',
  ],
  [
    'from one family to two with the last addresses',
    { a: pool('10.0.0.0/32 , 2001:db8::/128') },
    [apply('s'), apply('s', {}, dual('RequireDualStack'))],
    's 10.0.0.0,2001:db8::',
  ],
  [
    'from one family to two: another pool serves where its own has one',
    { a: pool('10.0.0.0/24'), b: pool('10.0.1.0/24 , 2001:db8::/64') },
    [apply('s'), apply('s', {}, dual('RequireDualStack'))],
    's 10.0.1.0,2001:db8::',
  ],
  [
    'from SingleStack to PreferDualStack: what it has stays',
    { a: pool('10.0.0.0/24 , 2001:db8::/64') },
    [apply('r'), apply('s'), { remove: 'r' }, apply('s', {}, dual('PreferDualStack'))],
    's 10.0.0.1,2001:db8::',
  ],
  [
    'from SingleStack to PreferDualStack: what it had comes first',
    { a: pool('10.0.0.0/24 , 2001:db8::/64') },
    [apply('s', {}, six), apply('s', {}, dual('PreferDualStack', 'IPv6'))],
    's 2001:db8::,10.0.0.0',
  ],
  [
    'PreferDualStack moves when its pool loses a family and another has both',
    { a: pool('10.0.0.0/24 , 2001:db8::/64'), b: pool('10.0.1.0/24 , 2001:db8:1::/64') },
    [
      apply('s', {}, dual('PreferDualStack')),
      { pools: { a: pool('10.0.0.0/24'), b: pool('10.0.1.0/24 , 2001:db8:1::/64') } },
    ],
    's 10.0.1.0,2001:db8:1::',
  ],
  [
    'PreferDualStack is left with one family when its pool is',
    { a: pool('10.0.0.0/24 , 2001:db8::/64') },
    [apply('s', {}, dual('PreferDualStack')), { pools: { a: pool('10.0.0.0/24') } }],
    's 10.0.0.0',
  ],
  [
    'from one family to two by request',
    { a: pool('10.0.0.0/24 , 2001:db8::/64') },
    [apply('s'), apply('s', { loadBalancerIPs: '10.0.0.0,2001:db8::5' }, dual('RequireDualStack'))],
    's 10.0.0.0,2001:db8::5',
  ],
  [
    'PreferDualStack: a pinned pool of one family comes before an open one with both',
    {
      a: pool('10.0.0.0/24 , 2001:db8::/64'),
      z: pool('10.0.9.0/24', pinned({ namespaces: ['default'] })),
    },
    [apply('s', {}, dual('PreferDualStack'))],
    's 10.0.9.0',
  ],
  [
    'PreferDualStack by the name of a pool of one family',
    { a: pool('2001:db8::/64') },
    [apply('s', { 'address-pool': 'a' }, dual('PreferDualStack'))],
    's 2001:db8::',
  ],
  [
    'PreferDualStack waits for a family that is full',
    { a: pool('10.0.0.0/24 , 2001:db8::/128') },
    [apply('r', {}, six), apply('s', {}, dual('PreferDualStack')), { remove: 'r' }],
    's 10.0.0.0,2001:db8::',
  ],
  [
    'RequireDualStack waits for a family that is full',
    { a: pool('10.0.0.0/24 , 2001:db8::/128') },
    [apply('r', {}, six), apply('s', {}, dual('RequireDualStack')), { remove: 'r' }],
    's 10.0.0.0,2001:db8::',
  ],
  [
    'PreferDualStack whose pool loses a family is assigned anew, the lowest first',
    { a: pool('10.0.0.0/24 , 2001:db8::/64') },
    [
      apply('r'),
      apply('s', {}, dual('PreferDualStack')),
      { remove: 'r' },
      { pools: { a: pool('10.0.0.0/24') } },
    ],
    's 10.0.0.0',
  ],
  [
    'PreferDualStack: a pool with both of which one is full counts as one of one family, and nothing moves later',
    { a: pool('10.0.0.0/24'), b: pool('10.0.1.0/24 , 2001:db8::/128') },
    [apply('r', {}, six), apply('s', {}, dual('PreferDualStack')), { remove: 'r' }],
    's 10.0.0.0',
  ],
  [
    'from two families to one is assigned anew, the lowest first',
    { a: pool('10.0.0.0/24 , 2001:db8::/64') },
    [apply('r'), apply('s', {}, dual('RequireDualStack')), { remove: 'r' }, apply('s')],
    's 10.0.0.0',
  ],
  [
    'from one family to two is assigned anew, the lowest first',
    { a: pool('10.0.0.0/24 , 2001:db8::/64') },
    [apply('r'), apply('s'), { remove: 'r' }, apply('s', {}, dual('RequireDualStack'))],
    's 10.0.0.0,2001:db8::',
  ],
  [
    'PreferDualStack on a cluster of IPv6',
    { a: pool('10.0.0.0/24 , 2001:db8::/64') },
    [apply('s', {}, { ...six, ipFamilyPolicy: 'PreferDualStack' })],
    's 2001:db8::',
  ],
]
