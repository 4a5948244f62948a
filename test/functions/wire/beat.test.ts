import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Beat, Claim, SetPart } from '../../../functions/liveness/messages.ts'
import { Peer } from '../../../functions/liveness/peer.ts'
import {
  decodeMessage,
  encodeBeat,
  encodeSet,
  MESSAGE_LENGTH_MAX,
  type Refusal,
} from '../../../functions/wire/beat.ts'

const key = (text: string) => new TextEncoder().encode(text)
const secrets = { cluster: 'default', keys: [key('new'), key('old')] }
const beat: Beat = {
  node: 'node-a',
  session: '00112233445566ff',
  interface: 'eth0',
  sequence: 2 ** 40 + 7,
  hears: [
    { session: 'ffeeddccbbaa9988', synced: false },
    { session: '0000000000000001', synced: true },
  ],
  digest: 2 ** 47 + 5,
  leaving: false,
  impaired: true,
}
const claim = (group: string): Claim => ({
  group,
  addresses: [group, '2001:db8::1'],
  epoch: { number: 2 ** 33, node: 'node-a' },
  owner: { node: 'node-a', interfaces: null },
  standbys: [
    { node: 'node-b', interfaces: ['eth0', 'eth1'] },
    { node: 'node-ç', interfaces: [] },
  ],
})
const { hears: _, digest: __, leaving: ___, impaired: ____, ...sent } = beat
const set = (claims: Claim[], range: SetPart['range'] = { after: '', upTo: null }): SetPart => ({
  ...sent,
  claims,
  dropped: [],
  range,
})
const reasonOf = (octets: Uint8Array, given = secrets) =>
  (decodeMessage(octets, given) as Refusal).reason

describe('a beat on the wire', () => {
  test('is read back as it was written', () => {
    assert.deepEqual(decodeMessage(encodeBeat(beat, secrets), secrets), { is: 'beat', beat })
  })

  test('names what it is, its version, cluster and node first', () => {
    const head = Buffer.from(encodeBeat(beat, secrets)).subarray(0, 17).toString('latin1')
    assert.equal(head, '\x01\x01\x07default\x06node-a')
  })

  test('is believed under the previous key as well, and under no other', () => {
    const former = encodeBeat(beat, { ...secrets, keys: [key('old')] })
    assert.equal(decodeMessage(former, secrets).is, 'beat')
    const foreign = encodeBeat(beat, { ...secrets, keys: [key('other')] })
    assert.deepEqual(decodeMessage(foreign, secrets), {
      is: 'refused',
      reason: 'unauthenticated',
      node: 'node-a',
    })
  })

  test('is refused when any of its octets was changed', () => {
    const octets = encodeBeat(beat, secrets)
    for (const at of octets.keys()) {
      const changed = octets.with(at, (octets[at] ?? 0) ^ 0x10)
      assert.equal(decodeMessage(changed, secrets).is, 'refused', `octet ${at}`)
    }
  })

  test('is refused by name when it is cut off anywhere, too long, or of another cluster', () => {
    const octets = encodeBeat(beat, secrets)
    for (let length = 0; length < octets.length; length++) {
      assert.equal(decodeMessage(octets.subarray(0, length), secrets).is, 'refused', `${length}`)
    }
    assert.equal(reasonOf(octets.subarray(0, 19)), 'truncated')
    assert.equal(reasonOf(new Uint8Array(MESSAGE_LENGTH_MAX + 1)), 'oversized')
    assert.equal(reasonOf(octets, { ...secrets, cluster: 'other' }), 'otherCluster')
  })

  test('of a later version is refused by its version and node, whatever follows them', () => {
    const head = encodeBeat(beat, secrets).subarray(0, 17).with(0, 2)
    const later = Buffer.concat([head, Buffer.alloc(100, 0xab)])
    const refused = { is: 'refused', reason: 'version', node: 'node-a' }
    assert.deepEqual(decodeMessage(later, secrets), refused)
  })

  test('stays short however many are heard, and asks for missing sets first', () => {
    const hears = Array.from({ length: 500 }, (_, i) => ({
      session: i.toString(16).padStart(16, '0'),
      synced: i !== 499,
    }))
    const octets = encodeBeat({ ...beat, node: 'n'.repeat(253), hears }, secrets)
    assert.ok(octets.length <= MESSAGE_LENGTH_MAX, `${octets.length}`)
    const read = decodeMessage(octets, secrets)
    assert.ok(read.is === 'beat' && read.beat.hears[0]?.synced === false)
  })
})

describe('a set on the wire', () => {
  test('is read back as it was written', () => {
    const part = set([claim('10.0.0.1'), claim('10.0.0.2')])
    const octets = [...encodeSet(part, secrets)]
    assert.deepEqual(
      octets.map(one => decodeMessage(one, secrets)),
      [{ is: 'set', part }],
    )
  })

  test('of a thousand groups is many short messages, whole in any order', () => {
    const claims = Array.from({ length: 1000 }, (_, i) => claim(`10.0.${i >> 8}.${i & 255}`))
    const messages = [...encodeSet(set(claims), secrets)]
    assert.ok(messages.every(one => one.length <= MESSAGE_LENGTH_MAX))
    assert.ok(messages.length < 150, `${messages.length}`)
    const peer = new Peer('node-a', beat.session)
    peer.learn(set([claim('10.9.9.9'), claim('0.0.0.1')], null), 0)
    for (const message of messages.reverse()) {
      const read = decodeMessage(message, secrets)
      assert.ok(read.is === 'set')
      peer.learn({ ...read.part, sequence: read.part.sequence + 1 }, 0)
    }
    assert.equal(claims.filter(({ group }) => peer.claim(group)).length, 1000)
    assert.equal(peer.claim('10.9.9.9'), null)
    assert.equal(peer.claim('0.0.0.1'), null)
  })

  test('of a group with too many addresses for one message goes without them', () => {
    const addresses = Array.from({ length: 200 }, (_, i) => `10.1.0.${i}`)
    const messages = [
      ...encodeSet(set([claim('10.0.0.1'), { ...claim('10.1.0.0'), addresses }]), secrets),
    ]
    const read = messages.map(one => decodeMessage(one, secrets))
    const claims = read.flatMap(one => (one.is === 'set' ? one.part.claims : []))
    assert.deepEqual(
      claims.map(one => one.addresses.length),
      [2, 0],
    )
  })

  test('says that nothing is claimed, and what is dropped', () => {
    assert.equal([...encodeSet(set([]), secrets)].length, 1)
    const dropped = Array.from({ length: 100 }, (_, i) => `2001:db8:1234:5678:9abc:def0:1234:${i}`)
    const messages = [...encodeSet({ ...set([], null), dropped }, secrets)]
    const read = messages.map(one => decodeMessage(one, secrets))
    assert.deepEqual(
      read.flatMap(one => (one.is === 'set' ? one.part.dropped : [])),
      dropped,
    )
    assert.ok(messages.every(one => one.length <= MESSAGE_LENGTH_MAX))
  })

  test('that counts more than it holds is malformed, also with a valid signature', () => {
    const [octets] = encodeSet(set([claim('10.0.0.1')]), secrets)
    assert.ok(octets)
    const at = 17 + 8 + 5 + 6 + 3 // count of the dropped
    const broken = octets.subarray(0, -16).with(at, 0xff)
    const { createHmac } = process.getBuiltinModule('node:crypto')
    const signature = createHmac('sha256', key('new')).update(broken).digest().subarray(0, 16)
    assert.equal(reasonOf(Buffer.concat([broken, signature])), 'malformed')
  })
})
