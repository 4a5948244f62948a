/** Who may share an address (metallb-behaviour 4.7). */
import { apply, dual, pinned, pool, port, type Row, six } from './steps.ts'

export const sharing: readonly Row[] = [
  [
    'one key, other ports',
    { a: pool('10.0.0.0/24') },
    [apply('s', { 'allow-shared-ip': 'k' }), apply('t', { 'allow-shared-ip': 'k' }, port(81))],
    's 10.0.0.0 t 10.0.0.0',
  ],
  [
    'the older annotation shares too',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'allow-shared-ip': 'k' }),
      apply('t', { 'metallb.universe.tf/allow-shared-ip': 'k' }, port(81)),
    ],
    's 10.0.0.0 t 10.0.0.0',
  ],
  [
    'one key, one port',
    { a: pool('10.0.0.0/24') },
    [apply('s', { 'allow-shared-ip': 'k' }), apply('t', { 'allow-shared-ip': 'k' })],
    's 10.0.0.0 t 10.0.0.1',
  ],
  [
    'one port, other protocols',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'allow-shared-ip': 'k' }, port(53)),
      apply('t', { 'allow-shared-ip': 'k' }, port(53, 'UDP')),
    ],
    's 10.0.0.0 t 10.0.0.0',
  ],
  [
    'two keys',
    { a: pool('10.0.0.0/24') },
    [apply('s', { 'allow-shared-ip': 'k' }), apply('t', { 'allow-shared-ip': 'l' }, port(81))],
    's 10.0.0.0 t 10.0.0.1',
  ],
  [
    'an empty key shares nothing',
    { a: pool('10.0.0.0/24') },
    [apply('s', { 'allow-shared-ip': '' }), apply('t', { 'allow-shared-ip': '' }, port(81))],
    's 10.0.0.0 t 10.0.0.1',
  ],
  [
    'no key joins no key',
    { a: pool('10.0.0.0/24') },
    [apply('s'), apply('t', { 'allow-shared-ip': 'k', loadBalancerIPs: '10.0.0.0' }, port(81))],
    's 10.0.0.0 t -',
  ],
  [
    'Local and Local share with one selector',
    { a: pool('10.0.0.0/24') },
    [
      apply(
        's',
        { 'allow-shared-ip': 'k' },
        { externalTrafficPolicy: 'Local', selector: { b: '2', a: '1' } },
      ),
      apply(
        't',
        { 'allow-shared-ip': 'k' },
        { externalTrafficPolicy: 'Local', selector: { a: '1', b: '2' }, ...port(81) },
      ),
      apply(
        'u',
        { 'allow-shared-ip': 'k' },
        { externalTrafficPolicy: 'Local', selector: { a: '1' }, ...port(82) },
      ),
    ],
    's 10.0.0.0 t 10.0.0.0 u 10.0.0.1',
  ],
  [
    'a shared address may be asked for',
    { a: pool('10.0.0.0/24') },
    [
      apply('r'),
      apply('s', { 'allow-shared-ip': 'k' }),
      apply('t', { 'allow-shared-ip': 'k', loadBalancerIPs: '10.0.0.1' }, port(81)),
      apply('u', { 'allow-shared-ip': 'k', loadBalancerIPs: '10.0.0.1' }, port(80)),
    ],
    'r 10.0.0.0 s 10.0.0.1 t 10.0.0.1 u -',
  ],
  [
    'a sharer of several ports needs all of them',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'allow-shared-ip': 'k' }, { ports: [{ port: 80 }, { port: 443 }] }),
      apply('t', { 'allow-shared-ip': 'k' }, { ports: [{ port: 53 }, { port: 443 }] }),
      apply(
        'u',
        { 'allow-shared-ip': 'k' },
        {
          ports: [
            { port: 53, protocol: 'UDP' },
            { port: 443, protocol: 'SCTP' },
          ],
        },
      ),
    ],
    's 10.0.0.0 t 10.0.0.1 u 10.0.0.0',
  ],
  [
    'both families are shared, or neither',
    { a: pool('10.0.0.0/24 , 2001:db8::/64') },
    [
      apply('s', { 'allow-shared-ip': 'k' }, dual('RequireDualStack')),
      apply('t', { 'allow-shared-ip': 'k' }, { ...dual('RequireDualStack'), ...port(81) }),
      apply('u', { 'allow-shared-ip': 'k' }, { ...six, ...port(82) }),
    ],
    's 10.0.0.0,2001:db8:: t 10.0.0.0,2001:db8:: u 2001:db8::',
  ],
  [
    'an address that may be shared is taken before another pool',
    { a: pool('10.0.0.0/32'), b: pool('10.0.1.0/24') },
    [apply('s', { 'allow-shared-ip': 'k' }), apply('t', { 'allow-shared-ip': 'k' }, port(81))],
    's 10.0.0.0 t 10.0.0.0',
  ],
  [
    'who has two families joins one that has one',
    { a: pool('10.0.0.0/24 , 2001:db8::/64') },
    [
      apply('s', { 'allow-shared-ip': 'k' }),
      apply('t', { 'allow-shared-ip': 'k' }, { ...dual('RequireDualStack'), ...port(81) }),
    ],
    's 10.0.0.0 t 10.0.0.0,2001:db8::',
  ],
  [
    'Local without selector shares with Cluster',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'allow-shared-ip': 'k' }),
      apply(
        't',
        { 'allow-shared-ip': 'k' },
        { ...port(81), externalTrafficPolicy: 'Local', selector: {} },
      ),
    ],
    's 10.0.0.0 t 10.0.0.0',
  ],
  [
    'one port of three protocols, and no fourth',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'allow-shared-ip': 'k' }),
      apply('t', { 'allow-shared-ip': 'k' }, port(80, 'UDP')),
      apply('u', { 'allow-shared-ip': 'k' }, port(80, 'SCTP')),
      apply('v', { 'allow-shared-ip': 'k' }, port(80, 'UDP')),
    ],
    's 10.0.0.0 t 10.0.0.0 u 10.0.0.0 v 10.0.0.1',
  ],
  [
    'spaces in a sharing key count',
    { a: pool('10.0.0.0/24') },
    [apply('s', { 'allow-shared-ip': 'k' }), apply('t', { 'allow-shared-ip': ' k' }, port(81))],
    's 10.0.0.0 t 10.0.0.1',
  ],
  [
    'the newer sharing key wins, even empty',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'allow-shared-ip': 'k' }),
      apply('t', { 'allow-shared-ip': '', 'metallb.universe.tf/allow-shared-ip': 'k' }, port(81)),
    ],
    's 10.0.0.0 t 10.0.0.1',
  ],
  [
    'a family of which the port is taken is had elsewhere, the other is shared',
    { a: pool('10.0.0.0/24 , 2001:db8::/64') },
    [
      apply('s', { 'allow-shared-ip': 'k' }, dual('RequireDualStack')),
      apply('u', { 'allow-shared-ip': 'k' }, { ...six, ...port(81) }),
      apply('t', { 'allow-shared-ip': 'k' }, { ...dual('RequireDualStack'), ...port(81) }),
    ],
    's 10.0.0.0,2001:db8:: u 2001:db8:: t 10.0.0.0,2001:db8::1',
  ],
  [
    'two families are shared by two ports, and full for the third',
    { a: pool('10.0.0.0/32 , 2001:db8::/128') },
    [
      apply('s', { 'allow-shared-ip': 'k' }, dual('PreferDualStack')),
      apply('t', { 'allow-shared-ip': 'k' }, { ...dual('PreferDualStack'), ...port(81) }),
      apply('u', { 'allow-shared-ip': 'k' }, { ...dual('PreferDualStack'), ...port(81) }),
    ],
    's 10.0.0.0,2001:db8:: t 10.0.0.0,2001:db8:: u -',
  ],
  [
    'a shared address of a pinned pool is for those it is pinned to',
    {
      a: pool('10.0.0.0/24'),
      z: pool('10.0.9.0/32', pinned({ serviceSelectors: [{ matchLabels: { x: '1' } }] })),
    },
    [
      apply('s', { 'allow-shared-ip': 'k' }, {}, { x: '1' }),
      apply('t', { 'allow-shared-ip': 'k' }, port(81)),
      apply('u', { 'allow-shared-ip': 'k' }, port(82), { x: '1' }),
    ],
    's 10.0.9.0 t 10.0.0.0 u 10.0.9.0',
  ],
  [
    'a shared address of a pool that does not admit it',
    { z: pool('10.0.9.0/32', pinned({ serviceSelectors: [{ matchLabels: { x: '1' } }] })) },
    [
      apply('s', { 'allow-shared-ip': 'k' }, {}, { x: '1' }),
      apply('t', { 'allow-shared-ip': 'k', loadBalancerIPs: '10.0.9.0' }, port(81)),
    ],
    's 10.0.9.0 t -',
  ],
]
