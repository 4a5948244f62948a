/**
 * The rules that MetalLB's users rely on (metallb-behaviour 1.1, 3, 4), each as they write it: objects in, addresses out, over
 * the parser, the decision and the claim on a real Redis. Services are served in the order given; the cool-down is off.
 */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { configure } from '../../functions/configure/configure.ts'
import { projectService } from '../../functions/watch/project.ts'
import { allocatorWorld } from '../support/allocator-world.ts'
import { poolObject } from '../support/objects.ts'
import { privateRedis } from '../support/redis.ts'
import { violations } from '../support/violations.ts'

type Fields = Readonly<Record<string, unknown>>

/** What happens: a Service is applied (again), one is deleted, or the pools or the labels of a namespace change. */
type Step =
  | {
      readonly apply: string
      readonly spec?: Fields
      readonly annotations?: Fields
      readonly labels?: Fields
    }
  | { readonly remove: string }
  | { readonly pools: Readonly<Record<string, Fields>> }
  | { readonly namespace: Fields }

const METALLB = 'metallb.io/'
const annotated = (annotations: Fields) =>
  Object.fromEntries(
    Object.entries(annotations).map(([key, value]) => [
      key.includes('/') ? key : METALLB + key,
      value,
    ]),
  )
const apply = (
  name: string,
  annotations: Fields = {},
  spec: Fields = {},
  labels: Fields = {},
): Step => ({
  apply: name,
  annotations: annotated(annotations),
  spec,
  labels,
})
const six = { clusterIPs: ['fd00::10'], ipFamilies: ['IPv6'] }
const dual = (policy: string, first = 'IPv4') => ({
  clusterIPs: first === 'IPv4' ? ['10.96.0.10', 'fd00::10'] : ['fd00::10', '10.96.0.10'],
  ipFamilies: first === 'IPv4' ? ['IPv4', 'IPv6'] : ['IPv6', 'IPv4'],
  ipFamilyPolicy: policy,
})
const port = (number: number, protocol = 'TCP') => ({ ports: [{ port: number, protocol }] })
const pool = (addresses: string, more: Fields = {}) => ({
  addresses: addresses.split(' , '),
  ...more,
})
const pinned = (serviceAllocation: Fields) => ({ serviceAllocation })

