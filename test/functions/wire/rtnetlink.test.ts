import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HOST_LITTLE_ENDIAN } from '../../../functions/wire/bytes.ts'
import { decodeDump, encodeDump } from '../../../functions/wire/rtnetlink.ts'
import { dump, octets } from '../../support/octets.ts'

/** The dumps below are of a machine that keeps the low octet first. */
const little = HOST_LITTLE_ENDIAN ? {} : { skip: 'this machine keeps the high octet first' }

/** struct nlmsghdr of 16 octets, then struct ifinfomsg of 16, then attributes. */
const ETH0 = `
  58000000 1000 0200 00000000 00000000       // length 88, RTM_NEWLINK, NLM_F_MULTI
  00 00 0100 02000000 43100100 00000000      // AF_UNSPEC, ARPHRD_ETHER, index 2, UP BROADCAST RUNNING …
  0900 0300 65746830 00 000000               // IFLA_IFNAME "eth0", padded to four
  0800 0400 dc050000                         // IFLA_MTU 1500: of no interest
  0a00 0100 0200c0a8320b 0000                // IFLA_ADDRESS
  0800 0a00 07000000                         // IFLA_MASTER 7
  0900 0300 6f746872 00 000000               // a second IFLA_IFNAME: the first counts
  0400 1100`
const LO_ADDRESS = `
  2c000000 1400 0200 00000000 00000000       // RTM_NEWADDR
  02 08 80 fe 01000000                       // AF_INET /8, index 1
  0800 0100 7f000001                         // IFA_ADDRESS
  0800 0200 7f000001 00000000                // IFA_LOCAL`
const PEER = `
  28000000 1400 0200 00000000 00000000
  02 20 80 00 09000000                       // /32 of a point-to-point interface
  0800 0100 0a000002                         // IFA_ADDRESS: the other end
  0800 0200 0a000001                         // IFA_LOCAL: ours`
const LINK_LOCAL = `
  2c000000 1400 0200 00000000 00000000
  0a 40 80 fd 02000000                       // AF_INET6 /64, index 2
  1400 0100 fe800000000000000000c0fffea8320b // IFA_ADDRESS`
const DONE = '14000000 0300 0200 00000000 00000000 00000000'

describe('rtnetlink', little, () => {
  test('a dump of links is asked for without statistics', () => {
    const request = `28000000 1200 0103 00000000 00000000
      00 00 0000 00000000 00000000 00000000
      0800 1d00 08000000` // IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS
    assert.equal(dump(encodeDump('links')), dump(octets(request)))
    const addresses = '18000000 1600 0103 00000000 00000000 00 00 00 00 00000000'
    assert.equal(dump(encodeDump('addresses')), dump(octets(addresses)))
  })

  test('a link has index, name, flags, MAC and master', () => {
    const part = decodeDump(octets(ETH0 + DONE))
    assert.deepEqual(part, {
      links: [
        {
          index: 2,
          name: 'eth0',
          flags: 0x11043,
          hardwareType: 1,
          mac: 0x0200_c0a8_320b,
          master: 7,
        },
      ],
      addresses: [],
      ended: true,
      again: false,
    })
  })

  test('an address is what is configured on our end, with its prefix length', () => {
    const { addresses, ended } = decodeDump(octets(LO_ADDRESS + PEER + LINK_LOCAL))
    assert.deepEqual(addresses, [
      { index: 1, prefix: '127.0.0.1/8' },
      { index: 9, prefix: '10.0.0.1/32' },
      { index: 2, prefix: 'fe80::c0ff:fea8:320b/64' },
    ])
    assert.equal(ended, false)
  })

  test('a change in the middle (NLM_F_DUMP_INTR) and a refusal ask for another try', () => {
    assert.equal(decodeDump(octets(DONE.replace('0300 0200', '0300 1200'))).again, true)
    const refused = '24000000 0200 0000 00000000 00000000 f0ffffff 00000000000000000000000000000000'
    const part = decodeDump(octets(refused))
    assert.deepEqual([part.again, part.ended], [true, true])
  })

  test('what is cut off or makes no sense is left out and never throws', () => {
    const whole = octets(ETH0 + LO_ADDRESS + LINK_LOCAL + DONE)
    for (let length = 0; length < whole.length; length++) {
      assert.equal(decodeDump(whole.subarray(0, length)).ended, false)
    }
    for (let at = 0; at < whole.length; at++) {
      for (const octet of [0, 0xff]) decodeDump(whole.map((old, i) => (i === at ? octet : old)))
    }
  })
})
