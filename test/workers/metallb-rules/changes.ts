/** What happens when something changes (metallb-behaviour 4.6). */
import { apply, pool, port, type Row } from './steps.ts'

export const changes: readonly Row[] = [
  [
    'a request that is taken off keeps the address',
    { a: pool('10.0.0.0/24') },
    [apply('s', { loadBalancerIPs: '10.0.0.7' }), apply('s')],
    's 10.0.0.7',
  ],
  [
    'a request that changes moves it',
    { a: pool('10.0.0.0/24') },
    [apply('s'), apply('s', { loadBalancerIPs: '10.0.0.7' })],
    's 10.0.0.7',
  ],
  [
    'a pool that is asked for later moves it',
    { a: pool('10.0.0.0/24'), b: pool('10.0.1.0/24') },
    [apply('s'), apply('s', { 'address-pool': 'b' })],
    's 10.0.1.0',
  ],
  [
    'a pool deleted: another one serves',
    { a: pool('10.0.0.0/24'), b: pool('10.0.1.0/24') },
    [apply('s'), { pools: { b: pool('10.0.1.0/24') } }],
    's 10.0.1.0',
  ],
  [
    'a pool deleted that was asked for: nothing serves',
    { a: pool('10.0.0.0/24'), b: pool('10.0.1.0/24') },
    [apply('s', { 'address-pool': 'a' }), { pools: { b: pool('10.0.1.0/24') } }],
    's -',
  ],
  ['all pools deleted', { a: pool('10.0.0.0/24') }, [apply('s'), { pools: {} }], 's -'],
  [
    'a pool renamed',
    { a: pool('10.0.0.0/24') },
    [apply('t'), apply('s'), { remove: 't' }, { pools: { b: pool('10.0.0.0/24') } }],
    's 10.0.0.1',
  ],
  [
    'a pool whose addresses move to another',
    { a: pool('10.0.0.0/24') },
    [
      apply('t'),
      apply('s'),
      { remove: 't' },
      { pools: { a: pool('10.0.1.0/24'), b: pool('10.0.0.0/24') } },
    ],
    's 10.0.0.1',
  ],
  [
    'a type that changes gives it back',
    { a: pool('10.0.0.0/32') },
    [apply('s'), apply('t'), apply('s', {}, { type: 'NodePort' })],
    's - t 10.0.0.0',
  ],
  [
    'ExternalName gives it back',
    { a: pool('10.0.0.0/32') },
    [apply('s'), apply('s', {}, { type: 'ExternalName', clusterIPs: [] }), apply('t')],
    's - t 10.0.0.0',
  ],
  [
    'two pools that swap their ranges one after the other',
    { a: pool('10.0.0.0/24'), b: pool('10.0.1.0/24', { autoAssign: false }) },
    [
      apply('s'),
      { pools: { a: pool('10.0.1.0/24'), b: pool('10.0.1.0/24', { autoAssign: false }) } },
      { pools: { a: pool('10.0.1.0/24'), b: pool('10.0.0.0/24', { autoAssign: false }) } },
      apply('t'),
    ],
    's 10.0.0.0 t 10.0.1.0',
  ],
  [
    'a pool that shrinks past it',
    { a: pool('10.0.0.0-10.0.0.9') },
    [apply('s'), { pools: { a: pool('10.0.0.5-10.0.0.9') } }],
    's 10.0.0.5',
  ],
  [
    'a requested address whose pool goes and comes',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { loadBalancerIPs: '10.0.0.7' }),
      { pools: { b: pool('10.0.1.0/24') } },
      { pools: { b: pool('10.0.1.0/24'), a: pool('10.0.0.0/24') } },
    ],
    's 10.0.0.7',
  ],
  [
    'a pool that is not asked for any more keeps the address',
    { a: pool('10.0.0.0/24'), b: pool('10.0.1.0/24') },
    [apply('s', { 'address-pool': 'b' }), apply('s')],
    's 10.0.1.0',
  ],
  [
    'two that swap their addresses',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { loadBalancerIPs: '10.0.0.1' }),
      apply('t', { loadBalancerIPs: '10.0.0.2' }),
      apply('s', { loadBalancerIPs: '10.0.0.2' }),
      apply('t', { loadBalancerIPs: '10.0.0.1' }),
    ],
    's 10.0.0.2 t 10.0.0.1',
  ],
  [
    'one waits for another that moves away',
    { a: pool('10.0.0.0/24') },
    [
      apply('s'),
      apply('t', { loadBalancerIPs: '10.0.0.0' }),
      apply('s', { loadBalancerIPs: '10.0.0.9' }),
    ],
    's 10.0.0.9 t 10.0.0.0',
  ],
  [
    'a mistaken request while it holds keeps it',
    { a: pool('10.0.0.0/24') },
    [apply('s'), apply('s', { loadBalancerIPs: 'nonsense' })],
    's 10.0.0.0',
  ],
  [
    'ports of a sole holder change while it asks by name',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { loadBalancerIPs: '10.0.0.3' }),
      apply('s', { loadBalancerIPs: '10.0.0.3' }, port(8080)),
    ],
    's 10.0.0.3',
  ],
  [
    'a type that returns gets the lowest',
    { a: pool('10.0.0.0/24') },
    [apply('r'), apply('s'), { remove: 'r' }, apply('s', {}, { type: 'ClusterIP' }), apply('s')],
    's 10.0.0.0',
  ],
  [
    'one of two that wait is served when a type changes',
    { a: pool('10.0.0.0/31') },
    [apply('s'), apply('t'), apply('u'), apply('v'), apply('t', {}, { type: 'ClusterIP' })],
    's 10.0.0.0 t - u 10.0.0.1 v -',
  ],
  [
    'who waits is served when the pool grows',
    { a: pool('10.0.0.0/32') },
    [apply('s'), apply('t'), { pools: { a: pool('10.0.0.0/31') } }],
    's 10.0.0.0 t 10.0.0.1',
  ],
  [
    'a pool and an address of it that are asked for later move it',
    { a: pool('10.0.0.0/24'), b: pool('10.0.1.0/24') },
    [
      apply('s', { 'address-pool': 'a' }),
      apply('s', { 'address-pool': 'b', loadBalancerIPs: '10.0.1.5' }),
    ],
    's 10.0.1.5',
  ],
  [
    'an address of another pool moves it, and it stays there',
    { a: pool('10.0.0.0/24'), b: pool('10.0.1.0/24', { autoAssign: false }) },
    [
      apply('s'),
      apply('s', { loadBalancerIPs: '10.0.1.5' }),
      apply('s', { 'address-pool': 'b' }),
      apply('s'),
    ],
    's 10.0.1.5',
  ],
  [
    'a pool that is full is waited for',
    { a: pool('10.0.0.0/24'), b: pool('10.0.1.0/32') },
    [
      apply('r', { 'address-pool': 'b' }),
      apply('s'),
      apply('s', { 'address-pool': 'b' }),
      { remove: 'r' },
    ],
    's 10.0.1.0',
  ],
  [
    'two that swap their pools',
    { a: pool('10.0.0.0/32'), b: pool('10.0.1.0/32') },
    [
      apply('s', { 'address-pool': 'a' }),
      apply('t', { 'address-pool': 'b' }),
      apply('s', { 'address-pool': 'b' }),
      apply('t', { 'address-pool': 'a' }),
    ],
    's 10.0.1.0 t 10.0.0.0',
  ],
  [
    'a Service without cluster IP gives it back',
    { a: pool('10.0.0.0/32') },
    [apply('s'), apply('t'), apply('s', {}, { clusterIPs: [] })],
    's - t 10.0.0.0',
  ],
]
