/** What the parser is fed with: what users write, and what becomes of it under their hands. */
import fc from 'fast-check'
import { stringify } from 'yaml'

const octet = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(256, 999, '01', '', 'x'))
const ipv4 = fc.tuple(octet, octet, octet, octet).map(list => list.join('.'))
const ipv6 = fc.oneof(
  fc.ipV6(),
  fc.constantFrom(
    '::',
    '::1',
    '2001:db8::',
    '::ffff:10.0.0.1',
    '::1.2.3.4',
    'fe80::1%eth0',
    ':::',
    '1::2::3',
  ),
)
const address = fc.oneof({ weight: 3, arbitrary: ipv4 }, ipv6)
const blank = fc.constantFrom('', '', '', ' ', '\t', '\u00a0', '\n')

/** An entry of a pool, or nearly. */
export const entry: fc.Arbitrary<string> = fc.oneof(
  fc
    .tuple(
      blank,
      address,
      blank,
      fc.constantFrom('-', '-', '\u2013', '--', ' '),
      blank,
      address,
      blank,
    )
    .map(list => list.join('')),
  fc
    .tuple(
      blank,
      address,
      fc.constantFrom('/', '/', '//', '\\'),
      fc.oneof(fc.integer({ min: -1, max: 129 }), fc.constantFrom('', '024', '24 ')),
      blank,
    )
    .map(list => list.join('')),
  fc.constantFrom(
    '10.0.0.0/24',
    '10.0.0.128/25',
    '10.0.1.0-10.0.1.9',
    '2001:db8::/64',
    '::/0',
    '0.0.0.0/0',
  ),
  address,
  fc.string({ unit: 'binary' }),
)

const word = fc.constantFrom(
  'a',
  'b',
  'my-ip-space',
  'Default Pool',
  'no',
  '~',
  '',
  '0x10',
  '1e3',
  '\u540d',
  '*',
  '&a',
  '!!str a',
)
const value = fc.oneof(
  word,
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.jsonValue({ maxDepth: 2 }),
)

const seldom = <T>(usual: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 9, arbitrary: usual }, { weight: 1, arbitrary: value })

const advertisement = fc.record(
  {
    'aggregation-length': seldom(fc.integer({ min: 0, max: 40 })),
    'aggregation-length-v6': seldom(fc.integer({ min: 0, max: 140 })),
    localpref: seldom(fc.nat()),
    communities: seldom(
      fc.array(seldom(fc.constantFrom('1:2', '65536:1', 'no-export', 'large:1:2:3')), {
        maxLength: 3,
      }),
    ),
  },
  { requiredKeys: [] },
)
const mapPool = fc.record(
  {
    name: seldom(word),
    protocol: seldom(fc.constantFrom('layer2', 'bgp')),
    addresses: seldom(fc.array(seldom(entry), { maxLength: 4 })),
    'auto-assign': seldom(fc.constantFrom(true, false, 'yes', 'off')),
    'avoid-buggy-ips': seldom(fc.boolean()),
    'bgp-advertisements': seldom(fc.array(seldom(advertisement), { maxLength: 2 })),
    Name: value,
  },
  { requiredKeys: ['name', 'protocol', 'addresses'] },
)
const peer = fc.record(
  {
    'my-asn': seldom(fc.integer({ min: 0, max: 70000 })),
    'peer-asn': seldom(fc.integer({ min: 0, max: 70000 })),
    'peer-address': seldom(address),
    'hold-time': seldom(fc.constantFrom('90s', '1m30s', '120', '1s', '1.5.2s', '-9s', '9h9h')),
    'router-id': seldom(address),
    'node-selectors': seldom(
      fc.array(seldom(fc.constantFrom({ 'match-labels': { a: 'b' } }, {})), { maxLength: 2 }),
    ),
  },
  { requiredKeys: ['my-asn', 'peer-asn', 'peer-address'] },
)
const map = fc.record(
  {
    'address-pools': seldom(fc.array(seldom(mapPool), { maxLength: 3 })),
    peers: seldom(fc.array(seldom(peer), { maxLength: 2 })),
    'bgp-communities': seldom(fc.dictionary(word, seldom(fc.constantFrom('1:2', 'x')))),
    'address-pool': value,
  },
  { requiredKeys: ['address-pools'] },
)

