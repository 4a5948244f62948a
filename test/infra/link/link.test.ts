import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import type { AnnouncerInterface } from '../../../functions/model/node.ts'
import { runIn } from '../../../infra/sandbox/lan/namespace.ts'
import { needs } from '../../support/capabilities.ts'
import { eventually } from '../../support/eventually.ts'
import {
  countersOf,
  linkIn,
  macNumber,
  macOf,
  neighbour,
  question,
  set,
  wireIn,
} from '../../support/link-lab.ts'
import { segment, sh } from '../../support/segment.ts'
import { talk } from '../../support/talk.ts'
import { type Scope, undoing } from '../../support/undo.ts'

const VIP = '10.7.0.50'

async function lab(t: Scope) {
  const scope = undoing(t)
  const lan = await segment(scope)
  const client = await lan.host('client', '10.7.0.1/24')
  const node = await lan.host('node', '10.7.0.3/24')
  return { scope, lan, client, node, mac: await macOf(node) }
}

describe('a peer', { ...needs('netns'), concurrency: 3 }, () => {
  test('learns our MAC when it asks, through its own kernel and through arping', async t => {
    const { scope, client, node, mac } = await lab(t)
    const link = await linkIn(scope, node)
    set(link, VIP, ['10.7.0.51', ['eth1']])
    await eventually(async () => {
      await runIn(client, ['ping', '-c1', '-W0.3', VIP])
      assert.match(await neighbour(client, VIP), new RegExp(`lladdr ${mac}`))
    })
    if (spawnSync('arping', ['-V']).status === 0) {
      const { code, stdout } = await runIn(client, ['arping', '-c2', '-w10', '-I', 'eth0', VIP])
      assert.equal(code, 0, stdout)
      assert.match(stdout, new RegExp(`reply from ${VIP} \\[${mac}\\]`, 'i'))
      const probed = await runIn(client, ['arping', '-D', '-c2', '-w10', '-I', 'eth0', VIP])
      assert.equal(probed.code, 1, 'duplicate address detection has to find it in use')
    }
    await eventually(async () => {
      const { addresses, drops } = await countersOf(link)
      assert.ok((addresses[VIP]?.responsesSent ?? 0) > 0)
      assert.ok((addresses[VIP]?.announcementsSent ?? 0) >= 2)
      assert.equal(drops.truncated, 0)
    })
  })

  test('believes the announcements of a new owner about a neighbour that it knows', async t => {
    const { scope, lan, client, node, mac } = await lab(t)
    const other = await lan.host('other', '10.7.0.4/24')
    const wire = await wireIn(scope, client)
    const first = await linkIn(scope, node)
    const second = await linkIn(scope, other)
    set(first, VIP)
    assert.deepEqual(await wire.ask(VIP), [mac], 'exactly one answers')
    await runIn(client, ['ping', '-c1', '-W0.3', VIP])
    await eventually(async () => assert.match(await neighbour(client, VIP), new RegExp(mac)))
    set(first)
    set(second, VIP)
    const moved = await macOf(other)
    await eventually(async () => assert.match(await neighbour(client, VIP), new RegExp(moved)))
    const since = wire.heard().length
    assert.deepEqual(await wire.ask(VIP), [moved], 'only the new one answers')
    assert.deepEqual(wire.answerers(VIP, since), [moved])
  })

  test('hears each new address in both forms, and none that stays', async t => {
    const { scope, client, node, mac } = await lab(t)
    const wire = await wireIn(scope, client)
    const link = await linkIn(scope, node)
    set(link, VIP)
    const announced = (address: string) =>
      wire.heard().filter(one => one.sender === address && one.target === address)
    await eventually(() => assert.equal(announced(VIP).length, 10), 30_000)
    assert.deepEqual(
      announced(VIP).map(one => one.operation),
      [1, 2, 1, 2, 1, 2, 1, 2, 1, 2],
    )
    assert.ok(announced(VIP).every(one => one.to === 'ff:ff:ff:ff:ff:ff' && one.senderMAC === mac))
    set(link, VIP, '10.7.0.51')
    await eventually(() => assert.ok(announced('10.7.0.51').length >= 2))
    assert.equal(announced(VIP).length, 10)
    link.say({ do: 'announce', addresses: [VIP] })
    await eventually(() => assert.ok(announced(VIP).length >= 12))
  })

  test('that floods is held back, and nobody else waits for it', async t => {
    const { scope, lan, client, node, mac } = await lab(t)
    const other = await lan.host('flood', '10.7.0.9/24')
    const link = await linkIn(scope, node)
    set(link, VIP)
    const wire = await wireIn(scope, client)
    await wire.ask(VIP)
    const flood = talk(
      '../bench/arp-requester.ts',
      [await sh(other, 'cat /sys/class/net/eth0/ifindex'), `${macNumber(await macOf(other))}`],
      other.enter,
    )
    scope.after(() => flood.end())
    const flooding = flood.ask(
      {
        sender: 0x0a07_0009,
        target: 0x0a07_0032,
        targetMAC: macNumber(mac),
        inFlight: 64,
        requests: 7000,
      },
      'outcome',
    )
    for (let i = 0; i < 20; i++) assert.deepEqual(await wire.ask(VIP), [mac])
    const { answered } = (await flooding).outcome as { answered: number }
    assert.ok(answered < 7000, `${answered}`)
    assert.ok(((await countersOf(link)).drops.rateLimited ?? 0) > 0)
  })

  test('that sends nonsense changes nothing, and each frame is counted by its reason', async t => {
    const { scope, client, node, mac } = await lab(t)
    const wire = await wireIn(scope, client)
    const link = await linkIn(scope, node)
    set(link, VIP, ['10.7.0.51', ['eth9']])
    await wire.ask(VIP)
    const good = Buffer.from(question(await macOf(client), VIP))
    const wrong = (at: number, octet: number) => {
      const frame = Buffer.from(good)
      frame[at] = octet
      return frame
    }
    const before = (await countersOf(link)).drops
    for (const frame of [
      good.subarray(0, 20),
      good.subarray(0, 41),
      Buffer.concat([good, Buffer.alloc(1514 - good.length)]),
      wrong(15, 6),
      wrong(17, 1),
      wrong(18, 8),
      wrong(19, 16),
      wrong(22, 0xff),
      Buffer.from(question(await macOf(client), '10.7.0.77')),
      Buffer.from(question(await macOf(client), '10.7.0.51')),
    ]) {
      await wire.send(frame)
    }
    await eventually(async () => {
      const { drops } = await countersOf(link)
      const grown = Object.entries(drops).flatMap(([reason, count]) =>
        count > (before[reason as keyof typeof drops] ?? 0) ? [reason] : [],
      )
      assert.deepEqual(grown.sort(), [
        'groupSender',
        'hardwareLength',
        'hardwareType',
        'notAnnounced',
        'notOnThisInterface',
        'protocolLength',
        'protocolType',
        'truncated',
      ])
    })
    assert.deepEqual(await wire.ask(VIP), [mac])
  })
})

