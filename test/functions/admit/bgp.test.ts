import { describe } from 'node:test'
import { ask, cidr, judged, object, pools, type Row } from '../../support/admission.ts'

const peer = { myASN: 64512, peerASN: 64513, peerAddress: '192.0.2.1' }
const advertisement = { ipAddressPools: ['p'] }
const communities = { Community: [object('c', { communities: [{ name: 'a', value: '1:2' }] })] }
const rows: readonly Row[] = [
  ['a peer', ask('BGPPeer', peer), {}, null],
  ['a peer without AS', ask('BGPPeer', { ...peer, myASN: 0 }), {}, /myASN/],
  [
    'a peer with two ASes',
    ask('BGPPeer', { ...peer, dynamicASN: 'internal' }),
    {},
    /exactly one of peerASN/,
  ],
  [
    'a peer on an interface',
    ask('BGPPeer', { myASN: 1, dynamicASN: 'external', interface: 'eth0' }),
    {},
    null,
  ],
  [
    'a peer with address and interface',
    ask('BGPPeer', { ...peer, interface: 'eth0' }),
    {},
    /exactly one of peerAddress/,
  ],
  [
    'a peer that is no address',
    ask('BGPPeer', { ...peer, peerAddress: 'router' }),
    {},
    /"router" is not an IP address/,
  ],
  [
    'a peer with a bad source',
    ask('BGPPeer', { ...peer, sourceAddress: '10.1' }),
    {},
    /sourceAddress/,
  ],
  ['a peer with a bad router id', ask('BGPPeer', { ...peer, routerID: 'x' }), {}, /routerID/],
  [
    'a hold time of a second',
    ask('BGPPeer', { ...peer, holdTime: '1s' }),
    {},
    /neither 0s nor at least 3s/,
  ],
  [
    'a keepalive time above it',
    ask('BGPPeer', { ...peer, holdTime: '9s', keepaliveTime: '10s' }),
    {},
    /more than holdTime/,
  ],
  ['a keepalive time alone', ask('BGPPeer', { ...peer, keepaliveTime: '10s' }), {}, null],
  [
    'several hops inside an AS',
    ask('BGPPeer', { ...peer, peerASN: 64512, ebgpMultiHop: true }),
    {},
    /ebgpMultiHop/,
  ],
  [
    'two passwords',
    ask('BGPPeer', { ...peer, password: 'a', passwordSecret: { name: 'b' } }),
    {},
    /password/,
  ],
  [
    'a selector twice',
    ask('BGPPeer', {
      ...peer,
      nodeSelectors: [{ matchLabels: { a: '1', b: '2' } }, { matchLabels: { b: '2', a: '1' } }],
    }),
    {},
    /nodeSelectors\[1\]: stands in the list twice/,
  ],
  ['a profile that does not exist', ask('BGPPeer', { ...peer, bfdProfile: 'later' }), {}, null],
  ['a BGP advertisement', ask('BGPAdvertisement', advertisement), pools, null],
  [
    'a wide aggregate',
    ask('BGPAdvertisement', { ...advertisement, aggregationLength: 16 }),
    pools,
    /aggregationLength: 16 reaches beyond "10\.0\.0\.0\/24" of pool "p": write 24 or more/,
  ],
  [
    'an aggregate as wide as the pool',
    ask('BGPAdvertisement', { ...advertisement, aggregationLength: 24 }),
    pools,
    null,
  ],
  [
    'a wide aggregate of another pool',
    ask('BGPAdvertisement', { ipAddressPools: ['q'], aggregationLength: 16 }),
    pools,
    null,
  ],
  [
    'a wide aggregate of IPv6',
    ask('BGPAdvertisement', { aggregationLengthV6: 48 }),
    pools,
    /aggregationLengthV6/,
  ],
  [
    'a range judged by its largest block',
    ask('BGPAdvertisement', { aggregationLength: 26 }),
    { IPAddressPool: [object('p', cidr('3.3.3.2-3.3.3.254'))] },
    null,
  ],
  [
    'a range of which no block is large enough',
    ask('BGPAdvertisement', { aggregationLength: 24 }),
    { IPAddressPool: [object('p', cidr('3.3.3.2-3.3.3.254'))] },
    /write 26 or more/,
  ],
  [
    'a pool named twice',
    ask('BGPAdvertisement', { ipAddressPools: ['p', 'p'] }),
    pools,
    /ipAddressPools\[1\]/,
  ],
  [
    'a value twice in a selector',
    ask('BGPAdvertisement', {
      nodeSelectors: [{ matchExpressions: [{ key: 'a', operator: 'In', values: ['1', '1'] }] }],
    }),
    pools,
    /nodeSelectors\[0\]\.matchExpressions\[0\]\.values\[1\]: stands in the list twice/,
  ],
  [
    'a community that is none',
    ask('BGPAdvertisement', { communities: ['1:70000'] }),
    {},
    /"1:70000" is no community/,
  ],
  ['an alias that nobody knows yet', ask('BGPAdvertisement', { communities: ['later'] }), {}, null],
  ['a large community', ask('BGPAdvertisement', { communities: ['large:1:2:3'] }), {}, null],
  [
    'an aggregate for some Services',
    ask('BGPAdvertisement', { aggregationLength: 24, serviceSelectors: [{}] }),
    {},
    /serviceSelectors/,
  ],
  [
    'a twin',
    ask('BGPAdvertisement', { peers: ['a'] }),
    { BGPAdvertisement: [object('b', { peers: ['a'] })] },
    /"b" says exactly the same/,
  ],
  [
    'a community',
    ask('Community', { communities: [{ name: 'b', value: '64512:1' }] }),
    communities,
    null,
  ],
  [
    'a name that is taken',
    ask('Community', { communities: [{ name: 'a', value: '1:2' }] }),
    communities,
    /Community "c" names "a" too/,
  ],
  [
    'a name twice',
    ask('Community', {
      communities: [
        { name: 'b', value: '1:2' },
        { name: 'b', value: '1:2' },
      ],
    }),
    {},
    /"b" too/,
  ],
  [
    'a value that is none',
    ask('Community', { communities: [{ name: 'b', value: '64512' }] }),
    {},
    /"64512" is no community/,
  ],
  ['a profile', ask('BFDProfile', { receiveInterval: 10 }), {}, null],
  [
    'a profile in use',
    ask('BFDProfile', null, { operation: 'DELETE', name: 'fast', object: null }),
    { BGPPeer: [object('p', { bfdProfile: 'fast' }), object('q', {})] },
    /"fast" is used by BGPPeer "p": change or delete that first/,
  ],
  [
    'a profile that nobody uses',
    ask('BFDProfile', null, { operation: 'DELETE', object: null }),
    {},
    null,
  ],
]

describe('admission of what belongs to BGP', () => judged(rows))
