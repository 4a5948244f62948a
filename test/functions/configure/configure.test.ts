import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { configure } from '../../../functions/configure/configure.ts'
import type { Configuration, ConfigurationObject } from '../../../functions/model/configuration.ts'
import { advertisementObject, configMap, poolObject } from '../../support/objects.ts'

const cidr = (...addresses: string[]) => ({ addresses })
const oneOf = (...values: string[]) => ({
  matchExpressions: [{ key: 'k', operator: 'In', values }],
})
const names = ({ configuration }: { configuration: Configuration }) =>
  configuration.pools.map(pool => `${pool.name} ${pool.addresses.join('+')}`)
const messages = (objects: readonly ConfigurationObject[], previous: Configuration | null = null) =>
  Object.fromEntries(
    configure(objects, previous).faults.map(({ kind, name, message }) => [
      `${kind}/${name}`,
      message,
    ]),
  )

describe('configure', () => {
  test('nothing at all is a configuration without pools', () => {
    assert.deepEqual(configure([], null), {
      configuration: { source: 'none', pools: [], advertisements: [] },
      faults: [],
    })
  })

  test('a pool has the defaults of the CRD', () => {
    const { configuration, faults } = configure([poolObject('a', cidr('10.0.0.0/24'))], null)
    assert.deepEqual(faults, [])
    assert.deepEqual(configuration.pools[0], {
      name: 'a',
      addresses: ['10.0.0.0/24'],
      autoAssign: true,
      avoidBuggyIPs: false,
      serviceAllocation: null,
      labels: {},
      annotations: {},
    })
  })

  test('serviceAllocation is taken to the field; an empty one is there all the same', () => {
    const serviceAllocation = {
      priority: 50,
      namespaces: ['a'],
      namespaceSelectors: [{ matchLabels: { team: 'x' } }],
      serviceSelectors: [{ matchExpressions: [{ key: 'tier', operator: 'In', values: ['gold'] }] }],
    }
    const { configuration } = configure(
      [
        poolObject('a', { addresses: ['10.0.0.0/24'], serviceAllocation }),
        poolObject('b', { addresses: ['10.1.0.0/24'], serviceAllocation: {} }),
      ],
      null,
    )
    assert.deepEqual(configuration.pools[0]?.serviceAllocation, serviceAllocation)
    assert.deepEqual(configuration.pools[1]?.serviceAllocation, {
      priority: 0,
      namespaces: [],
      namespaceSelectors: [],
      serviceSelectors: [],
    })
  })

  const bad: [string, unknown, RegExp][] = [
    ['without spec', null, /no addresses/],
    ['with an empty list', cidr(), /no addresses/],
    ['with a bare address', cidr('10.0.0.1'), /spec\.addresses\[0\]: .*write 10\.0\.0\.1\/32/],
    ['with a reversed range', cidr('10.0.0.9-10.0.0.1'), /ends before it begins/],
    ['with a range of two families', cidr('10.0.0.1-2001:db8::1'), /one range for each family/],
    ['with prose', cidr('all of them'), /neither a range nor a CIDR/],
    ['with a prefix that is too long', cidr('10.0.0.0/33'), /beyond IPv4/],
    ['with leading space', cidr(' 10.0.0.0/8'), /spaces around it/],
    ['with a zone', cidr('fe80::1%eth0/64'), /neither/],
    ['whose entries overlap', cidr('10.0.0.0/24', '10.0.0.7-10.0.0.9'), /overlaps/],
    ['whose entries are equal', cidr('10.0.0.0/24', '10.0.0.0/24'), /overlaps/],
    [
      'with a selector that has no operator',
      {
        addresses: ['10.0.0.0/24'],
        serviceAllocation: { serviceSelectors: [{ matchExpressions: [{ key: 'a' }] }] },
      },
      /operator is missing/,
    ],
    [
      'with In and no values',
      {
        addresses: ['10.0.0.0/24'],
        serviceAllocation: {
          namespaceSelectors: [{ matchExpressions: [{ key: 'a', operator: 'In' }] }],
        },
      },
      /In needs values/,
    ],
    [
      'with a namespace twice',
      { addresses: ['10.0.0.0/24'], serviceAllocation: { namespaces: ['a', 'b', 'a'] } },
      /namespaces\[2\]: stands in the list twice/,
    ],
    [
      'with a selector of namespaces twice, whatever the order of its values',
      {
        addresses: ['10.0.0.0/24'],
        serviceAllocation: { namespaceSelectors: [oneOf('a', 'b'), oneOf('b', 'a')] },
      },
      /namespaceSelectors\[1\]: stands in the list twice/,
    ],
    [
      'with a value twice in a selector of Services',
      {
        addresses: ['10.0.0.0/24'],
        serviceAllocation: { serviceSelectors: [oneOf('a', 'a')] },
      },
      /serviceSelectors\[0\]\.matchExpressions\[0\]\.values\[1\]: stands in the list twice/,
    ],
  ]
  for (const [what, spec, message] of bad) {
    test(`refuses a pool ${what}; its last good version and the other pools stay in force`, () => {
      const other = poolObject('other', cidr('10.9.0.0/24'))
      const before = configure([poolObject('a', cidr('10.5.0.0/24')), other], null).configuration
      const now = configure([poolObject('a', spec), other], before)
      assert.deepEqual(names(now), ['a 10.5.0.0/24', 'other 10.9.0.0/24'])
      assert.deepEqual(
        now.faults.map(one => one.name),
        ['a'],
      )
      assert.match(now.faults[0]?.message ?? '', message)
      assert.match(now.faults[0]?.message ?? '', /last good version of this pool stays in force/)
      assert.match(messages([poolObject('a', spec)])['IPAddressPool/a'] ?? '', /not in force/)
    })
  }

  test('of two new pools that overlap the later name is refused', () => {
    const judged = configure(
      [poolObject('b', cidr('10.0.0.0/25')), poolObject('a', cidr('10.0.0.0/24'))],
      null,
    )
    assert.deepEqual(names(judged), ['a 10.0.0.0/24'])
    assert.match(
      judged.faults[0]?.message ?? '',
      /"10\.0\.0\.0\/25" of pool "b" overlaps "10\.0\.0\.0\/24" of pool "a"/,
    )
  })

  test('a newcomer never displaces what is in force, whatever its name', () => {
    const old = poolObject('z', cidr('10.0.0.0/24'))
    const before = configure([old], null).configuration
    const now = configure([old, poolObject('a', cidr('10.0.0.0/16'))], before)
    assert.deepEqual(names(now), ['z 10.0.0.0/24'])
    assert.deepEqual(
      now.faults.map(one => one.name),
      ['a'],
    )
  })

  test('a pool that grows into another keeps its old range', () => {
    const before = configure(
      [poolObject('a', cidr('10.0.0.0/24')), poolObject('b', cidr('10.0.1.0/24'))],
      null,
    ).configuration
    const now = configure(
      [poolObject('a', cidr('10.0.0.0/23')), poolObject('b', cidr('10.0.1.0/24'))],
      before,
    )
    assert.deepEqual(names(now), ['a 10.0.0.0/24', 'b 10.0.1.0/24'])
  })

  test('a range moves from one pool to another in one step', () => {
    const before = configure([poolObject('a', cidr('10.0.0.0/24'))], null).configuration
    const now = configure([poolObject('b', cidr('10.0.0.0/24'))], before)
    assert.deepEqual(names(now), ['b 10.0.0.0/24'])
    assert.deepEqual(now.faults, [])
  })

  test('a pool that was deleted is gone, also when its last version was refused', () => {
    const before = configure([poolObject('a', cidr('10.0.0.0/24'))], null).configuration
    assert.deepEqual(names(configure([advertisementObject('x')], before)), [])
  })

  test('both sources at once: neither is obeyed, each object says so, and what was in force stays', () => {
    const map = configMap('address-pools: [{name: m, protocol: layer2, addresses: [10.1.0.0/24]}]')
    const before = configure([map], null).configuration
    const now = configure([map, poolObject('a', cidr('10.0.0.0/24'))], before)
    assert.equal(now.configuration, before)
    assert.deepEqual(
      now.faults.map(one => `${one.kind}/${one.name}`),
      ['ConfigMap/config', 'IPAddressPool/a'],
    )
    assert.match(
      now.faults[0]?.message ?? '',
      /two sources.*delete the ConfigMap or all of the metallb\.io objects/s,
    )
  })

  test('an advertisement without spec means everything', () => {
    const { configuration, faults } = configure([advertisementObject('all')], null)
    assert.deepEqual(faults, [])
    assert.deepEqual(configuration.advertisements, [
      {
        name: 'all',
        pools: [],
        poolSelectors: [],
        nodeSelectors: [],
        interfaces: [],
        serviceSelectors: [],
        preferredNodes: [],
      },
    ])
  })

  test('an advertisement is taken to the field', () => {
    const spec = {
      ipAddressPools: ['a'],
      ipAddressPoolSelectors: [{ matchLabels: { net: 'lan' } }],
      nodeSelectors: [{ matchLabels: { rack: '1' } }],
      interfaces: ['eth0'],
      serviceSelectors: [{ matchLabels: { app: 'web' } }],
      preferredNodeSelectors: [{ weight: 10, preference: { matchLabels: { fast: 'yes' } } }],
    }
    const { configuration, faults } = configure([advertisementObject('l2', spec)], null)
    assert.deepEqual(faults, [])
    assert.deepEqual(configuration.advertisements[0], {
      name: 'l2',
      pools: ['a'],
      poolSelectors: spec.ipAddressPoolSelectors,
      nodeSelectors: spec.nodeSelectors,
      interfaces: ['eth0'],
      serviceSelectors: spec.serviceSelectors,
      preferredNodes: spec.preferredNodeSelectors,
    })
  })

  const badAdvertisements: [string, unknown, RegExp][] = [
    ['weight 0', { preferredNodeSelectors: [{ weight: 0, preference: {} }] }, /from 1 to 100/],
    ['no preference', { preferredNodeSelectors: [{ weight: 1 }] }, /"preference" is missing/],
    ['an impossible interface', { interfaces: ['eth 0'] }, /cannot be the name of an interface/],
    [
      'an unknown operator',
      { nodeSelectors: [{ matchExpressions: [{ key: 'a', operator: 'Gt', values: ['1'] }] }] },
      /"Gt" is no operator/,
    ],
    [
      'a pool twice',
      { ipAddressPools: ['a', 'a'] },
      /ipAddressPools\[1\]: stands in the list twice/,
    ],
    [
      'a selector of pools twice',
      { ipAddressPoolSelectors: [{ matchLabels: { a: '1' } }, { matchLabels: { a: '1' } }] },
      /ipAddressPoolSelectors\[1\]: stands in the list twice/,
    ],
    [
      'an expression twice in a selector of nodes',
      {
        nodeSelectors: [
          { matchExpressions: [...oneOf('a').matchExpressions, ...oneOf('a').matchExpressions] },
        ],
      },
      /nodeSelectors\[0\]\.matchExpressions\[1\]: stands in the list twice/,
    ],
    [
      'a selector of Services twice',
      { serviceSelectors: [{}, {}] },
      /serviceSelectors\[1\]: stands in the list twice/,
    ],
  ]
  for (const [what, spec, message] of badAdvertisements) {
    test(`refuses an advertisement with ${what}; its last good version stays in force`, () => {
      const before = configure(
        [advertisementObject('l2', { interfaces: ['eth1'] })],
        null,
      ).configuration
      const now = configure([advertisementObject('l2', spec)], before)
      assert.deepEqual(now.configuration.advertisements, before.advertisements)
      assert.match(now.faults[0]?.message ?? '', message)
    })
  }

  const annotated: [string, string, RegExp][] = [
    ['herald.io/exclude', '10.0.0.300', /annotation herald\.io\/exclude: "10\.0\.0\.300"/],
    ['herald.io/namespace-quota', '0', /annotation herald\.io\/namespace-quota: "0" is no quota/],
    ['herald.io/namespace-quota', '2 each', /"2 each" is no quota: write a whole number/],
    ['herald.io/cool-down', 'soon', /annotation herald\.io\/cool-down: "soon" is no duration/],
  ]
  for (const [key, value, message] of annotated) {
    test(`refuses a pool whose ${key} cannot be read`, () => {
      const pool = poolObject('a', cidr('10.0.0.0/24'), { annotations: { [key]: value } })
      assert.match(messages([pool])['IPAddressPool/a'] ?? '', message)
    })
  }

  test('never throws, never answers without either a pool or a reason, and ignores the order of objects', () => {
    const entry = fc.oneof(
      fc.constantFrom(
        '10.0.0.0/24',
        '10.0.0.0/25',
        '10.0.1.0-10.0.1.9',
        '2001:db8::/64',
        '10.0.0.1',
        '::/0',
      ),
      fc.string(),
    )
    const spec = fc.oneof(
      fc.record({ addresses: fc.array(entry, { maxLength: 3 }) }),
      fc.jsonValue(),
    )
    const some = fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), spec), {
      selector: ([name]) => name,
    })
    fc.assert(
      fc.property(some, some, (first, second) => {
        const objects = (from: typeof some extends fc.Arbitrary<infer T> ? T : never) =>
          from.map(([name, one]) => poolObject(name, one))
        const before = configure(objects(first), null).configuration
        const now = configure(objects(second), before)
        assert.deepEqual(configure(objects(second).reverse(), before), now)
        for (const [name] of second) {
          const inForce = now.configuration.pools.some(pool => pool.name === name)
          const refused = now.faults.some(fault => fault.name === name)
          assert.ok(inForce || refused, `nothing was said of pool ${name}`)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('any text in the ConfigMap is taken or refused with a reason', () => {
    const words = fc.constantFrom(
      'address-pools',
      ':',
      '- ',
      'name',
      '\n',
      '  ',
      '{',
      '[',
      '&a',
      '*a',
      'layer2',
      '"',
      '?',
    )
    const yaml = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(words, { maxLength: 60 }).map(list => list.join('')),
    )
    fc.assert(
      fc.property(yaml, text => {
        const { configuration, faults } = configure([configMap(text)], null)
        assert.ok(faults.length === 1 || configuration.pools.length > 0)
      }),
      { numRuns: 1000 },
    )
  })
})
