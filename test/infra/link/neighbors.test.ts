import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { AnnouncerInterface } from '../../../functions/model/node.ts'
import { type Namespace, runIn } from '../../../infra/sandbox/lan/namespace.ts'
import { needs } from '../../support/capabilities.ts'
import { eventually } from '../../support/eventually.ts'
import { countersOf, linkIn, macOf, neighbour, set, wireIn } from '../../support/link-lab.ts'
import { type Segment, segment, sh } from '../../support/segment.ts'
import { type Talk, talk } from '../../support/talk.ts'
import { type Scope, undoing } from '../../support/undo.ts'

const VIP = '2001:db8::50'
const OTHER = '2001:db8::51'

async function host6(lan: Segment, name: string, number: number): Promise<Namespace> {
  const host = await lan.host(name, `10.7.0.${number}/24`)
  await sh(host, `ip -6 addr add 2001:db8::${number}/64 dev eth0 nodad`)
  return host
}

async function lab(t: Scope) {
  const scope = undoing(t)
  const lan = await segment(scope)
  const client = await host6(lan, 'client', 1)
  const node = await host6(lan, 'node', 3)
  return { scope, lan, client, node, mac: await macOf(node) }
}

/** Asks for it through the kernel of the client until its neighbour table has this MAC. */
async function learns(client: Namespace, address: string, mac: string): Promise<void> {
  await eventually(async () => {
    await runIn(client, ['ping', '-6', '-c1', '-W0.3', address])
    assert.match(await neighbour(client, address), new RegExp(`lladdr ${mac}`))
  }, 30_000)
}

/** The burst is over: what is heard from now on has another cause. */
async function announcedAll(link: Talk): Promise<void> {
  await eventually(async () => {
    const { addresses, sendErrors } = await countersOf(link)
    const seen = JSON.stringify({ addresses, sendErrors, interfaces: link.said.at(-1) })
    assert.ok((addresses[VIP]?.announcementsSent ?? 0) >= 5, seen)
  }, 60_000)
}

describe('an IPv6 peer', { ...needs('netns', 'ipv6'), concurrency: 3 }, () => {
  test('learns our MAC and finds it REACHABLE; only for what is announced here', async t => {
    const { scope, client, node, mac } = await lab(t)
    const link = await linkIn(scope, node)
    set(link, VIP, [OTHER, ['eth9']], '10.7.0.50')
    await eventually(async () => {
      await runIn(client, ['ping', '-6', '-c1', '-W0.3', VIP])
      assert.match(await neighbour(client, VIP), new RegExp(`lladdr ${mac} .*REACHABLE`))
    }, 30_000)
    await runIn(client, ['ping', '-6', '-c1', '-W0.3', OTHER])
    assert.doesNotMatch(await neighbour(client, OTHER), /lladdr/)
    await eventually(async () => {
      const { addresses } = await countersOf(link)
      assert.ok((addresses[VIP]?.requestsReceived ?? 0) > 0)
      assert.ok((addresses[VIP]?.responsesSent ?? 0) > 0)
      assert.ok((addresses[VIP]?.announcementsSent ?? 0) > 0)
      assert.equal(addresses[OTHER]?.responsesSent, 0)
      assert.ok(addresses['10.7.0.50'], 'IPv4 is announced beside it')
    })
    set(link)
    await sh(client, `ip -6 neigh flush dev eth0`)
    await runIn(client, ['ping', '-6', '-c1', '-W0.3', VIP])
    assert.doesNotMatch(await neighbour(client, VIP), /lladdr/)
  })

  test('that has only link-local addresses in common with us learns it too', async t => {
    const { scope, client, node, mac } = await lab(t)
    await sh(node, 'ip -6 addr del 2001:db8::3/64 dev eth0')
    const link = await linkIn(scope, node)
    set(link, VIP)
    await announcedAll(link)
    await learns(client, VIP, mac)
  })

  test('that checks whether we are still there asks us alone, and is answered', async t => {
    const { scope, client, node, mac } = await lab(t)
    const link = await linkIn(scope, node)
    set(link, VIP)
    await learns(client, VIP, mac)
    await sh(client, `ip -6 neigh replace ${VIP} lladdr ${mac} dev eth0 nud probe`)
    await eventually(async () => assert.match(await neighbour(client, VIP), /REACHABLE/))
    const { responsesSent = 0 } = (await countersOf(link)).addresses[VIP] ?? {}
    const lo = `ip -6 addr add ${VIP}/128 dev lo; ip -6 neigh flush dev eth0`
    await sh(node, lo) // as kube-proxy's IPVS mode has it
    await sh(client, `ip -6 neigh replace ${VIP} lladdr ${mac} dev eth0 nud probe`)
    await eventually(async () => assert.match(await neighbour(client, VIP), /REACHABLE/))
    const after = (await countersOf(link)).addresses[VIP]?.responsesSent ?? 0
    assert.ok(after > responsesSent)
  })

  test('believes the unsolicited advertisement of a new owner', async t => {
    const { scope, lan, client, node, mac } = await lab(t)
    const other = await host6(lan, 'other', 4)
    const first = await linkIn(scope, node)
    const second = await linkIn(scope, other)
    set(first, VIP)
    await learns(client, VIP, mac)
    set(first)
    set(second, VIP)
    const moved = await macOf(other)
    await eventually(async () => assert.match(await neighbour(client, VIP), new RegExp(moved)))
  })

  test('that configures the address itself finds it in use', async t => {
    const { scope, client, node, mac } = await lab(t)
    const link = await linkIn(scope, node)
    set(link, VIP)
    await learns(client, VIP, mac)
    await sh(client, `ip -6 addr add ${VIP}/64 dev eth0`)
    await eventually(async () => {
      assert.match(await sh(client, 'ip -6 addr show dev eth0'), /2001:db8::50.*dadfailed/)
    })
  })

  test('on another link, as its hop limit tells, gets no answer and is counted', async t => {
    const { scope, client, node, mac } = await lab(t)
    const link = await linkIn(scope, node)
    set(link, VIP)
    await learns(client, VIP, mac)
    const before = await countersOf(link)
    const asker = talk('./ndp-asker.ts', ['eth0', '64', VIP], client.enter)
    scope.after(() => asker.end())
    await asker.hear('sent', 0)
    await eventually(async () => {
      assert.ok(((await countersOf(link)).drops.hopLimit ?? 0) > 0)
    })
    const { addresses } = await countersOf(link)
    const near = talk('./ndp-asker.ts', ['eth0', '255', VIP], client.enter)
    scope.after(() => near.end())
    await near.hear('sent', 0)
    await eventually(async () => {
      const now = (await countersOf(link)).addresses[VIP]?.requestsReceived ?? 0
      assert.ok(now > (addresses[VIP]?.requestsReceived ?? 0))
    })
    assert.equal(before.drops.hopLimit, 0)
  })
})

