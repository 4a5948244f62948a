/** Which pool serves (metallb-behaviour 4.2). */
import { apply, pinned, pool, type Row } from './steps.ts'

export const choice: readonly Row[] = [
  [
    'pools open to all go by name',
    { b: pool('10.0.1.0/24'), a: pool('10.0.0.0/24') },
    [apply('s')],
    's 10.0.0.0',
  ],
  [
    'a full pool falls through',
    { a: pool('10.0.0.0/32'), b: pool('10.0.1.0/24') },
    [apply('s'), apply('t')],
    's 10.0.0.0 t 10.0.1.0',
  ],
  [
    'a pool of the other family falls through',
    { a: pool('2001:db8::/64'), b: pool('10.0.1.0/24') },
    [apply('s')],
    's 10.0.1.0',
  ],
  [
    'autoAssign false is passed by',
    { a: pool('10.0.0.0/24', { autoAssign: false }), b: pool('10.0.1.0/24') },
    [apply('s')],
    's 10.0.1.0',
  ],
  [
    'autoAssign false alone leaves it pending',
    { a: pool('10.0.0.0/24', { autoAssign: false }) },
    [apply('s')],
    's -',
  ],
  [
    'autoAssign turned off takes nothing away',
    { a: pool('10.0.0.0/24'), b: pool('10.0.1.0/24') },
    [
      apply('s'),
      { pools: { a: pool('10.0.0.0/24', { autoAssign: false }), b: pool('10.0.1.0/24') } },
      apply('t'),
    ],
    's 10.0.0.0 t 10.0.1.0',
  ],
  [
    'a pinned pool comes before an open one',
    { a: pool('10.0.0.0/24'), z: pool('10.0.9.0/24', pinned({ namespaces: ['default'] })) },
    [apply('s')],
    's 10.0.9.0',
  ],
  [
    'a pinned pool that is full falls through to an open one',
    { a: pool('10.0.0.0/24'), z: pool('10.0.9.0/32', pinned({ namespaces: ['default'] })) },
    [apply('s'), apply('t')],
    's 10.0.9.0 t 10.0.0.0',
  ],
  [
    'the lowest priority number first, unset last, ties by name',
    {
      a: pool('10.0.0.0/32', pinned({})),
      b: pool('10.0.1.0/32', pinned({ priority: 20 })),
      c: pool('10.0.2.0/32', pinned({ priority: 10 })),
      d: pool('10.0.3.0/32', pinned({ priority: 10 })),
      e: pool('10.0.4.0/32', pinned({ priority: -1 })),
    },
    ['s', 't', 'u', 'v', 'w'].map(name => apply(name)),
    's 10.0.4.0 t 10.0.2.0 u 10.0.3.0 v 10.0.1.0 w 10.0.0.0',
  ],
  [
    'a priority alone pins to everyone',
    { a: pool('10.0.0.0/24'), z: pool('10.0.9.0/24', pinned({ priority: 1 })) },
    [apply('s')],
    's 10.0.9.0',
  ],
  [
    'a pool for other namespaces is not used, nor had by asking for it',
    { a: pool('10.0.0.0/24', pinned({ namespaces: ['other'] })) },
    [apply('s'), apply('t', { 'address-pool': 'a' }), apply('u', { loadBalancerIPs: '10.0.0.1' })],
    's - t - u -',
  ],
  [
    'one of several selectors is enough; names and selectors of namespaces are a union',
    {
      a: pool(
        '10.0.0.0/24',
        pinned({
          namespaces: ['x'],
          namespaceSelectors: [{ matchLabels: { team: 'b' } }, { matchLabels: { team: 'a' } }],
        }),
      ),
    },
    [apply('s'), { namespace: { team: 'a' } }, apply('t')],
    's 10.0.0.0 t 10.0.0.1',
  ],
  [
    'namespace and labels must both fit',
    {
      a: pool(
        '10.0.0.0/24',
        pinned({ namespaces: ['default'], serviceSelectors: [{ matchLabels: { tier: 'gold' } }] }),
      ),
    },
    [apply('s'), apply('t', {}, {}, { tier: 'gold' })],
    's - t 10.0.0.0',
  ],
  [
    'the terms of a selector must all hold; NotIn holds without the label',
    {
      a: pool(
        '10.0.0.0/24',
        pinned({
          serviceSelectors: [
            {
              matchLabels: { a: '1' },
              matchExpressions: [{ key: 'b', operator: 'NotIn', values: ['2'] }],
            },
          ],
        }),
      ),
    },
    [apply('s', {}, {}, { a: '1', b: '2' }), apply('t', {}, {}, { a: '1' })],
    's - t 10.0.0.0',
  ],
  [
    'labels that change take the address away, and another pool serves',
    {
      a: pool('10.0.0.0/24', pinned({ serviceSelectors: [{ matchLabels: { tier: 'gold' } }] })),
      b: pool('10.0.1.0/24'),
    },
    [apply('s', {}, {}, { tier: 'gold' }), apply('s', {}, {}, { tier: 'lead' })],
    's 10.0.1.0',
  ],
  [
    'labels of the namespace that change take the address away',
    { a: pool('10.0.0.0/24', pinned({ namespaceSelectors: [{ matchLabels: { team: 'a' } }] })) },
    [{ namespace: { team: 'a' } }, apply('s'), { namespace: { team: 'b' } }],
    's -',
  ],
  [
    'a pool that is pinned to others afterwards takes its addresses back',
    { a: pool('10.0.0.0/24'), b: pool('10.0.1.0/24') },
    [
      apply('s'),
      {
        pools: {
          a: pool('10.0.0.0/24', pinned({ namespaces: ['other'] })),
          b: pool('10.0.1.0/24'),
        },
      },
    ],
    's 10.0.1.0',
  ],
  [
    'a priority that changes moves nothing',
    {
      a: pool('10.0.0.0/24', pinned({ priority: 1 })),
      b: pool('10.0.1.0/24', pinned({ priority: 2 })),
    },
    [
      apply('s'),
      {
        pools: {
          a: pool('10.0.0.0/24', pinned({ priority: 9 })),
          b: pool('10.0.1.0/24', pinned({ priority: 2 })),
        },
      },
      apply('t'),
    ],
    's 10.0.0.0 t 10.0.1.0',
  ],
  [
    'the lowest address that was given up is the next',
    { a: pool('10.0.0.0/24') },
    [apply('s'), apply('t'), apply('u'), { remove: 's' }, apply('v')],
    't 10.0.0.1 u 10.0.0.2 v 10.0.0.0',
  ],
  [
    'In holds for any of its values',
    {
      a: pool(
        '10.0.0.0/24',
        pinned({
          serviceSelectors: [
            { matchExpressions: [{ key: 'x', operator: 'In', values: ['1', '2'] }] },
          ],
        }),
      ),
    },
    [apply('s', {}, {}, { x: '2' }), apply('t', {}, {}, { x: '3' })],
    's 10.0.0.0 t -',
  ],
  [
    'an empty selector of namespaces is everyone',
    { a: pool('10.0.0.0/24', pinned({ namespaceSelectors: [{}] })) },
    [apply('s')],
    's 10.0.0.0',
  ],
  [
    'an empty selector of Services is everyone, and pins',
    { b: pool('10.0.1.0/24'), z: pool('10.0.0.0/24', pinned({ serviceSelectors: [{}] })) },
    [apply('s')],
    's 10.0.0.0',
  ],
  [
    'names and selectors of namespaces, of which none fits',
    {
      a: pool(
        '10.0.0.0/24',
        pinned({ namespaces: ['x'], namespaceSelectors: [{ matchLabels: { team: 'b' } }] }),
      ),
    },
    [{ namespace: { team: 'a' } }, apply('s')],
    's -',
  ],
  [
    'autoAssign turned on serves who waits',
    { a: pool('10.0.0.0/24', { autoAssign: false }) },
    [apply('s'), { pools: { a: pool('10.0.0.0/24') } }],
    's 10.0.0.0',
  ],
  [
    'a pinned pool is had by request once the labels fit',
    { a: pool('10.0.0.0/24', pinned({ serviceSelectors: [{ matchLabels: { x: '1' } }] })) },
    [
      apply('s', { loadBalancerIPs: '10.0.0.4' }),
      apply('s', { loadBalancerIPs: '10.0.0.4' }, {}, { x: '1' }),
    ],
    's 10.0.0.4',
  ],
  [
    'priority 0 is unset: after all others',
    {
      a: pool('10.0.0.0/24', pinned({ priority: 0 })),
      b: pool('10.0.1.0/24', pinned({ priority: 100 })),
    },
    [apply('s')],
    's 10.0.1.0',
  ],
  [
    'a pinned pool without autoAssign is passed by',
    {
      a: pool('10.0.0.0/24', { autoAssign: false, ...pinned({ namespaces: ['default'] }) }),
      b: pool('10.0.1.0/24'),
    },
    [apply('s')],
    's 10.0.1.0',
  ],
]
