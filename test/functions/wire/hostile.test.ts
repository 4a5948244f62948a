/** Whatever comes in from a LAN, and from the kernel, is understood or refused by name: nothing is thrown, nothing hangs. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { announcements } from '../../../functions/announce/announcement.ts'
import { answer, DROP_REASONS } from '../../../functions/announce/answer.ts'
import { foreignInArp, foreignInNeighborFrame } from '../../../functions/announce/foreign.ts'
import { answerNeighbor, NEIGHBOR_DROP_REASONS } from '../../../functions/announce/neighbor.ts'
import { neighborProbe } from '../../../functions/announce/probe.ts'
import type { Beat, Claim, SetPart } from '../../../functions/liveness/messages.ts'
import { decodeArpFrame } from '../../../functions/wire/arp.ts'
import { decodeMessage, encodeBeat, encodeSet } from '../../../functions/wire/beat.ts'
import { decodeDatagram, encodeDatagram } from '../../../functions/wire/datagram.ts'
import { isHostMAC, senderOf } from '../../../functions/wire/ethernet.ts'
import { decodeNeighborSolicitation } from '../../../functions/wire/ndp.ts'
import { decodeNeighborFrame } from '../../../functions/wire/neighbor-frame.ts'
import { decodeDump, encodeDump } from '../../../functions/wire/rtnetlink.ts'

const RUNS = { numRuns: 1000 }
const MAC = 0x0200_0000_0001
const here = { name: 'eth0', mac: MAC }
const [IPV4, IPV6] = [0x0a00_0001, 0x2001_0db8_0000_0000_0000_0000_0000_0001n]
const key = new TextEncoder().encode('a secret')
const secrets = { cluster: 'c', keys: [key] }

const noise = fc.uint8Array({ maxLength: 1600 })
/** What somebody makes of a frame that would be understood: octets changed, cut off, or put behind it. */
const spoiled = (sound: Uint8Array) =>
  fc
    .record({
      changes: fc.array(fc.tuple(fc.nat(sound.length - 1), fc.integer({ min: 0, max: 255 })), {
        maxLength: 4,
      }),
      length: fc.option(fc.nat(sound.length), { freq: 3, nil: sound.length }),
      behind: fc.oneof(fc.constant(new Uint8Array()), noise),
    })
    .map(({ changes, length, behind }) => {
      const octets = Uint8Array.from(sound)
      for (const [at, octet] of changes) octets[at] = octet
      return Uint8Array.from([...octets.subarray(0, length), ...behind])
    })
const octetsLike = (...sound: Uint8Array[]) => fc.oneof(noise, ...sound.map(spoiled))

const plain = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(fields, { noNullPrototype: true })
const node = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 })
const u48 = fc.nat({ max: 2 ** 48 - 1 })
const session = fc.bigInt(0n, 2n ** 64n - 1n).map(one => one.toString(16).padStart(16, '0'))
const sent = { node, session, interface: fc.string({ maxLength: 15 }), sequence: u48 }
const placed = plain({
  node,
  interfaces: fc.option(fc.array(fc.string({ maxLength: 15 }), { maxLength: 3 })),
})
const claim: fc.Arbitrary<Claim> = plain({
  group: fc.string({ minLength: 1, maxLength: 45 }),
  addresses: fc.array(fc.string({ maxLength: 45 }), { maxLength: 4 }),
  epoch: plain({ number: u48, node }),
  owner: placed,
  standbys: fc.array(placed, { maxLength: 2 }),
})
const beat: fc.Arbitrary<Beat> = plain({
  ...sent,
  hears: fc
    .array(plain({ session, synced: fc.boolean() }), { maxLength: 20 })
    .map(all => all.sort((a, b) => Number(a.synced) - Number(b.synced))), // as they are written
  digest: u48,
  leaving: fc.boolean(),
  impaired: fc.boolean(),
})
const set: fc.Arbitrary<SetPart> = plain({
  ...sent,
  claims: fc.uniqueArray(claim, { maxLength: 30, selector: one => one.group }),
  dropped: fc.array(fc.string({ maxLength: 45 }), { maxLength: 30 }),
  range: fc.option(fc.constant({ after: '', upTo: null })),
})

