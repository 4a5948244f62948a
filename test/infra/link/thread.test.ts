import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runIn } from '../../../infra/sandbox/lan/namespace.ts'
import { needs } from '../../support/capabilities.ts'
import { eventually } from '../../support/eventually.ts'
import { clientAndNode, countersOf, linkIn, set, VIP, wireIn } from '../../support/link-lab.ts'
import { talk } from '../../support/talk.ts'

describe('the thread of the link', { ...needs('netns'), concurrency: 3 }, () => {
  test('answers while the main thread is blocked for 4 s', async t => {
    const { scope, client, node, mac } = await clientAndNode(t)
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

  test('answers before and after it collects its garbage', async t => {
    const { scope, client, node, mac } = await clientAndNode(t)
    const wire = await wireIn(scope, client)
    const link = await linkIn(scope, node)
    set(link, VIP)
    for (let i = 0; i < 10; i++) {
      assert.deepEqual(await wire.ask(VIP), [mac])
      link.say({ do: 'collect' })
    }
    assert.deepEqual(await wire.ask(VIP), [mac])
  })

  test('costs next to nothing while nobody asks, with 1,000 addresses', async t => {
    const { scope, node } = await clientAndNode(t)
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
    const { scope, client, node } = await clientAndNode(t)
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
    const { scope, node } = await clientAndNode(t)
    const bare = [...node.enter, 'setpriv', '--bounding-set=-net_raw', '--']
    const link = talk('./link-process.ts', ['^lo$'], bare)
    scope.after(() => link.end())
    const { code, fault } = await link.hear('fault', 0)
    assert.equal(code, 'NetRawMissing')
    assert.match(String(fault), /NET_RAW.*securityContext.*setcap/s)
  })
})
