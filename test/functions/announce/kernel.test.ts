import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ARP_IGNORE, kernelAnswers } from '../../../functions/announce/kernel.ts'

const [lo, eth0, eth1, ipvs] = [1, 2, 3, 4]
const names = new Map([
  [lo, 'lo'],
  [eth0, 'eth0'],
  [eth1, 'eth1'],
  [ipvs, 'kube-ipvs0'],
])
const links = [...names].map(([index, name]) => ({
  index,
  name,
  flags: 0,
  hardwareType: 1,
  mac: index,
  master: null,
}))
const addresses = [
  { index: lo, prefix: '127.0.0.1/8' },
  { index: lo, prefix: '::1/128' },
  { index: eth0, prefix: '192.168.50.11/24' },
  { index: eth0, prefix: 'fe80::1/64' },
  { index: ipvs, prefix: '192.168.50.211/32' },
  { index: ipvs, prefix: 'fd00::211/128' },
]
const ARP = ['192.168.50.11', '192.168.50.211']

const answered = (ignore: Record<string, number>) =>
  kernelAnswers({ links, addresses }, new Map(Object.entries(ignore)))

describe('the kernel of a node', () => {
  test('answers ARP for every address that it has, whatever interface it is on', () => {
    assert.deepEqual(answered({ eth0: ARP_IGNORE.none }), [ARP[0], 'fe80::1', ARP[1]])
  })

  test('answers for those of the interface alone where arp_ignore is 1 or 2 (strictARP)', () => {
    for (const ignore of [ARP_IGNORE.others, ARP_IGNORE.othersAndSubnets]) {
      assert.deepEqual(answered({ eth0: ignore }), [ARP[0], 'fe80::1'])
    }
  })

  test('answers no ARP where arp_ignore is 8', () => {
    assert.deepEqual(answered({ eth0: ARP_IGNORE.all }), ['fe80::1'])
  })

  test('one careless interface of two is enough', () => {
    assert.deepEqual(answered({ eth0: 1, eth1: 0 }), [ARP[0], 'fe80::1', ARP[1]])
  })

  test('where nothing announces, nobody asks', () => {
    assert.deepEqual(answered({}), [])
  })
})