/** case, pools, steps, "service addresses" of every Service in the end ("-": none) */
const rows: [string, Readonly<Record<string, Fields>>, Step[], string][] = [
  // 3. Address ranges
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

  // 4.2 Which pool
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

  // 4.3 Requested addresses and pools
  [
    'an address with spaces around it',
    { a: pool('10.0.0.0/24') },
    [apply('s', { loadBalancerIPs: ' 10.0.0.7 ' })],
    's 10.0.0.7',
  ],
  [
    'a comma at the end',
    { a: pool('10.0.0.0/24') },
    [apply('s', { loadBalancerIPs: '10.0.0.7,' })],
    's -',
  ],
  ['spaces alone', { a: pool('10.0.0.0/24') }, [apply('s', { loadBalancerIPs: ' ' })], 's -'],
  [
    'an empty annotation',
    { a: pool('10.0.0.0/24') },
    [apply('s', { loadBalancerIPs: '' })],
    's 10.0.0.0',
  ],
  [
    'two addresses for one family',
    { a: pool('10.0.0.0/24') },
    [apply('s', { loadBalancerIPs: '10.0.0.7, 10.0.0.8' })],
    's -',
  ],
  [
    'spec.loadBalancerIP',
    { a: pool('10.0.0.0/24') },
    [apply('s', {}, { loadBalancerIP: '10.0.0.7' })],
    's 10.0.0.7',
  ],
  [
    'spec.loadBalancerIP with spaces',
    { a: pool('10.0.0.0/24') },
    [apply('s', {}, { loadBalancerIP: ' 10.0.0.7' })],
    's -',
  ],
  [
    'both, even if they agree',
    { a: pool('10.0.0.0/24') },
    [apply('s', { loadBalancerIPs: '10.0.0.7' }, { loadBalancerIP: '10.0.0.7' })],
    's -',
  ],
  [
    'the older annotation',
    { a: pool('10.0.0.0/24') },
    [apply('s', { 'metallb.universe.tf/loadBalancerIPs': '10.0.0.7' })],
    's 10.0.0.7',
  ],
  [
    'the newer annotation wins, even empty',
    { a: pool('10.0.0.0/24') },
    [apply('s', { loadBalancerIPs: '', 'metallb.universe.tf/loadBalancerIPs': '10.0.0.7' })],
    's 10.0.0.0',
  ],
  [
    'an address of a pool without autoAssign',
    { a: pool('10.0.0.0/24', { autoAssign: false }) },
    [apply('s', { loadBalancerIPs: '10.0.0.7' })],
    's 10.0.0.7',
  ],
  [
    'an address that is taken is waited for',
    { a: pool('10.0.0.0/24') },
    [apply('s'), apply('t', { loadBalancerIPs: '10.0.0.0' }), { remove: 's' }],
    't 10.0.0.0',
  ],
  [
    'an address outside every pool',
    { a: pool('10.0.0.0/24') },
    [apply('s', { loadBalancerIPs: '10.0.1.0' })],
    's -',
  ],
  [
    'a pool without autoAssign, by name',
    { a: pool('10.0.0.0/24', { autoAssign: false }) },
    [apply('s', { 'address-pool': 'a' })],
    's 10.0.0.0',
  ],
  [
    'a pool that does not exist',
    { a: pool('10.0.0.0/24') },
    [apply('s', { 'address-pool': 'b' })],
    's -',
  ],
  [
    'a pool name with a space is another name',
    { a: pool('10.0.0.0/24') },
    [apply('s', { 'address-pool': 'a ' })],
    's -',
  ],
  [
    'a pool that is full does not fall through',
    { a: pool('10.0.0.0/32'), b: pool('10.0.1.0/24') },
    [apply('s'), apply('t', { 'address-pool': 'a' })],
    's 10.0.0.0 t -',
  ],
  [
    'a pool of the other family does not fall through',
    { a: pool('2001:db8::/64'), b: pool('10.0.1.0/24') },
    [apply('s', { 'address-pool': 'a' })],
    's -',
  ],
  [
    'an address and its pool',
    { a: pool('10.0.0.0/24'), b: pool('10.0.1.0/24') },
    [apply('s', { 'address-pool': 'b', loadBalancerIPs: '10.0.1.9' })],
    's 10.0.1.9',
  ],
  [
    'an address and another pool',
    { a: pool('10.0.0.0/24'), b: pool('10.0.1.0/24') },
    [apply('s', { 'address-pool': 'a', loadBalancerIPs: '10.0.1.9' })],
    's -',
  ],
  [
    'an address of the other family',
    { a: pool('10.0.0.0/24 , 2001:db8::/64') },
    [apply('s', { loadBalancerIPs: '2001:db8::1' })],
    's -',
  ],
  [
    'a pool that appears later',
    { a: pool('10.0.0.0/24') },
    [
      apply('s', { 'address-pool': 'b' }),
      { pools: { a: pool('10.0.0.0/24'), b: pool('10.0.1.0/24') } },
    ],
    's 10.0.1.0',
  ],

  // 4.4 Families
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

  // 4.6 What happens when
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

  // 4.7 Sharing
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
    'both families are shared, or neither',
    { a: pool('10.0.0.0/24 , 2001:db8::/64') },
    [
      apply('s', { 'allow-shared-ip': 'k' }, dual('RequireDualStack')),
      apply('t', { 'allow-shared-ip': 'k' }, { ...dual('RequireDualStack'), ...port(81) }),
      apply('u', { 'allow-shared-ip': 'k' }, { ...six, ...port(82) }),
    ],
    's 10.0.0.0,2001:db8:: t 10.0.0.0,2001:db8:: u 2001:db8::',
  ],
]

const WEB = {
  type: 'LoadBalancer',
  clusterIPs: ['10.96.0.10'],
  ipFamilies: ['IPv4'],
  ipFamilyPolicy: 'SingleStack',
  selector: { app: 'web' },
  ...port(80),
}

const server = await privateRedis({ after })

describe('MetalLB’s rules', () => {
  for (const [what, pools, steps, expected] of rows) {
    test(what, async t => {
      const herald = await allocatorWorld(t, { server })
      const names = new Set<string>()
      let inForce = configure([], null).configuration
      let version = 0
      const perform = async (step: Step): Promise<void> => {
        version++
        if ('pools' in step) {
          const objects = Object.entries(step.pools).map(([name, spec]) => poolObject(name, spec))
          inForce = configure(objects, inForce).configuration
          await herald.configure(inForce)
          return herald.ringAndAnswer('allocate', ['default/*'])
        }
        if ('namespace' in step) {
          await herald.learn(
            herald.state.keys.namespaces('default'),
            'default',
            `${version}`,
            step.namespace,
          )
          return herald.ringAndAnswer('allocate', ['default/*'])
        }
        if ('remove' in step) {
          names.delete(step.remove)
          return herald.gone(step.remove, `${version}`)
        }
        const { apply: name, annotations, labels } = step
        names.add(name)
        const metadata = {
          namespace: 'default',
          name,
          uid: `uid-${name}`,
          resourceVersion: `${version}`,
          annotations,
          labels,
        }
        return herald.serve(projectService({ metadata, spec: { ...WEB, ...step.spec } }))
      }
      for (const step of [{ pools }, ...steps]) await perform(step)
      const held = await herald.held(...names)
      assert.equal([...names].map((name, i) => `${name} ${held[i] || '-'}`).join(' '), expected)
      assert.deepEqual(await violations(herald.redis), [])
    })
  }
})
