import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type Homed,
  homeOf,
  isRunning,
  type Unfit,
  unfit,
} from '../../../functions/announce/interfaces.ts'
import { parseAddress, parseCIDR } from '../../../functions/model/address.ts'
import type { NetworkLink } from '../../../functions/wire/rtnetlink.ts'

/** linux/if.h and linux/if_arp.h, as `ip link` shows them. */
const [UP, BROADCAST, RUNNING, NOARP] = [0x1, 0x2, 0x40, 0x80]
const [ARPHRD_ETHER, ARPHRD_INFINIBAND, ARPHRD_LOOPBACK] = [1, 32, 772]
const eth0: NetworkLink = {
  index: 2,
  name: 'eth0',
  flags: UP | BROADCAST | RUNNING,
  hardwareType: ARPHRD_ETHER,
  mac: 0x0200_c0a8_320b,
  master: null,
}

const rows: readonly (readonly [string, Partial<NetworkLink>, readonly RegExp[], Unfit | null])[] =
  [
    ['Ethernet that is up', {}, [], null],
    ['without a carrier', { flags: UP | BROADCAST }, [], null],
    ['down', { flags: BROADCAST }, [], 'down'],
    ['port of a bridge or bond', { master: 7 }, [], 'enslaved'],
    ['with ARP turned off', { flags: UP | BROADCAST | NOARP }, [], 'noARP'],
    ['a tunnel', { flags: UP }, [], 'noBroadcast'],
    ['InfiniBand', { hardwareType: ARPHRD_INFINIBAND, mac: null }, [], 'notEthernet'],
    ['loopback', { name: 'lo', flags: UP, hardwareType: ARPHRD_LOOPBACK }, [], 'noBroadcast'],
    ['its name matches', { name: 'docker0' }, [/^docker.*/], 'excluded'],
    ['its name matches the second', { name: 'veth12' }, [/^docker/, /^veth/], 'excluded'],
    ['unanchored patterns match anywhere', { name: 'my-docker' }, [/docker/], 'excluded'],
    ['anchored ones do not', { name: 'my-docker' }, [/^docker/], null],
    ['a pattern with a memory (g) matches every time', { name: 'veth1' }, [/veth/g], 'excluded'],
    ['excluded comes before down', { name: 'veth1', flags: 0 }, [/veth/g], 'excluded'],
  ]

describe('an interface announces when it can', () => {
  for (const [name, link, exclude, reason] of rows) {
    test(`${name}: ${reason ?? 'announces'}`, () => {
      for (let again = 0; again < 2; again++) {
        assert.equal(unfit({ ...eth0, ...link }, exclude), reason)
      }
    })
  }

  test('the list that MetalLB ships leaves only real interfaces', () => {
    const shipped =
      '^docker.* ^cbr.* ^dummy.* ^virbr.* ^lxcbr.* ^veth.* ^lo$ ^cali.* ^tunl.* ^flannel.* ^kube-ipvs.* ^cni.* ^nodelocaldns.* ^lxc.*'
        .split(' ')
        .map(pattern => new RegExp(pattern))
    const fit = [
      'lo',
      'eth0',
      'docker0',
      'cni0',
      'kube-ipvs0',
      'lo1',
      'bond0',
      'lxc1',
      'br0',
    ].filter(name => unfit({ ...eth0, name }, shipped) === null)
    assert.deepEqual(fit, ['eth0', 'lo1', 'bond0', 'br0'])
  })

  test('running means that there is a carrier', () => {
    assert.equal(isRunning(eth0), true)
    assert.equal(isRunning({ ...eth0, flags: UP | BROADCAST }), false)
  })
})

describe('an address lives', () => {
  const homed = (name: string, ...prefixes: string[]): Homed => ({
    name,
    networks: prefixes.map(parseCIDR).filter(one => one !== null),
  })
  const [lan, dmz, bare] = [
    homed('lan', '192.168.50.11/24', 'fd00::1/64'),
    homed('dmz', '10.0.0.1/8'),
    homed('bare'),
  ]
  const rows: [string, string, readonly string[] | null, Homed[], readonly string[] | null][] = [
    ['on the interface that is in its network', '192.168.50.211', null, [lan, dmz, bare], ['lan']],
    ['likewise in IPv6', 'fd00::50', null, [lan, dmz], ['lan']],
    ['on all where none is', '203.0.113.1', null, [lan, dmz], null],
    [
      'on all that it is advertised on where none of them is',
      '192.168.50.211',
      ['dmz', 'bare'],
      [lan, dmz, bare],
      ['dmz', 'bare'],
    ],
    [
      'on that one of those that it is advertised on',
      '10.1.1.1',
      ['dmz', 'bare'],
      [lan, dmz, bare],
      ['dmz'],
    ],
    ['on whatever is there when that is all', '192.168.50.211', null, [lan], null],
  ]
  for (const [what, address, interfaces, present, homes] of rows) {
    test(what, () => {
      const parsed = parseAddress(address)
      assert.ok(parsed)
      assert.deepEqual(homeOf(parsed, interfaces, present), homes)
    })
  }
})