describe('an interface', { ...needs('netns'), concurrency: 3 }, () => {
  test('that goes down and comes up again answers again, and announces', async t => {
    const { scope, client, node, mac } = await lab(t)
    const wire = await wireIn(scope, client)
    const link = await linkIn(scope, node)
    set(link, VIP)
    await wire.ask(VIP)
    await sh(node, 'ip link set eth0 down')
    await heardInterfaces(link, [])
    await sh(node, 'ip link set eth0 up')
    await heardInterfaces(link, ['eth0'])
    assert.deepEqual(await wire.ask(VIP), [mac])
  })

  test('whose carrier is lost and returns announces everything again', async t => {
    const { scope, lan, client, node, mac } = await lab(t)
    const wire = await wireIn(scope, client)
    const link = await linkIn(scope, node)
    set(link, VIP)
    const announced = () => wire.heard().filter(one => one.sender === VIP && one.target === VIP)
    await eventually(() => assert.equal(announced().length, 10), 30_000)
    await sh(lan.hub, 'ip link set node down')
    await eventually(async () =>
      assert.equal(await sh(node, 'cat /sys/class/net/eth0/carrier'), '0'),
    )
    await sh(lan.hub, 'ip link set node up')
    await eventually(() => assert.ok(announced().length > 10))
    assert.deepEqual(await wire.ask(VIP), [mac])
  })

  test('that is deleted and made again under the same name answers with its new MAC', async t => {
    const { scope, lan, client, node } = await lab(t)
    const wire = await wireIn(scope, client)
    const link = await linkIn(scope, node)
    set(link, VIP)
    await wire.ask(VIP)
    await sh(node, 'ip link del eth0')
    await sh(
      lan.hub,
      `ip link add node type veth peer name eth0 netns ${node.pid}; ip link set node master br0 up`,
    )
    await sh(node, 'ip link set eth0 address 02:00:00:00:00:77; ip link set eth0 up')
    await eventually(async () => assert.deepEqual(await wire.ask(VIP), ['02:00:00:00:00:77']))
  })

  test('that is renamed goes on under its new name, where the address may live', async t => {
    const { scope, client, node, mac } = await lab(t)
    const wire = await wireIn(scope, client)
    const link = await linkIn(scope, node)
    set(link, [VIP, ['lan0']])
    await sh(node, 'ip link set eth0 down; ip link set eth0 name lan0; ip link set lan0 up')
    await heardInterfaces(link, ['lan0'])
    assert.deepEqual(await wire.ask(VIP), [mac])
  })

  test('whose MAC changes announces and answers with the new one', async t => {
    const { scope, client, node } = await lab(t)
    const wire = await wireIn(scope, client)
    const link = await linkIn(scope, node)
    set(link, VIP)
    await wire.ask(VIP)
    await sh(node, 'ip link set eth0 address 02:00:00:00:00:99')
    await eventually(() =>
      assert.ok(wire.heard().some(one => one.sender === VIP && one.senderMAC.endsWith(':99'))),
    )
    await eventually(async () => assert.deepEqual(await wire.ask(VIP), ['02:00:00:00:00:99']))
  })

  test('that appears later announces what is already there', async t => {
    const { scope, lan, client } = await lab(t)
    const late = await lan.host('late', '10.7.0.8/24')
    await sh(late, 'ip link set eth0 down')
    const wire = await wireIn(scope, client)
    const link = await linkIn(scope, late)
    set(link, VIP)
    assert.deepEqual((await link.ask({ do: 'interfaces' }, 'interfaces')).interfaces, [])
    await sh(late, 'ip link set eth0 up')
    await heardInterfaces(link, ['eth0'])
    assert.deepEqual(await wire.ask(VIP), [await macOf(late)])
  })

  test('that becomes the port of a bridge gives way to the bridge', async t => {
    const { scope, client, node } = await lab(t)
    const wire = await wireIn(scope, client)
    const link = await linkIn(scope, node)
    set(link, VIP)
    await wire.ask(VIP)
    await sh(node, 'ip link add br0 address 02:00:00:00:00:bb type bridge; ip link set br0 up')
    await sh(node, 'ip link set eth0 master br0')
    await heardInterfaces(link, ['br0'])
    const since = wire.heard().length
    assert.deepEqual(await wire.ask(VIP), ['02:00:00:00:00:bb'])
    assert.deepEqual(wire.answerers(VIP, since), ['02:00:00:00:00:bb'])
  })
})

