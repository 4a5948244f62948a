import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AnnouncerInterface } from '../../../functions/model/node.ts'
import { needs } from '../../support/capabilities.ts'
import { eventually } from '../../support/eventually.ts'
import { clientAndNode, linkIn, macOf, set, VIP, wireIn } from '../../support/link-lab.ts'
import { sh } from '../../support/segment.ts'
import type { Talk } from '../../support/talk.ts'

describe('an interface', { ...needs('netns'), concurrency: 3 }, () => {
  test('that goes down and comes up again answers again, and announces', async t => {
    const { scope, client, node, mac } = await clientAndNode(t)
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
    const { scope, lan, client, node, mac } = await clientAndNode(t)
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
    const { scope, lan, client, node } = await clientAndNode(t)
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
    const { scope, client, node, mac } = await clientAndNode(t)
    const wire = await wireIn(scope, client)
    const link = await linkIn(scope, node)
    set(link, [VIP, ['lan0']])
    await sh(node, 'ip link set eth0 down; ip link set eth0 name lan0; ip link set lan0 up')
    await heardInterfaces(link, ['lan0'])
    assert.deepEqual(await wire.ask(VIP), [mac])
  })

  test('whose MAC changes announces and answers with the new one', async t => {
    const { scope, client, node } = await clientAndNode(t)
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
    const { scope, lan, client } = await clientAndNode(t)
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
    const { scope, client, node } = await clientAndNode(t)
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

/** Waits until exactly these announce. */
async function heardInterfaces(link: Talk, names: readonly string[]) {
  await eventually(async () => {
    const { interfaces } = await link.ask({ do: 'interfaces' }, 'interfaces')
    assert.deepEqual(
      (interfaces as AnnouncerInterface[]).map(one => one.name),
      names,
    )
  })
}
