import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { runIn } from '../../../infra/sandbox/lan/namespace.ts'
import { askByARP } from '../../bench/questions.ts'
import { needs } from '../../support/capabilities.ts'
import { eventually } from '../../support/eventually.ts'
import {
  clientAndNode,
  countersOf,
  linkIn,
  macNumber,
  macOf,
  neighbour,
  question,
  set,
  VIP,
  wireIn,
} from '../../support/link-lab.ts'
import { sh } from '../../support/segment.ts'
import { talk } from '../../support/talk.ts'

describe('a peer', { ...needs('netns'), concurrency: 3 }, () => {
  test('learns our MAC when it asks, through its own kernel and through arping', async t => {
    const { scope, client, node, mac } = await clientAndNode(t)
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
    const { scope, lan, client, node, mac } = await clientAndNode(t)
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
    const { scope, client, node, mac } = await clientAndNode(t)
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
    const { scope, lan, client, node, mac } = await clientAndNode(t)
    const other = await lan.host('flood', '10.7.0.9/24')
    const link = await linkIn(scope, node)
    set(link, VIP)
    const wire = await wireIn(scope, client)
    await wire.ask(VIP)
    const flood = talk(
      '../bench/requester.ts',
      [await sh(other, 'cat /sys/class/net/eth0/ifindex')],
      other.enter,
    )
    scope.after(() => flood.end())
    const flooding = flood.ask(
      {
        ...askByARP({
          mac: macNumber(await macOf(other)),
          sender: 0x0a07_0009,
          target: 0x0a07_0032,
          targetMAC: macNumber(mac),
        }),
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
    const { scope, client, node, mac } = await clientAndNode(t)
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
