/** What happens when those who share an address change or leave (metallb-behaviour 4.7). */
import { apply, pool, port, type Row } from './steps.ts'

export const sharers: readonly Row[] = [
  [
    'the lowest address is taken, free or shared',
    { a: pool('10.0.0.0/24') },
    [
      apply('r'),
      apply('s', { 'allow-shared-ip': 'k' }),
      { remove: 'r' },
      apply('t', { 'allow-shared-ip': 'k' }, port(81)),
    ],
    's 10.0.0.1 t 10.0.0.0',
  ],
  [
    'a selector that changes counts with Local only',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'allow-shared-ip': 'k' }),
      apply('t', { 'allow-shared-ip': 'k' }, port(81)),
      apply('t', { 'allow-shared-ip': 'k' }, { ...port(81), selector: { other: 'x' } }),
    ],
    's 10.0.0.0 t 10.0.0.0',
  ],
  [
    'a sharer that becomes Local loses it alone',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'allow-shared-ip': 'k' }),
      apply('t', { 'allow-shared-ip': 'k' }, port(81)),
      apply('t', { 'allow-shared-ip': 'k' }, { ...port(81), externalTrafficPolicy: 'Local' }),
    ],
    's 10.0.0.0 t 10.0.0.1',
  ],
  [
    'a sharer whose key is taken off loses it alone',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'allow-shared-ip': 'k' }),
      apply('t', { 'allow-shared-ip': 'k' }, port(81)),
      apply('s'),
    ],
    's 10.0.0.1 t 10.0.0.0',
  ],
  [
    'the only one on an address may change its key in place',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'allow-shared-ip': 'k' }),
      apply('s', { 'allow-shared-ip': 'l' }),
      apply('t', { 'allow-shared-ip': 'l' }, port(81)),
    ],
    's 10.0.0.0 t 10.0.0.0',
  ],
  [
    'a port that is in the way is waited for',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'allow-shared-ip': 'k' }),
      apply('t', { 'allow-shared-ip': 'k', loadBalancerIPs: '10.0.0.0' }),
      apply('s', { 'allow-shared-ip': 'k' }, port(443)),
    ],
    's 10.0.0.0 t 10.0.0.0',
  ],
  [
    'a sharer that asks for another address moves alone',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'allow-shared-ip': 'k' }),
      apply('t', { 'allow-shared-ip': 'k' }, port(81)),
      apply('t', { 'allow-shared-ip': 'k', loadBalancerIPs: '10.0.0.9' }, port(81)),
    ],
    's 10.0.0.0 t 10.0.0.9',
  ],
  [
    'who leaves a shared address leaves its ports',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'allow-shared-ip': 'k' }),
      apply('t', { 'allow-shared-ip': 'k' }, port(81)),
      { remove: 's' },
      apply('u', { 'allow-shared-ip': 'k' }),
    ],
    't 10.0.0.0 u 10.0.0.0',
  ],
  [
    'a sharer whose port changes onto another loses it alone',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'allow-shared-ip': 'k' }),
      apply('t', { 'allow-shared-ip': 'k' }, port(81)),
      apply('t', { 'allow-shared-ip': 'k' }),
    ],
    's 10.0.0.0 t 10.0.0.1',
  ],
  [
    'a sharer whose port changes otherwise keeps it',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'allow-shared-ip': 'k' }),
      apply('t', { 'allow-shared-ip': 'k' }, port(81)),
      apply('t', { 'allow-shared-ip': 'k' }, port(82)),
      apply('u', { 'allow-shared-ip': 'k' }, port(81)),
    ],
    's 10.0.0.0 t 10.0.0.0 u 10.0.0.0',
  ],
  [
    'a sharer by request whose key goes is left without',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'allow-shared-ip': 'k' }),
      apply('t', { 'allow-shared-ip': 'k', loadBalancerIPs: '10.0.0.0' }, port(81)),
      apply('t', { loadBalancerIPs: '10.0.0.0' }, port(81)),
    ],
    's 10.0.0.0 t -',
  ],
  [
    'a sharer by request that fits again has it again',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'allow-shared-ip': 'k' }),
      apply('t', { 'allow-shared-ip': 'k', loadBalancerIPs: '10.0.0.0' }, port(81)),
      apply('t', { loadBalancerIPs: '10.0.0.0' }, port(81)),
      apply('t', { 'allow-shared-ip': 'k', loadBalancerIPs: '10.0.0.0' }, port(81)),
    ],
    's 10.0.0.0 t 10.0.0.0',
  ],
  [
    'Local and Cluster do not share an address by request',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'allow-shared-ip': 'k' }),
      apply(
        't',
        { 'allow-shared-ip': 'k', loadBalancerIPs: '10.0.0.0' },
        { ...port(81), externalTrafficPolicy: 'Local' },
      ),
    ],
    's 10.0.0.0 t -',
  ],
  [
    'who waits for that may share once both are Local',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'allow-shared-ip': 'k' }),
      apply(
        't',
        { 'allow-shared-ip': 'k', loadBalancerIPs: '10.0.0.0' },
        { ...port(81), externalTrafficPolicy: 'Local' },
      ),
      apply('s', { 'allow-shared-ip': 'k' }, { externalTrafficPolicy: 'Local' }),
    ],
    's 10.0.0.0 t 10.0.0.0',
  ],
  [
    'a key that is given later lets a waiter in',
    { a: pool('10.0.0.0/24') },
    [
      apply('s'),
      apply('t', { 'allow-shared-ip': 'k', loadBalancerIPs: '10.0.0.0' }, port(81)),
      apply('s', { 'allow-shared-ip': 'k' }),
    ],
    's 10.0.0.0 t 10.0.0.0',
  ],
  [
    'a sharer by request that turns Local alone is left without',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'allow-shared-ip': 'k', loadBalancerIPs: '10.0.0.0' }),
      apply('t', { 'allow-shared-ip': 'k', loadBalancerIPs: '10.0.0.0' }, port(81)),
      apply(
        's',
        { 'allow-shared-ip': 'k', loadBalancerIPs: '10.0.0.0' },
        { externalTrafficPolicy: 'Local' },
      ),
    ],
    's - t 10.0.0.0',
  ],
  [
    'sharers by request turn Local one after the other, and share again',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'allow-shared-ip': 'k', loadBalancerIPs: '10.0.0.0' }),
      apply('t', { 'allow-shared-ip': 'k', loadBalancerIPs: '10.0.0.0' }, port(81)),
      apply(
        's',
        { 'allow-shared-ip': 'k', loadBalancerIPs: '10.0.0.0' },
        { externalTrafficPolicy: 'Local' },
      ),
      apply(
        't',
        { 'allow-shared-ip': 'k', loadBalancerIPs: '10.0.0.0' },
        { ...port(81), externalTrafficPolicy: 'Local' },
      ),
    ],
    's 10.0.0.0 t 10.0.0.0',
  ],
  [
    'a sharer by request whose key changes alone is left without',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'allow-shared-ip': 'k', loadBalancerIPs: '10.0.0.0' }),
      apply('t', { 'allow-shared-ip': 'k', loadBalancerIPs: '10.0.0.0' }, port(81)),
      apply('s', { 'allow-shared-ip': 'l', loadBalancerIPs: '10.0.0.0' }),
    ],
    's - t 10.0.0.0',
  ],
  [
    'sharers by request change their key one after the other, and share again',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'allow-shared-ip': 'k', loadBalancerIPs: '10.0.0.0' }),
      apply('t', { 'allow-shared-ip': 'k', loadBalancerIPs: '10.0.0.0' }, port(81)),
      apply('s', { 'allow-shared-ip': 'l', loadBalancerIPs: '10.0.0.0' }),
      apply('t', { 'allow-shared-ip': 'l', loadBalancerIPs: '10.0.0.0' }, port(81)),
    ],
    's 10.0.0.0 t 10.0.0.0',
  ],
  [
    'the only one on an address may change from Local to Cluster',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'allow-shared-ip': 'k' }, { externalTrafficPolicy: 'Local' }),
      apply('s', { 'allow-shared-ip': 'k' }),
      apply('t', { 'allow-shared-ip': 'k' }, port(81)),
    ],
    's 10.0.0.0 t 10.0.0.0',
  ],
  [
    'who came first to a shared address may leave it',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'allow-shared-ip': 'k' }),
      apply('t', { 'allow-shared-ip': 'k' }, port(81)),
      apply('u', { 'allow-shared-ip': 'k' }, port(82)),
      { remove: 's' },
      apply('v', { 'allow-shared-ip': 'k' }),
      apply('w'),
    ],
    't 10.0.0.0 u 10.0.0.0 v 10.0.0.0 w 10.0.0.1',
  ],
  [
    'an address is free once the last sharer has another type',
    { a: pool('10.0.0.0/32') },
    [
      apply('s', { 'allow-shared-ip': 'k' }),
      apply('t', { 'allow-shared-ip': 'k' }, port(81)),
      apply('u'),
      apply('s', { 'allow-shared-ip': 'k' }, { type: 'NodePort' }),
      apply('t', { 'allow-shared-ip': 'k' }, { ...port(81), type: 'ClusterIP' }),
    ],
    's - t - u 10.0.0.0',
  ],
]