describe('an ARP frame', () => {
  test('gets an answer to its own host, or a named reason', () => {
    const [request, reply] = announcements(IPV4, MAC)
    assert.ok(request && reply)
    fc.assert(
      fc.property(octetsLike(request, reply), frame => {
        const read = decodeArpFrame(frame)
        const answered = answer(read, here, new Map([[IPV4, null]]))
        if (typeof answered === 'string') assert.ok(DROP_REASONS.includes(answered))
        else {
          assert.equal(answered.address, IPV4)
          const back = decodeArpFrame(answered.frame)
          assert.ok(typeof back === 'object' && isHostMAC(back.ethernet.destination))
        }
        const foreign = typeof read === 'object' ? foreignInArp(read) : null
        assert.ok(!foreign || isHostMAC(foreign.mac))
      }),
      RUNS,
    )
  })
})

describe('a message of NDP', () => {
  const probe = neighborProbe(IPV6, MAC)
  const known = (answered: string) =>
    assert.ok(NEIGHBOR_DROP_REASONS.some(reason => reason === answered))

  test('gets an answer, or a named reason, in its frame', () => {
    fc.assert(
      fc.property(octetsLike(probe), frame => {
        const foreign = foreignInNeighborFrame(frame)
        assert.ok(!foreign || isHostMAC(foreign.mac))
        const read = decodeNeighborFrame(frame)
        if (typeof read === 'string') known(read)
      }),
      RUNS,
    )
  })

  test('and as the kernel passes it on', () => {
    const sound = probe.subarray(54)
    assert.equal(typeof decodeNeighborSolicitation(sound), 'object')
    fc.assert(
      fc.property(octetsLike(sound), fc.bigInt(0n, 2n ** 128n - 1n), (message, source) => {
        const answered = answerNeighbor(message, source, here, new Map([[IPV6, null]]))
        if (typeof answered === 'string') known(answered)
        else assert.equal(answered.address, IPV6)
      }),
      RUNS,
    )
  })
})

describe('a message between announcers', () => {
  const signed = (body: Uint8Array) => {
    const signature = createHmac('sha256', key).update(body).digest().subarray(0, 16)
    return Uint8Array.from([...body, ...signature])
  }

  test('is read back as it was written, whatever names and numbers it has', () => {
    fc.assert(
      fc.property(beat, one => {
        assert.deepEqual(decodeMessage(encodeBeat(one, secrets), secrets), {
          is: 'beat',
          beat: one,
        })
      }),
    )
    fc.assert(
      fc.property(set, one => {
        const read = [...encodeSet(one, secrets)].map(octets => decodeMessage(octets, secrets))
        const parts = read.map(message => (message.is === 'set' ? message.part : assert.fail()))
        const byGroup = (claims: readonly Claim[]) =>
          [...claims].sort((a, b) => (a.group < b.group ? -1 : 1))
        assert.deepEqual(byGroup(parts.flatMap(part => part.claims)), byGroup(one.claims))
        assert.deepEqual(
          parts.flatMap(part => part.dropped),
          one.dropped,
        )
      }),
    )
  })

  test('is refused by name when it is not what it should be, also where it is signed', () => {
    const sample = fc.sample(set, { numRuns: 20, seed: 4 })
    const sound = sample.flatMap(one => [...encodeSet(one, secrets)].map(all => all.slice(0, -16)))
    fc.assert(
      fc.property(octetsLike(...sound), fc.boolean(), (body, isSigned) => {
        const read = decodeMessage(isSigned ? signed(body) : body, secrets)
        if (read.is === 'refused') assert.match(read.reason, /^[a-zA-Z]+$/)
        else assert.ok(isSigned, 'whoever has no key says nothing')
      }),
      RUNS,
    )
  })

  test('comes out of its datagram, or does not by name', () => {
    const payload = new Uint8Array(100).fill(7)
    const ways = [
      encodeDatagram({ family: 'IPv4', mac: MAC, address: IPV4 }, payload),
      encodeDatagram({ family: 'IPv6', mac: MAC, address: IPV6 }, payload),
    ]
    for (const way of ways) assert.deepEqual(decodeDatagram(way), payload)
    fc.assert(
      fc.property(octetsLike(...ways), frame => {
        const read = decodeDatagram(frame)
        if (typeof read === 'string') assert.match(read, /^[a-zA-Z]+$/)
        else assert.ok(read.length <= frame.length)
        assert.ok(senderOf(frame) >= 0)
      }),
      RUNS,
    )
  })
})

test('what the kernel says of its interfaces is read as far as it makes sense', () => {
  fc.assert(
    fc.property(octetsLike(encodeDump('links'), encodeDump('addresses')), datagram => {
      const { links, addresses } = decodeDump(datagram)
      assert.ok(links.length + addresses.length <= datagram.length)
    }),
    RUNS,
  )
})