/** One slip of the hand. */
const slip: fc.Arbitrary<(text: string) => string> = fc
  .tuple(
    fc.nat(),
    fc.nat({ max: 40 }),
    fc.constantFrom('cut', 'double', 'put', 'indent', 'pump'),
    fc.oneof(
      fc.constantFrom(
        '\t',
        '  ',
        ':',
        '- ',
        '{',
        ']',
        '"',
        "'",
        '|',
        '#',
        '---\n',
        '\ufeff',
        '\uff1a',
        '<<: *a\n',
        '? ',
      ),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
  )
  .map(([place, length, how, piece]) => text => {
    const at = text.length === 0 ? 0 : place % text.length
    const [before, here, rest] = [
      text.slice(0, at),
      text.slice(at, at + length),
      text.slice(at + length),
    ]
    switch (how) {
      case 'cut':
        return before + rest
      case 'double':
        return before + here + here + rest
      case 'put':
        return before + piece + here + rest
      case 'indent':
        return before + (here + rest).replace('\n', '\n ')
      default:
        return before + here.repeat(length === 0 ? 1 : Math.ceil(4000 / length)) + rest
    }
  })

/** The YAML of a ConfigMap, as it was meant or with a few slips. */
export const yaml: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(map, fc.array(slip, { maxLength: 3 }))
      .map(([content, slips]) => slips.reduce((text, one) => one(text), stringify(content))),
  },
  { weight: 1, arbitrary: map.map(content => JSON.stringify(content)) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
)

const selector = fc.record(
  {
    matchLabels: seldom(fc.dictionary(word, seldom(word))),
    matchExpressions: seldom(
      fc.array(
        seldom(
          fc.record(
            {
              key: seldom(word),
              operator: seldom(fc.constantFrom('In', 'NotIn', 'Exists', 'Gt')),
              values: seldom(fc.array(word, { maxLength: 2 })),
            },
            { requiredKeys: [] },
          ),
        ),
        { maxLength: 2 },
      ),
    ),
  },
  { requiredKeys: [] },
)
const selectors = seldom(fc.array(seldom(selector), { maxLength: 2 }))

export const poolSpec: fc.Arbitrary<unknown> = seldom(
  fc.record(
    {
      addresses: seldom(fc.array(seldom(entry), { maxLength: 4 })),
      autoAssign: seldom(fc.boolean()),
      avoidBuggyIPs: seldom(fc.boolean()),
      serviceAllocation: seldom(
        fc.record(
          {
            priority: seldom(fc.integer()),
            namespaces: seldom(fc.array(word, { maxLength: 2 })),
            namespaceSelectors: selectors,
            serviceSelectors: selectors,
          },
          { requiredKeys: [] },
        ),
      ),
    },
    { requiredKeys: ['addresses'] },
  ),
)

export const advertisementSpec: fc.Arbitrary<unknown> = seldom(
  fc.record(
    {
      ipAddressPools: seldom(fc.array(seldom(word), { maxLength: 2 })),
      ipAddressPoolSelectors: selectors,
      nodeSelectors: selectors,
      serviceSelectors: selectors,
      interfaces: seldom(
        fc.array(seldom(fc.constantFrom('eth0', 'a b', '..', '')), { maxLength: 2 }),
      ),
      preferredNodeSelectors: seldom(
        fc.array(
          seldom(
            fc.record(
              { weight: seldom(fc.integer({ min: 0, max: 101 })), preference: seldom(selector) },
              { requiredKeys: [] },
            ),
          ),
          { maxLength: 2 },
        ),
      ),
    },
    { requiredKeys: [] },
  ),
)

const list = fc.array(entry, { maxLength: 4 }).map(all => all.join(','))
const duration = fc.oneof(
  fc.constantFrom('60s', '0', '5m', 'forever', '1h30m', '-1s', '99999999d', ''),
  fc.string(),
)

export const poolAnnotations: fc.Arbitrary<Record<string, string>> = fc.record(
  { 'herald.io/exclude': list, 'herald.io/cool-down': duration },
  { requiredKeys: [] },
)

const addresses = fc
  .array(
    fc.tuple(blank, address, blank).map(all => all.join('')),
    { maxLength: 4 },
  )
  .map(all => all.join(','))
const long = fc.string({ unit: 'binary' }).map(text => text.repeat(500))

/** What MetalLB and Herald read from a Service. */
export const serviceAnnotations: fc.Arbitrary<Record<string, string>> = fc.record(
  {
    'metallb.io/loadBalancerIPs': fc.oneof(addresses, fc.string(), long),
    'metallb.universe.tf/loadBalancerIPs': addresses,
    'metallb.io/address-pool': fc.oneof(fc.constantFrom('p', 'q', ' p'), fc.string(), long),
    'metallb.io/allow-shared-ip': fc.oneof(fc.constantFrom('k', ''), long),
    'herald.io/reserve': duration,
  },
  { requiredKeys: [] },
)

export const requestedAddress: fc.Arbitrary<string | null> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(null) },
  address,
  fc.string({ unit: 'binary' }),
)
