import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as after } from 'node:timers/promises'
import { needs } from '../support/capabilities.ts'
import { putConfigMap, putService } from '../support/cluster.ts'
import { relayTo } from '../support/relay.ts'
import { undoing } from '../support/undo.ts'
import { until } from '../support/until.ts'
import { denied, WIDE, watched } from '../support/watching.ts'

const names = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`)

describe('two watchers', needs('redis'), () => {
  test('one lags by seconds: nothing older wins, no status changes twice, and both publish', async t => {
    const herald = await watched(undoing(t))
    const { api, start } = herald
    const shown = new Map<string, string[]>()
    api.store.subscribe(({ object }) => {
      const { name } = object.metadata
      const now = herald.address(name)
      const seen = shown.get(name) ?? []
      if (now !== (seen.at(-1) ?? '')) shown.set(name, [...seen, now])
    }, 'services')
    const laggard = await relayTo(herald.scope, herald.kubeconfig, 'laggard')
    putConfigMap(api, WIDE)
    await start('allocator')
    await start('watcher')
    await start('watcher', { kubeconfig: laggard.kubeconfigPath })
    for (const name of names('s', 20)) putService(api, name)
    for (const name of names('s', 20)) await herald.hasAddress(name)
    // The laggard sees no change any more, but publishes like the other.
    laggard.cut('silent')
    const wished = names('s', 20).map((_, index) => `10.20.1.${index}`)
    for (const [index, loadBalancerIP] of wished.entries()) {
      api.store.patch('services', 'default', `s${index}`, { spec: { loadBalancerIP } })
    }
    for (const name of names('gone', 5)) putService(api, name)
    for (const name of names('gone', 5)) await herald.hasAddress(name)
    for (const name of names('gone', 5)) api.store.delete('services', 'default', name)
    await until('all have what they wish', () =>
      herald.addresses(names('s', 20)).every((address, index) => address === wished[index]),
    )
    const version = herald.versionOf('s0')
    laggard.mend()
    putService(api, 'late')
    await herald.hasAddress('late')
    await after(3000) // the laggard reads what it missed, older than what is known
    assert.deepEqual(herald.addresses(names('s', 20)), wished)
    assert.equal(herald.versionOf('s0'), version)
    for (const name of names('gone', 5)) await herald.holdsNothing(name)
    for (const [name, seen] of shown) {
      assert.ok(seen.length <= 2, `${name} showed ${seen.join(', then ')}`)
    }
    assert.deepEqual(denied(herald), [])
  })

  test('everything restarts, and nothing at all is written', async t => {
    const herald = await watched(undoing(t))
    const { api, start, state } = herald
    putConfigMap(api, WIDE)
    const first = [await start('allocator'), await start('watcher')]
    for (const name of names('s', 50)) putService(api, name)
    for (const name of names('s', 50)) await herald.hasAddress(name)
    const quiet = async () => {
      for (const queue of ['allocate', 'publish-default']) {
        await until(
          'every bell is answered',
          async () => (await state.dirtyKeys(queue)).length === 0,
        )
      }
      const map = () => api.store.get('configmaps', 'metallb-system', 'herald-state')
      await until('decisions are written down', () => map() !== null)
    }
    await quiet()
    await Promise.all(first.map(one => one.stop()))
    const before = api.store.revision
    const again = [await start('allocator'), await start('watcher'), await start('watcher')]
    for (const one of again) {
      await until('it is ready', async () =>
        Object.values(await one.ready()).every(why => why === null),
      )
    }
    await herald.client.hdel(state.keys.adopted, 'default') // all is adopted and decided anew
    await until('it is adopted', async () => (await herald.client.hlen(state.keys.adopted)) > 0)
    await quiet()
    await after(1500) // whoever looks every second has looked
    assert.equal(api.store.revision, before)
  })

  test('one loses the API server: it says so, asks seldom, leaves publishing to the other, and comes back', async t => {
    const herald = await watched(undoing(t))
    const { api, start, log } = herald
    putConfigMap(api, WIDE)
    await start('allocator')
    await start('watcher')
    const relay = await relayTo(herald.scope, herald.kubeconfig, 'cut')
    const cut = await start('watcher', { kubeconfig: relay.kubeconfigPath })
    putService(api, 'first')
    await herald.hasAddress('first')
    relay.cut()
    await until(
      'it pauses',
      () => log.lines.some(one => /is lost: publishing/.test(one.message)),
      40_000,
    )
    assert.match(
      String((await cut.ready()).kubernetes),
      /has not answered for 15 s: .*127\.0\.0\.1/,
    )
    assert.equal((await cut.ready()).redis, null)
    const asked = relay.asked()
    const startMs = performance.now()
    for (const name of names('s', 30)) putService(api, name)
    for (const name of names('s', 30)) await herald.hasAddress(name)
    await after(2000)
    // Seven kinds, each at most every 2.5 s by now; and the decisions.
    const perSecond = ((relay.asked() - asked) * 1000) / (performance.now() - startMs)
    assert.ok(perSecond < 10, `${perSecond} attempts a second are a busy loop`)
    relay.mend()
    await until('it is back', async () => (await cut.ready()).kubernetes === null, 40_000)
    await until('it publishes', () =>
      log.lines.some(one => /is back: publishing/.test(one.message)),
    )
  })
})