describe('the thread of the link', { ...needs('netns'), concurrency: 3 }, () => {
  test('answers while the main thread is blocked for 4 s', async t => {
    const { scope, client, node, mac } = await lab(t)
    const wire = await wireIn(scope, client)
    const link = await linkIn(scope, node)
    set(link, VIP)
    await wire.ask(VIP)
    let unblocked = false
    const blocked = link.ask({ do: 'block', ms: 4000 }, 'unblocked').then(() => {
      unblocked = true
    })
    for (let i = 0; i < 50; i++) assert.deepEqual(await wire.ask(VIP), [mac])
    assert.equal(unblocked, false)
    await blocked
  })

  test('costs next to nothing while nobody asks, with 1,000 addresses', async t => {
    const { scope, node } = await lab(t)
    const link = await linkIn(scope, node)
    const addresses = Array.from({ length: 1000 }, (_, i) => `10.8.${i >> 8}.${i & 255}`)
    set(link, ...addresses)
    await eventually(async () => {
      const counters = Object.values((await countersOf(link)).addresses)
      assert.ok(counters.every(one => one.announcementsSent >= 10))
    }, 60_000)
    const used = async () => {
      const { usage } = await link.ask({ do: 'usage' }, 'usage')
      const { user, system } = usage as NodeJS.CpuUsage
      return (user + system) / 1000
    }
    const [fromMs, before] = [performance.now(), await used()]
    await eventually(() => assert.ok(performance.now() - fromMs > 3000), 10_000)
    const share = ((await used()) - before) / (performance.now() - fromMs)
    assert.ok(share < 0.1, `${(share * 100).toFixed(1)} % of one core`)
  })

  test('stops at once, and ends with the process however that ends', async t => {
    const { scope, client, node } = await lab(t)
    const wire = await wireIn(scope, client)
    const link = await linkIn(scope, node)
    set(link, VIP)
    await wire.ask(VIP)
    const { stopped } = await link.ask({ do: 'stop' }, 'stopped')
    assert.ok(Number(stopped) < 2000, `${stopped} ms`)
    const since = wire.heard().length
    for (let i = 0; i < 5; i++) await wire.request(VIP)
    await runIn(client, ['ping', '-c1', '-W0.3', '10.7.0.3'])
    assert.deepEqual(wire.answerers(VIP, since), [])
    assert.equal(await link.end(), 0)
    const exiting = await linkIn(scope, node)
    const beganMs = performance.now()
    exiting.say({ do: 'exit' })
    assert.equal(await exiting.end(), 3)
    assert.ok(performance.now() - beganMs < 5000, 'process.exit() must not wait for poll(2)')
  })

  test('without NET_RAW says what to do', async t => {
    const { scope, node } = await lab(t)
    const bare = [...node.enter, 'setpriv', '--bounding-set=-net_raw', '--']
    const link = talk('./link-process.ts', ['^lo$'], bare)
    scope.after(() => link.end())
    const { code, fault } = await link.hear('fault', 0)
    assert.equal(code, 'NetRawMissing')
    assert.match(String(fault), /NET_RAW.*securityContext.*setcap/s)
  })
})

/** Waits until exactly these announce. */
async function heardInterfaces(link: ReturnType<typeof talk>, names: readonly string[]) {
  await eventually(async () => {
    const { interfaces } = await link.ask({ do: 'interfaces' }, 'interfaces')
    assert.deepEqual(
      (interfaces as AnnouncerInterface[]).map(one => one.name),
      names,
    )
  })
}
