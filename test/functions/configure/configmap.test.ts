import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { configure } from '../../../functions/configure/configure.ts'
import type { Configuration } from '../../../functions/model/configuration.ts'
import { configMap } from '../../support/objects.ts'

/** As the articles of 2019 have it. */
const ARTICLE = `address-pools:
- name: my-ip-space
  protocol: layer2
  addresses:
  - 192.168.50.211-192.168.50.220
`

const judge = (yaml: string, previous: Configuration | null = null) =>
  configure([configMap(yaml)], previous)

const pool = (more: string, name = 'a') =>
  `address-pools:\n- name: ${name}\n  protocol: layer2\n  addresses: [10.0.0.0/24]\n${more}`

describe('the v0.7 ConfigMap', () => {
  test('of the article gives one pool, announced from everywhere', () => {
    const { configuration, faults } = judge(ARTICLE)
    assert.deepEqual(faults, [])
    assert.equal(configuration.source, 'configmap')
    assert.deepEqual(configuration.pools, [
      {
        name: 'my-ip-space',
        addresses: ['192.168.50.211-192.168.50.220'],
        autoAssign: true,
        avoidBuggyIPs: false,
        serviceAllocation: null,
        labels: {},
        annotations: {},
      },
    ])
    assert.deepEqual(
      configuration.advertisements.map(one => [one.name, one.pools, one.nodeSelectors]),
      [['my-ip-space', ['my-ip-space'], []]],
    )
  })

  const good: [string, string, (pools: Configuration['pools']) => unknown, unknown][] = [
    ['auto-assign: false', pool('  auto-assign: false\n'), ([one]) => one?.autoAssign, false],
    ['auto-assign: no (YAML 1.1)', pool('  auto-assign: no\n'), ([one]) => one?.autoAssign, false],
    ['avoid-buggy-ips: true', pool('  avoid-buggy-ips: true\n'), ([p]) => p?.avoidBuggyIPs, true],
    ['an unquoted name that YAML 1.1 takes for false', pool('', 'no'), ([p]) => p?.name, 'no'],
    ['a quoted name', pool('', '"a b"'), ([one]) => one?.name, 'a b'],
    [
      'JSON, which is YAML',
      '{"address-pools":[{"name":"a","protocol":"layer2","addresses":["10.0.0.0/24"]}]}',
      p => p.length,
      1,
    ],
    ['a document marker and comments', `---\n# pools\n${ARTICLE}`, pools => pools.length, 1],
    [
      'Windows line ends',
      ARTICLE.replaceAll('\n', '\r\n'),
      ([p]) => p?.addresses,
      ['192.168.50.211-192.168.50.220'],
    ],
    [
      'spaces around the dash',
      ARTICLE.replace('211-', '211 - '),
      ([p]) => p?.addresses,
      ['192.168.50.211 - 192.168.50.220'],
    ],
    [
      'several pools, sorted by name',
      `${pool('', 'b')}- name: a\n  protocol: layer2\n  addresses: [10.1.0.0/24]\n`,
      p => p.map(one => one.name),
      ['a', 'b'],
    ],
    [
      'an IPv6 pool',
      ARTICLE.replace('192.168.50.211-192.168.50.220', '2001:db8::/64'),
      p => p.length,
      1,
    ],
  ]
  for (const [what, yaml, pick, expected] of good) {
    test(`takes ${what}`, () => {
      const { configuration, faults } = judge(yaml)
      assert.deepEqual(faults, [])
      assert.deepEqual(pick(configuration.pools), expected)
    })
  }

  test('a pool of protocol bgp beside one of layer2 gives addresses, and only the other is announced', () => {
    const { configuration, faults } = judge(`peers:
- my-asn: 64512
  peer-asn: 64513
  peer-address: 10.0.0.1
  hold-time: 120s
  node-selectors:
  - match-labels: {rack: a}
    match-expressions:
    - {key: zone, operator: In, values: [x, y]}
bgp-communities:
  no-advertise: 65535:65282
address-pools:
- name: lan
  protocol: layer2
  addresses: [10.0.0.0/24]
- name: routed
  protocol: bgp
  addresses: [198.51.100.0/24]
  bgp-advertisements:
  - aggregation-length: 32
    localpref: 100
    communities: [no-advertise, "64512:1"]
`)
    assert.deepEqual(faults, [])
    assert.deepEqual(
      configuration.pools.map(one => one.name),
      ['lan', 'routed'],
    )
    assert.deepEqual(
      configuration.advertisements.map(one => one.name),
      ['lan'],
    )
  })

  const bad: [string, string, RegExp][] = [
    ['text that is no YAML', 'address-pools: [', /line 1/],
    ['prose', 'please give me addresses', /not a map/],
    ['a tab as indentation', 'address-pools:\n\t- name: a\n', /tab/],
    ['two documents', `${ARTICLE}---\n${ARTICLE}`, /second document/],
    ['nothing', '', /no address-pools/],
    [
      'an unknown key at the top',
      `${ARTICLE}adress-pools: []\n`,
      /"adress-pools" is not known here/,
    ],
    [
      'a key with a line break in it, on one line',
      `"\\raddress-pools": a\n`,
      /"\\u000daddress-pools" is not known here/,
    ],
    ['an unknown key in a pool', pool('  autoassign: true\n'), /"autoassign" is not known here/],
    ['a duplicate key at the top', `${ARTICLE}${ARTICLE}`, /"address-pools" stands twice/],
    ['a duplicate key in a pool', pool('  name: b\n'), /"name" stands twice/],
    [
      'a missing protocol',
      ARTICLE.replace('  protocol: layer2\n', ''),
      /no protocol: write protocol: layer2/,
    ],
    ['an unknown protocol', ARTICLE.replace('layer2', 'l2'), /"l2" is no protocol/],
    ['a missing name', ARTICLE.replace('- name: my-ip-space\n  protocol', '- protocol'), /no name/],
    [
      'a name of two lines',
      ARTICLE.replace('my-ip-space', '"my\\nspace"'),
      /is no name: write one/,
    ],
    ['no addresses', 'address-pools:\n- name: a\n  protocol: layer2\n', /no addresses/],
    [
      'an empty list of addresses',
      'address-pools:\n- name: a\n  protocol: layer2\n  addresses: []\n',
      /no addresses/,
    ],
    [
      'addresses that are no list',
      ARTICLE.replace(/addresses:\n {2}- /, 'addresses: '),
      /not a list/,
    ],
    ['a bare address', ARTICLE.replace('-192.168.50.220', ''), /write 192\.168\.50\.211\/32/],
    [
      'a range that ends before it begins',
      ARTICLE.replace('211-192.168.50.220', '220-192.168.50.211'),
      /ends before it begins/,
    ],
    [
      'a range of two families',
      ARTICLE.replace('192.168.50.220', '2001:db8::1'),
      /one range for each family/,
    ],
    [
      'pools that overlap',
      `${pool('')}- name: b\n  protocol: layer2\n  addresses: [10.0.0.128/25]\n`,
      /"10\.0\.0\.128\/25" of pool "b" overlaps "10\.0\.0\.0\/24" of pool "a"/,
    ],
    [
      'entries of one pool that overlap',
      pool('').replace('[10.0.0.0/24]', '[10.0.0.0/24, 10.0.0.5-10.0.0.6]'),
      /overlaps/,
    ],
    [
      'two pools of one name',
      `${pool('')}- name: a\n  protocol: layer2\n  addresses: [10.1.0.0/24]\n`,
      /another pool is named "a"/,
    ],
    ['a flag that is text', pool('  auto-assign: "maybe"\n'), /neither true nor false/],
    [
      'bgp-advertisements on a layer2 pool',
      pool('  bgp-advertisements:\n  - localpref: 1\n'),
      /layer2 pool cannot have bgp-advertisements/,
    ],
    [
      'a hold-time without a unit',
      `peers:\n- {my-asn: 1, peer-asn: 2, peer-address: 10.0.0.1, hold-time: 120}\n${ARTICLE}`,
      /no duration/,
    ],
    [
      'a peer without ASN',
      `peers:\n- {peer-asn: 2, peer-address: 10.0.0.1}\n${ARTICLE}`,
      /no my-asn/,
    ],
    [
      'an aggregate beyond the pool',
      pool('  bgp-advertisements: [{aggregation-length: 16}]\n').replace('layer2', 'bgp'),
      /16 is shorter than a prefix of this pool/,
    ],
    [
      'an invalid selector operator',
      `peers:\n- {my-asn: 1, peer-asn: 2, peer-address: 10.0.0.1, node-selectors: [{match-expressions: [{key: a, operator: Is}]}]}\n${ARTICLE}`,
      /"Is" is no operator/,
    ],
  ]
  for (const [what, yaml, message] of bad) {
    test(`refuses ${what}, and keeps what was in force`, () => {
      const before = judge(ARTICLE).configuration
      const { configuration, faults } = judge(yaml, before)
      assert.equal(configuration, before)
      assert.equal(faults.length, 1)
      assert.match(faults[0]?.message ?? '', message)
    })
  }

  test('without the key "config" says which keys there are', () => {
    const { faults } = configure([configMap(null, ['config.yaml'])], null)
    assert.match(faults[0]?.message ?? '', /no key "config" \(its keys are "config\.yaml"\)/)
  })

  test('says every mistake at once', () => {
    const { faults } = judge('address-pools:\n- name: a\n  protocol: x\n  addresses: [y]\n  z: 1\n')
    assert.match(faults[0]?.message ?? '', /3 mistakes: .*"x".*"y".*/)
  })

  test('survives ten thousand levels of nesting and aliases of aliases', () => {
    assert.match(judge('- '.repeat(10_000)).faults[0]?.message ?? '', /nesting/)
    const bomb = `a: &a [x, x]\nb: &b [*a, *a]\naddress-pools: [*b, *b]\n`
    assert.equal(judge(bomb).faults.length, 1)
  })
})