describe('an interface that announces IPv6', { ...needs('netns', 'ipv6'), concurrency: 3 }, () => {
  test('may appear later, its link-local address not yet ready', async t => {
    const { scope, client, node, mac } = await lab(t)
    await sh(node, 'ip link set eth0 down')
    const link = await linkIn(scope, node)
    set(link, VIP)
    await sh(node, 'ip link set eth0 up')
    await eventually(async () => {
      const { addresses } = await countersOf(link)
      assert.ok((addresses[VIP]?.announcementsSent ?? 0) >= 5)
    }, 30_000)
    await learns(client, VIP, mac)
  })

  test('may be made again under the same name, with another MAC', async t => {
    const { scope, lan, client, node, mac } = await lab(t)
    const link = await linkIn(scope, node)
    set(link, VIP)
    await learns(client, VIP, mac)
    await sh(node, 'ip link del eth0')
    await sh(
      lan.hub,
      `ip link add node type veth peer name eth0 netns ${node.pid}; ip link set node master br0 up`,
    )
    await sh(node, 'ip link set eth0 address 02:00:00:00:00:77; ip link set eth0 up')
    await learns(client, VIP, '02:00:00:00:00:77')
  })

  test('may change its MAC', async t => {
    const { scope, client, node, mac } = await lab(t)
    const link = await linkIn(scope, node)
    set(link, VIP)
    await learns(client, VIP, mac)
    await announcedAll(link)
    await sh(node, 'ip link set eth0 address 02:00:00:00:00:99')
    await eventually(async () => assert.match(await neighbour(client, VIP), /:99/))
  })

  test('gives way to the bridge of which it becomes a port', async t => {
    const { scope, client, node, mac } = await lab(t)
    const link = await linkIn(scope, node)
    set(link, VIP)
    await learns(client, VIP, mac)
    await sh(node, 'ip link add br0 address 02:00:00:00:00:bb type bridge; ip link set br0 up')
    await sh(node, 'ip link set eth0 master br0')
    await eventually(async () => {
      const { interfaces } = await link.ask({ do: 'interfaces' }, 'interfaces')
      assert.deepEqual(
        (interfaces as AnnouncerInterface[]).map(one => one.name),
        ['br0'],
      )
    })
    await learns(client, VIP, '02:00:00:00:00:bb')
  })

  test('is in as many groups as it has addresses, beyond the limit of one socket', async t => {
    const { scope, client, node, mac } = await lab(t)
    const link = await linkIn(scope, node)
    const many = Array.from({ length: 3000 }, (_, i) => `2001:db8::1:${(i + 1).toString(16)}`)
    set(link, ...many)
    await learns(client, '2001:db8::1:1', mac)
    await learns(client, '2001:db8::1:bb8', mac)
    const joined = async () =>
      Number(await sh(node, `grep -c 'eth0 *ff0200000000000000000001ff01' /proc/net/igmp6 || true`))
    assert.equal(await joined(), 3000)
    set(link, VIP)
    await eventually(async () => assert.equal(await joined(), 0))
    await learns(client, VIP, mac)
  })

  test('is let go at a stop, and nothing keeps the process alive', async t => {
    const { scope, client, node, mac } = await lab(t)
    const link = await linkIn(scope, node)
    set(link, VIP)
    await learns(client, VIP, mac)
    const { stopped } = await link.ask({ do: 'stop' }, 'stopped')
    assert.ok(Number(stopped) < 2000, `${stopped} ms`)
    assert.equal(await link.end(), 0)
  })
})

describe('without raw-socket', needs('netns'), () => {
  test('IPv4 is announced all the same, and the log says what to install, once', async t => {
    const { scope, client, node } = await lab(t)
    const build = fileURLToPath(new URL('../../../node_modules/raw-socket/build', import.meta.url))
    await sh(node, `[ ! -d ${build} ] || mount -t tmpfs none ${build}`) // seen by this namespace alone
    const wire = await wireIn(scope, client)
    const link = await linkIn(scope, node)
    set(link, VIP, '10.7.0.50')
    assert.deepEqual(await wire.ask('10.7.0.50'), [await macOf(node)])
    set(link, VIP, OTHER, '10.7.0.50')
    const { addresses } = await countersOf(link)
    assert.deepEqual(Object.keys(addresses), ['10.7.0.50'])
    const warnings = link.said.filter(line => line.log === 'warn')
    assert.equal(warnings.length, 1)
    assert.match(String(warnings[0]?.remedy), /apt-get install .*npm rebuild raw-socket/)
  })
})
