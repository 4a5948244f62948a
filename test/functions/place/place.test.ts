import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Advertisement, Configuration } from '../../../functions/model/configuration.ts'
import { type Announcer, EXCLUDE_LABEL, type Node } from '../../../functions/model/node.ts'
import { lapsed } from '../../../functions/place/lapsed.ts'
import { BACK_AFTER_MS, isBack, type Member, place } from '../../../functions/place/place.ts'
import { aPool } from '../../support/claims.ts'
import { aConfiguration, aService } from '../../support/services.ts'

const node = (name: string, more: Partial<Node> = {}): Node => ({
  name,
  uid: name,
  resourceVersion: '1',
  labels: { 'kubernetes.io/hostname': name },
  networkUnavailable: false,
  addresses: [],
  ...more,
})
/** Each interface by its name and what is configured on it. */
const announcer = (name: string, ...interfaces: string[]): Announcer => ({
  node: name,
  session: 's',
  epoch: 0,
  hears: [],
  interfaces: interfaces.map(text => {
    const [name = '', ...prefixes] = text.split(' ')
    return { name, mac: '02:00:00:00:00:01', prefixes }
  }),
})
const blue = aPool('blue', ['10.0.0.0/24'])
const advertising = (...some: Partial<Advertisement>[]): Configuration => {
  const base = aConfiguration(blue)
  const [all] = base.advertisements
  return { ...base, advertisements: some.map(one => ({ ...(all as Advertisement), ...one })) }
}
const web = (more: Partial<Member> = {}): Member => ({
  service: aService('web'),
  endpoints: { any: true, nodes: ['b'] },
  addresses: ['10.0.0.1'],
  pool: 'blue',
  ...more,
})
const local = aService('web', { externalTrafficPolicy: 'Local' })
const three = [node('a'), node('b'), node('c')]

function told(
  members: Member[],
  configuration: Configuration,
  nodes = three,
  announcers: Announcer[] = [],
  drained: string[] = [],
) {
  const { candidates } = place(members, { configuration, nodes, announcers, drained })
  return candidates
    .map(
      one =>
        `${one.node}${one.weight ? `*${one.weight}` : ''}${one.interfaces ? `(${one.interfaces})` : ''}`,
    )
    .join(' ')
}

describe('place', () => {
  const hostname = (name: string) => ({ matchLabels: { 'kubernetes.io/hostname': name } })
  const ipv6 = { addresses: ['2001:db8::1'] }
  const both = { addresses: ['10.0.0.1', '2001:db8::1'] }
  const announcers = [
    announcer('a', 'eth0'),
    announcer('b', 'eth0 fe80::1/64', 'eth1'),
    announcer('c', 'eth0', 'eth1 fe80::2/64'),
  ]
  const rows: [string, string, string][] = [
    ['every node may serve under policy Cluster', told([web()], advertising({})), 'a b c'],
    ['a drained one not', told([web()], advertising({}), three, [], ['b']), 'a c'],
    [
      'a drained one all the same where nobody else may',
      told([web({ service: local })], advertising({}), three, [], ['b']),
      'b',
    ],
    [
      'only nodes with an endpoint under policy Local',
      told([web({ service: local })], advertising({})),
      'b',
    ],
    [
      'nobody without an endpoint that can serve',
      told([web({ endpoints: { any: false, nodes: [] } })], advertising({})),
      '',
    ],
    ['nobody before endpoints are known', told([web({ endpoints: null })], advertising({})), ''],
    ['nobody without an advertisement', told([web()], advertising()), ''],
    [
      'nobody when the advertisement is for other pools',
      told([web()], advertising({ pools: ['red'] })),
      '',
    ],
    [
      'pools are found by selector',
      told([web()], {
        ...advertising({ poolSelectors: [{ matchLabels: { zone: 'x' } }] }),
        pools: [{ ...blue, labels: { zone: 'x' } }],
      }),
      'a b c',
    ],
    [
      'excluded nodes serve nothing',
      told([web()], advertising({}), [node('a', { labels: { [EXCLUDE_LABEL]: '' } }), node('b')]),
      'b',
    ],
    [
      'nodes without a network serve nothing',
      told([web()], advertising({}), [node('a', { networkUnavailable: true }), node('b')]),
      'b',
    ],
    [
      'node selectors restrict',
      told([web()], advertising({ nodeSelectors: [hostname('c')] })),
      'c',
    ],
    [
      'advertisements add up',
      told(
        [web()],
        advertising({ nodeSelectors: [hostname('c')] }, { nodeSelectors: [hostname('a')] }),
      ),
      'a c',
    ],
    [
      'preferred nodes come first',
      told([web()], advertising({ preferredNodes: [{ weight: 10, preference: hostname('c') }] })),
      'c*10 a b',
    ],
    [
      'interfaces are those of the advertisements that cover the node',
      told([web()], advertising({ interfaces: ['eth1', 'eth0'] })),
      'a(eth0,eth1) b(eth0,eth1) c(eth0,eth1)',
    ],
    [
      'one advertisement without interfaces means all',
      told([web()], advertising({ interfaces: ['eth1'] }, {})),
      'a b c',
    ],
    [
      'a node that has none of the interfaces is passed by',
      told([web()], advertising({ interfaces: ['eth1'] }), three, [
        announcer('a', 'eth0'),
        announcer('b', 'eth1'),
      ]),
      'b(eth1) c(eth1)',
    ],
    [
      'a node without any interface is passed by',
      told([web()], advertising({}), three, [announcer('a')]),
      'b c',
    ],
    [
      'IPv6 needs an interface with a link-local address, among those asked for',
      told([web(ipv6)], advertising({}), three, announcers),
      'b c',
    ],
    [
      'and none of the others will do',
      told([web(ipv6)], advertising({ interfaces: ['eth1'] }), three, announcers),
      'c(eth1)',
    ],
    [
      'of a Service of both families too',
      told([web(both)], advertising({}), three, announcers),
      'b c',
    ],
    [
      'but where no node has one, its IPv4 address is announced',
      told([web(both)], advertising({}), [node('a')], announcers),
      'a',
    ],
    [
      'and an IPv6 address by nobody',
      told([web(ipv6)], advertising({}), [node('a')], announcers),
      '',
    ],
    [
      'Services that share need a node that may serve all',
      told([web(), web({ service: local })], advertising({})),
      'b',
    ],
    ['nobody for a group that no Service holds', told([], advertising({})), ''],
    [
      'service selectors restrict',
      told([web()], advertising({ serviceSelectors: [{ matchLabels: { a: 'b' } }] })),
      '',
    ],
    [
      'sharing excludes service selectors',
      told(
        [
          web({
            service: aService('web', {
              labels: { a: 'b' },
              annotations: { 'metallb.io/allow-shared-ip': 'k' },
            }),
          }),
        ],
        advertising({ serviceSelectors: [{ matchLabels: { a: 'b' } }] }),
      ),
      '',
    ],
  ]
  for (const [name, found, expected] of rows) test(name, () => assert.equal(found, expected))
})

