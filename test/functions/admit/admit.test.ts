import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { consulted } from '../../../functions/admit/admit.ts'
import { configure } from '../../../functions/configure/configure.ts'
import { ask, cidr, judged, object, pools, type Row, say } from '../../support/admission.ts'
import { poolObject } from '../../support/objects.ts'

const map = {
  metadata: { name: 'config' },
  data: { config: 'address-pools: [{name: m, protocol: layer2, addresses: [10.1.0.0/24]}]' },
}

const rows: readonly Row[] = [
  ['a pool', ask('IPAddressPool', cidr('10.1.0.0/24')), pools, null],
  ['a pool beside itself', ask('IPAddressPool', cidr('10.0.0.0/25'), { name: 'p' }), pools, null],
  ['a pool without addresses', ask('IPAddressPool', cidr()), {}, /no addresses/],
  [
    'two mistakes',
    ask('IPAddressPool', cidr('x', '1.2.3.4')),
    {},
    /^2 mistakes: .*"x".*1\.2\.3\.4\/32$/,
  ],
  [
    'a pool that overlaps',
    ask('IPAddressPool', cidr('10.0.0.9/32')),
    pools,
    /overlaps "10\.0\.0\.0\/24" of pool "p"/,
  ],
  [
    'a pool beside a ConfigMap',
    ask('IPAddressPool', cidr('10.0.0.0/24')),
    { ConfigMap: [map] },
    /two sources of configuration.*delete the ConfigMap or all/,
  ],
  [
    'a ConfigMap beside a pool',
    ask('ConfigMap', null, { name: 'config', object: map }),
    pools,
    /two sources/,
  ],
  ['a ConfigMap', ask('ConfigMap', null, { name: 'config', object: map }), {}, null],
  [
    'a ConfigMap of others',
    ask('ConfigMap', null, { name: 'x', object: { data: { config: '[' } } }),
    {},
    null,
  ],
  [
    'a ConfigMap that is no YAML',
    ask('ConfigMap', null, { name: 'config', object: { data: { config: '[' } } }),
    {},
    /line 1/,
  ],
  ['an advertisement', ask('L2Advertisement', {}), {}, null],
  [
    'an advertisement with a bad interface',
    ask('L2Advertisement', { interfaces: ['a b'] }),
    {},
    /interface/,
  ],
  [
    'a pool in another namespace',
    ask('IPAddressPool', cidr('10.1.0.0/24'), { namespace: 'web' }),
    {},
    /must be created in namespace "metallb-system"/,
  ],
  [
    'a change in another namespace',
    ask('IPAddressPool', cidr(), { namespace: 'web', operation: 'UPDATE' }),
    {},
    null,
  ],
  ['a deletion', ask('IPAddressPool', null, { operation: 'DELETE', object: null }), {}, null],
  [
    'a bad pool that gets a label',
    ask('IPAddressPool', null, {
      operation: 'UPDATE',
      object: object('new', cidr('x'), { labels: { a: 'b' } }),
      oldObject: object('new', cidr('x')),
    }),
    {},
    null,
  ],
  [
    'a good pool that gets a bad annotation',
    ask('IPAddressPool', null, {
      operation: 'UPDATE',
      object: object('new', cidr('10.0.0.0/24'), {
        annotations: { 'herald.io/cool-down': 'soon' },
      }),
      oldObject: object('new', cidr('10.0.0.0/24')),
    }),
    {},
    /herald\.io\/cool-down/,
  ],
  [
    'a bad pool on its way out',
    ask('IPAddressPool', null, {
      operation: 'UPDATE',
      object: object('new', cidr('y'), { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      oldObject: object('new', cidr('x')),
    }),
    {},
    null,
  ],
  ['a kind of others', ask('Widget', { addresses: [] }, { namespace: 'web' }), {}, null],
]

describe('admission', () => {
  judged(rows)

  test('of two pools applied together the second is refused, whatever their names and whatever is in force', () => {
    const stored = { IPAddressPool: [object('z', cidr('10.0.0.0/24'))] }
    assert.match(
      say(ask('IPAddressPool', cidr('10.0.0.0/25'), { name: 'a' }), stored) ?? '',
      /overlaps/,
    )
  })

  test('a pool whose new version is refused keeps its addresses: another may not take them', () => {
    const inForce = configure([poolObject('p', cidr('10.0.0.0/24'))], null).configuration
    const stored = { IPAddressPool: [object('p', cidr('prose'))] }
    const told = say(ask('IPAddressPool', cidr('10.0.0.0/25')), stored, { inForce })
    assert.match(told ?? '', /which stays in force because its new version is refused/)
  })

  test('says of an object what its event would say', () => {
    const spec = cidr('10.0.0.9-10.0.0.1', '10.0.0.0/33')
    const { faults } = configure([poolObject('new', spec)], null)
    const told = say(ask('IPAddressPool', spec))
    assert.equal(
      faults[0]?.message,
      `${told}. This pool is not in force, since it has no good version yet.`,
    )
  })

  test('any review is answered without a crash, and refused exactly when the parser refuses', () => {
    const spec = fc.oneof(
      fc.jsonValue(),
      fc.record({
        addresses: fc.array(
          fc.oneof(fc.string(), fc.constantFrom('10.0.0.0/24', '10.0.1.1-10.0.1.2')),
        ),
      }),
    )
    fc.assert(
      fc.property(spec, given => {
        const told = say(ask('IPAddressPool', given))
        const { faults } = configure([poolObject('new', given)], null)
        assert.equal(told !== null, faults.length > 0)
        for (const kind of [
          'L2Advertisement',
          'BGPPeer',
          'BGPAdvertisement',
          'Community',
          'BFDProfile',
        ]) {
          const question = ask(kind, given)
          say(
            question,
            Object.fromEntries(consulted(question).map(one => [one, [object('o', given)]])),
          )
        }
        say(ask('ConfigMap', null, { name: 'config', object: given }))
      }),
      { numRuns: 500 },
    )
  })
})
