import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Address, AddressRange } from '../../../functions/model/address.ts'
import {
  canonical,
  compareAddresses,
  contains,
  familyOf,
  formatAddress,
  isBuggy,
  parseAddress,
  parseCIDR,
  parseEntry,
  prefixLengths,
  usableSize,
} from '../../../functions/model/address.ts'

const texts: readonly (readonly [written: string, canonical: string | null])[] = [
  ['192.168.50.211', '192.168.50.211'],
  ['0.0.0.0', '0.0.0.0'],
  ['255.255.255.255', '255.255.255.255'],
  ['10.1', null],
  ['10', null],
  ['010.0.0.1', null],
  ['10.0.0.01', null],
  ['0x0a.0.0.1', null],
  ['10.0.0.256', null],
  ['10.0.0.1.2', null],
  ['10.0.0.', null],
  ['+10.0.0.1', null],
  [' 10.0.0.1', null],
  ['10.0.0.1\n', null],
  ['１0.0.0.1', null],
  ['', null],
  ['the usual one', null],
  ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
  ['2001:db8::0:1', '2001:db8::1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
  ['::', '::'],
  ['::1', '::1'],
  ['fe80::1%eth0', null],
  ['::1%0', null],
  ['1::2::3', null],
  ['12345::', null],
  ['1:2:3:4:5:6:7:8:9', null],
  ['[::1]', null],
  ['::ffff:1.2.3.4', '1.2.3.4'],
  ['::FFFF:c0a8:32d3', '192.168.50.211'],
  ['::ffff:010.0.0.1', null],
  ['::ffff:1.2.3', null],
  ['::1.2.3.4', '::102:304'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
]

for (const [written, expected] of texts) {
  test(`parseAddress: ${JSON.stringify(written)} is ${expected ?? 'no address'}`, () => {
    assert.equal(canonical(written), expected)
    assert.equal(familyOf(written), expected && (expected.includes(':') ? 'IPv6' : 'IPv4'))
  })
}

const entries: readonly (readonly [entry: string, first: string, last: string, size: bigint])[] = [
  ['192.168.50.211-192.168.50.220', '192.168.50.211', '192.168.50.220', 10n],
  ['192.168.50.211-192.168.50.220  ', '192.168.50.211', '192.168.50.220', 10n],
  ['\t10.0.0.1 - 10.0.0.2', '10.0.0.1', '10.0.0.2', 2n],
  ['10.0.0.7-10.0.0.7', '10.0.0.7', '10.0.0.7', 1n],
  ['10.20.30.40/24', '10.20.30.0', '10.20.30.255', 256n],
  ['10.0.0.1/32', '10.0.0.1', '10.0.0.1', 1n],
  ['10.0.0.0/31', '10.0.0.0', '10.0.0.1', 2n],
  ['10.0.0.0/8', '10.0.0.0', '10.255.255.255', 1n << 24n],
  ['0.0.0.0/0', '0.0.0.0', '255.255.255.255', 1n << 32n],
  ['::ffff:10.0.0.0/104', '10.0.0.0', '10.255.255.255', 1n << 24n],
  ['::ffff:1.2.3.4-1.2.3.9', '1.2.3.4', '1.2.3.9', 6n],
  ['1000::/127', '1000::', '1000::1', 2n],
  ['2001:db8::1/128', '2001:db8::1', '2001:db8::1', 1n],
  ['2001:db8::/48', '2001:db8::', '2001:db8:0:ffff:ffff:ffff:ffff:ffff', 1n << 80n],
  ['2001:db8::a-2001:db8::1:0', '2001:db8::a', '2001:db8::1:0', 65527n],
]

for (const [entry, first, last, size] of entries) {
  test(`parseEntry: ${JSON.stringify(entry)} is ${first} to ${last}`, () => {
    const range = rangeOf(entry)
    assert.equal(formatAddress({ family: range.family, value: range.first }), first)
    assert.equal(formatAddress({ family: range.family, value: range.last }), last)
    assert.equal(usableSize(range, false), size)
  })
}

const refusals: readonly (readonly [entry: string, why: RegExp, remedy: RegExp])[] = [
  ['10.0.0.1', /single address/, /write 10\.0\.0\.1\/32/],
  ['2001:db8::1', /single address/, /write 2001:db8::1\/128/],
  [' 10.0.0.0/8', /spaces around it/, /write 10\.0\.0\.0\/8/],
  ['10.0.0.0/33', /prefix length beyond IPv4/, /from 0 to 32/],
  ['2001:db8::/129', /prefix length beyond IPv6/, /from 0 to 128/],
  ['10.0.0.0/', /neither a range nor a CIDR/, /192\.168\.50\.0\/24/],
  ['10.0.0.0/8/8', /neither/, /write/],
  ['10.0.0.0/a', /neither/, /write/],
  ['010.0.0.0/8', /neither/, /write/],
  ['fe80::%1/64', /neither/, /write/],
  ['', /"" is neither/, /write/],
  ['all of them', /neither/, /write/],
  ['10.0.0.9-10.0.0.1', /ends before it begins/, /write 10\.0\.0\.1-10\.0\.0\.9/],
  ['10.0.0.1-10.0.0.9-10.0.0.12', /"10\.0\.0\.9-10\.0\.0\.12" in .* is not an IP/, /write/],
  ['10.0.0.1-', /"" in "10\.0\.0\.1-" is not an IP address/, /write/],
  ['-', /is not an IP address/, /write/],
  ['10.0.0.1-9', /"9" in .* is not an IP address/, /write/],
  ['10.0.0.0/24-10.0.1.0/24', /"10\.0\.0\.0\/24" in .* is not an IP address/, /write/],
  ['10.0.0.1-2001:db8::1', /begins in IPv4 and ends in IPv6/, /one range for each family/],
  ['2001:db8::1-10.0.0.1', /begins in IPv6 and ends in IPv4/, /one range for each family/],
]

for (const [entry, why, remedy] of refusals) {
  test(`parseEntry: ${JSON.stringify(entry)} is refused with a remedy`, () => {
    const answer = parseEntry(entry)
    assert.ok('reason' in answer)
    assert.match(answer.reason, why)
    assert.match(answer.reason, remedy)
  })
}

const expansions: readonly (readonly [entry: string, lengths: readonly number[]])[] = [
  ['40.0.0.150-40.0.0.200', [31, 29, 27, 29, 32]],
  ['3.3.3.2-3.3.3.254', [31, 30, 29, 28, 27, 26, 26, 27, 28, 29, 30, 31, 32]],
  ['10.20.30.40/24', [24]],
  ['0.0.0.0-255.255.255.255', [0]],
  ['::/0', [0]],
  ['2001:db8::1-2001:db8::2', [128, 128]],
]

for (const [entry, lengths] of expansions) {
  test(`prefixLengths: ${entry} consists of /${lengths.join(' /')}`, () => {
    assert.deepEqual(prefixLengths(rangeOf(entry)), lengths)
  })
}

const counts: readonly (readonly [entry: string, usable: bigint])[] = [
  ['1.2.3.0/24', 254n],
  ['1.2.2.0/23', 508n],
  ['1.2.0.0/16', 65024n],
  ['1.2.3.0/25', 127n],
  ['1.2.3.128/25', 127n],
  ['1.2.3.0/31', 1n],
  ['1.2.3.254/31', 1n],
  ['1.2.3.0/32', 0n],
  ['1.2.3.255/32', 0n],
  ['1.2.3.4/30', 4n],
  ['1.2.3.255-1.2.4.0', 0n],
  ['1.2.3.250-1.2.4.5', 10n],
  ['0.0.0.0/0', (1n << 32n) - (1n << 25n)],
  ['1000::/120', 256n],
]

for (const [entry, usable] of counts) {
  test(`usableSize: ${entry} has ${usable} addresses that are not buggy`, () => {
    assert.equal(usableSize(rangeOf(entry), true), usable)
  })
}

test('isBuggy: IPv4 that ends in .0 or .255, never IPv6', () => {
  const buggy = ['1.2.3.0', '1.2.3.255', '0.0.0.0', '1.2.3.1', '1.2.255.4', '1000::', '::ff']
  assert.deepEqual(
    buggy.filter(text => isBuggy(addressOf(text))),
    ['1.2.3.0', '1.2.3.255', '0.0.0.0'],
  )
})

test('contains: both ends belong to a range, the other family never', () => {
  const range = rangeOf('10.0.0.5-10.0.0.9')
  const inside = (text: string) => contains(range, addressOf(text))
  assert.deepEqual(['10.0.0.4', '10.0.0.5', '10.0.0.9', '10.0.0.10', '::a00:5'].map(inside), [
    false,
    true,
    true,
    false,
    false,
  ])
})

test('compareAddresses: IPv4 before IPv6, by number, and what is no address last', () => {
  const sorted = ['9.0.0.1', '10.0.0.1', '10.0.0.10', '::2', '::10', 'prose']
  assert.deepEqual([...sorted].reverse().sort(compareAddresses), sorted)
})

test('any address survives being written and read', () => {
  fc.assert(
    fc.property(anyAddress, address => {
      const text = formatAddress(address)
      assert.deepEqual(parseAddress(text), address)
      if (address.family === 'IPv6') assert.equal(new URL(`http://[${text}]`).hostname, `[${text}]`)
    }),
    { numRuns: 2000 },
  )
})

test('what Node takes for an address is one, unless it has a zone, and nothing else is', () => {
  fc.assert(
    fc.property(anyText, text => {
      assert.equal(parseAddress(text) !== null, isIP(text) !== 0 && !text.includes('%'))
    }),
    { numRuns: 5000 },
  )
})

test('any text of an entry gives addresses or a reason', () => {
  fc.assert(
    fc.property(anyText, text => {
      const answer = parseEntry(text)
      if ('reason' in answer) return assert.match(answer.reason, /write/)
      assert.ok(answer.first <= answer.last)
      assert.ok(answer.last < 1n << (answer.family === 'IPv4' ? 32n : 128n))
    }),
    { numRuns: 5000 },
  )
})

test('the prefixes of a range add up to it, and usable and buggy addresses to its size', () => {
  const ends = fc.tuple(fc.integer({ min: 0, max: 2 ** 12 }), fc.integer({ min: 0, max: 2 ** 12 }))
  fc.assert(
    fc.property(ends, ([a, b]) => {
      const range: AddressRange = {
        family: 'IPv4',
        first: BigInt(Math.min(a, b)),
        last: BigInt(Math.max(a, b)),
      }
      const sum = prefixLengths(range).reduce((total, length) => total + 2 ** (32 - length), 0)
      assert.equal(BigInt(sum), usableSize(range, false))
      let usable = 0n
      for (let value = range.first; value <= range.last; value++) {
        if (!isBuggy({ family: 'IPv4', value })) usable++
      }
      assert.equal(usableSize(range, true), usable)
    }),
  )
})

const anyAddress: fc.Arbitrary<Address> = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 32n) - 1n }).map(value => ({ family: 'IPv4' as const, value })),
  fc
    .array(fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 0xffffn })), {
      minLength: 8,
      maxLength: 8,
    })
    .map(groups => groups.reduce((sum, group) => (sum << 16n) | group, 0n))
    .filter(value => value >> 32n !== 0xffffn)
    .map(value => ({ family: 'IPv6' as const, value })),
)

/** Prose, and texts made of what addresses are made of. */
const anyText = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc
    .array(
      fc.constantFrom(
        '1',
        '0',
        '255',
        '256',
        '.',
        '.',
        ':',
        '::',
        'ffff',
        '-',
        '/',
        '24',
        ' ',
        '%',
      ),
      { maxLength: 18 },
    )
    .map(parts => parts.join('')),
  fc.tuple(fc.ipV4(), fc.constantFrom('-', ' - ', '/', '::'), fc.ipV4()).map(join),
  fc.tuple(fc.ipV6(), fc.constantFrom('-', '/', '', '%'), fc.oneof(fc.ipV6(), fc.ipV4())).map(join),
  fc.tuple(fc.ipV4Extended(), fc.constant('/'), fc.nat(40).map(String)).map(join),
)

function join(parts: readonly string[]): string {
  return parts.join('')
}

function rangeOf(entry: string): AddressRange {
  const range = parseEntry(entry)
  assert.ok(!('reason' in range), 'reason' in range ? range.reason : '')
  assert.ok(entry.includes('-') || parseCIDR(entry))
  return range
}

function addressOf(text: string): Address {
  const address = parseAddress(text)
  assert.ok(address, text)
  return address
}