describe('lapsed', () => {
  const judge = (
    leases: [string, number][],
    sinceMs: number | null = 0,
    hears: [string, string[]][] = [],
  ) =>
    lapsed({
      leases: new Map(leases),
      nowMs: 100_000,
      sinceMs,
      hears: new Map(hears),
    }).join()
  const rows: [string, string, string][] = [
    [
      'a lease that runs is not lost',
      judge([
        ['a', 101_000],
        ['b', 104_000],
      ]),
      '',
    ],
    [
      'a lease that ended while another renewed is lost',
      judge([
        ['a', 98_000],
        ['b', 104_000],
      ]),
      'a',
    ],
    [
      'a lease that ended is not lost while a living node hears the node on the LAN',
      judge(
        [
          ['a', 98_000],
          ['b', 104_000],
        ],
        0,
        [['b', ['a']]],
      ),
      '',
    ],
    [
      'what a node said that has lost its own lease does not count',
      judge(
        [
          ['a', 97_000],
          ['b', 97_000],
          ['c', 104_000],
        ],
        0,
        [['b', ['a']]],
      ),
      'a,b',
    ],
    [
      'none is lost when nobody renews',
      judge([
        ['a', 98_000],
        ['b', 99_000],
      ]),
      '',
    ],
    [
      'none is lost when no other has renewed since it ended',
      judge([
        ['a', 99_900],
        ['b', 104_800],
      ]),
      '',
    ],
    [
      'none is lost while Redis is younger than two lease times',
      judge(
        [
          ['a', 98_000],
          ['b', 104_000],
        ],
        91_000,
      ),
      '',
    ],
    [
      'none is lost while the age of Redis is unknown',
      judge(
        [
          ['a', 98_000],
          ['b', 104_000],
        ],
        null,
      ),
      '',
    ],
    ['a node never heard of is not lost', judge([]), ''],
  ]
  for (const [name, found, expected] of rows) test(name, () => assert.equal(found, expected))
})

describe('who handed over in a planned stop is back', () => {
  const rows: [string, Partial<Announcer>, boolean][] = [
    ['once it has run for a minute', { upMs: BACK_AFTER_MS }, true],
    ['not before', { upMs: BACK_AFTER_MS - 1 }, false],
    ['not while it is of a version that does not say how long it has run', {}, false],
  ]
  for (const [name, more, expected] of rows) {
    test(name, () => assert.equal(isBack('a', [{ ...announcer('a'), ...more }]), expected))
  }
})
