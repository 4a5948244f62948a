/** Ranges of addresses (metallb-behaviour 3). */
import { apply, pool, port, type Row, six } from './steps.ts'

export const ranges: readonly Row[] = [
  ['a /24 has its .0', { p: pool('10.0.0.0/24') }, [apply('a')], 'a 10.0.0.0'],
  [
    'a /31 has both addresses',
    { p: pool('10.0.0.0/31') },
    [apply('a'), apply('b'), apply('c')],
    'a 10.0.0.0 b 10.0.0.1 c -',
  ],
  ['a /32 has one', { p: pool('10.0.0.7/32') }, [apply('a'), apply('b')], 'a 10.0.0.7 b -'],
  ['host bits are masked off', { p: pool('10.0.0.9/30') }, [apply('a')], 'a 10.0.0.8'],
  [
    'a range goes from its first to its last',
    { p: pool('10.0.0.5 - 10.0.0.6') },
    [apply('a'), apply('b'), apply('c')],
    'a 10.0.0.5 b 10.0.0.6 c -',
  ],
  [
    'a range of one address',
    { p: pool('10.0.0.5-10.0.0.5') },
    [apply('a'), apply('b')],
    'a 10.0.0.5 b -',
  ],
  [
    'entries are used in the order given',
    { p: pool('10.0.9.9/32 , 10.0.0.0/24') },
    [apply('a'), apply('b')],
    'a 10.0.9.9 b 10.0.0.0',
  ],
  [
    'a range over the end of a /24',
    { p: pool('10.0.0.255-10.0.1.1') },
    [apply('a'), apply('b'), apply('c')],
    'a 10.0.0.255 b 10.0.1.0 c 10.0.1.1',
  ],
  [
    'a range over the end of a /16',
    { p: pool('10.0.255.255-10.1.0.0') },
    [apply('a'), apply('b')],
    'a 10.0.255.255 b 10.1.0.0',
  ],
  [
    'avoidBuggyIPs leaves out .0 and .255 inside a range too',
    { p: pool('10.0.0.254-10.0.1.1', { avoidBuggyIPs: true }) },
    [apply('a'), apply('b'), apply('c')],
    'a 10.0.0.254 b 10.0.1.1 c -',
  ],
  [
    'a pool of buggy addresses only has none',
    { p: pool('10.0.0.255-10.0.1.0', { avoidBuggyIPs: true }) },
    [apply('a')],
    'a -',
  ],
  [
    'avoidBuggyIPs and a requested .255',
    { p: pool('10.0.0.0/24', { avoidBuggyIPs: true }) },
    [apply('a', { loadBalancerIPs: '10.0.0.255' })],
    'a -',
  ],
  [
    'avoidBuggyIPs turned on takes a .0 away',
    { p: pool('10.0.0.0/24') },
    [apply('a'), { pools: { p: pool('10.0.0.0/24', { avoidBuggyIPs: true }) } }],
    'a 10.0.0.1',
  ],
  [
    'IPv6 has its all-zero host, and never avoids',
    { p: pool('2001:db8::/127', { avoidBuggyIPs: true }) },
    [apply('a', {}, six), apply('b', {}, six)],
    'a 2001:db8:: b 2001:db8::1',
  ],
  [
    'IPv4 written as IPv6 is IPv4',
    { p: pool('::ffff:10.0.0.0/127') },
    [apply('a'), apply('b', { loadBalancerIPs: '::ffff:10.0.0.1' })],
    'a 10.0.0.0 b 10.0.0.1',
  ],
  [
    'a pool that mixes families serves each',
    { p: pool('10.0.0.0/24 , 2001:db8::/64') },
    [apply('a'), apply('b', {}, six)],
    'a 10.0.0.0 b 2001:db8::',
  ],
  [
    'an overlapping pool is refused, the other one serves',
    { p: pool('10.0.0.0/31'), q: pool('10.0.0.0/24') },
    [apply('a'), apply('b'), apply('c')],
    'a 10.0.0.0 b 10.0.0.1 c -',
  ],
  [
    'a pool without addresses is refused, the other one serves',
    { p: { addresses: [] }, q: pool('10.0.0.0/31') },
    [apply('a')],
    'a 10.0.0.0',
  ],
  [
    'an overlap that is taken away',
    { p: pool('10.0.0.0/31'), q: pool('10.0.0.0/24') },
    [apply('a'), apply('b'), apply('c'), { pools: { q: pool('10.0.0.0/24') } }],
    'a 10.0.0.0 b 10.0.0.1 c 10.0.0.2',
  ],
  [
    'avoidBuggyIPs is nothing to ff and 100 of IPv6',
    { p: pool('2001:db8::ff-2001:db8::100', { avoidBuggyIPs: true }) },
    [apply('a', {}, six), apply('b', {}, six)],
    'a 2001:db8::ff b 2001:db8::100',
  ],
  [
    'an IPv6 range over the end of a /112',
    { p: pool('2001:db8::ffff-2001:db8::1:0') },
    [apply('a', {}, six), apply('b', {}, six)],
    'a 2001:db8::ffff b 2001:db8::1:0',
  ],
  [
    'IPv6 is written as RFC 5952 has it',
    { p: pool('2001:db8:0:0:1::-2001:db8:0:0:1::1') },
    [apply('a', {}, six), apply('b', {}, six)],
    'a 2001:db8:0:0:1:: b 2001:db8::1:0:0:1',
  ],
  [
    'avoidBuggyIPs turned off gives a .0 to who waits',
    { p: pool('10.0.0.0/31', { avoidBuggyIPs: true }) },
    [apply('a'), apply('b'), { pools: { p: pool('10.0.0.0/31') } }],
    'a 10.0.0.1 b 10.0.0.0',
  ],
  [
    'avoidBuggyIPs turned on: nobody joins at the .0 either',
    { a: pool('10.0.0.0/31') },
    [
      apply('s', { 'allow-shared-ip': 'k' }),
      { pools: { a: pool('10.0.0.0/31', { avoidBuggyIPs: true }) } },
      apply('t', { 'allow-shared-ip': 'k' }, port(81)),
    ],
    's 10.0.0.1 t 10.0.0.1',
  ],
]
