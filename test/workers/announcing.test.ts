/** The announcer where it works: in the namespace of a node, beside others, with real frames. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { needs } from '../support/capabilities.ts'
import { eventually } from '../support/eventually.ts'
import { type Lab, lab } from '../support/lab.ts'
import { undoing } from '../support/undo.ts'

describe('an address on the LAN', needs('netns', 'redis', 'kubectl'), () => {
  let all: Lab
  const addresses: string[] = []
  const owners = new Map<string, string>()

  const scope = undoing({ after }) // said in a hook, `after` would be of the hook
  before(async () => {
    all = await lab(scope)
    for (const name of ['one', 'two', 'three']) await all.serve(name)
    for (const name of ['one', 'two', 'three']) addresses.push(await all.addressOf(name))
  })

  /** The one node that answers; fails while there is none, or more than one. */
  const ownerOf = (address: string, limitMs = 20_000) =>
    eventually(async () => {
      const answerers = await all.answerers(address)
      assert.equal(answerers.length, 1, `${address} is answered by [${answerers}]`)
      return answerers[0] ?? ''
    }, limitMs)

  it('is answered by exactly one node, and three are spread over three nodes', async () => {
    for (const address of addresses) owners.set(address, await ownerOf(address))
    assert.deepEqual([...new Set(owners.values())].sort(), ['node-a', 'node-b', 'node-c'])
    const silent = await all.answerers('192.168.50.219')
    assert.deepEqual(silent, [], 'an address that nobody holds')
  })

  it('is answered again by its node after the announcer there was killed', async () => {
    const [address = ''] = addresses
    const node = owners.get(address) ?? ''
    const pid = all.process(node).pid() ?? 0
    process.kill(pid, 'SIGKILL')
    await eventually(() => assert.notEqual(all.process(node).pid() ?? pid, pid))
    assert.equal(await ownerOf(address), node)
  })

  it('stays where it is, and answered, while Redis is away and when it comes back', async () => {
    await all.redis.stop()
    for (const [address, node] of owners) assert.equal(await ownerOf(address), node)
    await all.redis.start()
    for (const [address, node] of owners) assert.equal(await ownerOf(address), node)
  })

  it('stays where it is when Redis loses everything', async () => {
    await all.redis.connect().flushall()
    await eventually(async () => {
      const known = await all.redis.connect().keys('*placement*')
      assert.ok(known.length > 0, 'the announcers have said what they answer for')
    })
    for (const [address, node] of owners) assert.equal(await ownerOf(address), node)
    assert.equal(await all.addressOf('one'), addresses[0])
  })

  it('goes to another node when its node falls silent, and the old one yields when it is back', async () => {
    const [address = ''] = addresses
    const node = owners.get(address) ?? ''
    const pid = all.process(node).pid() ?? 0
    process.kill(pid, 'SIGSTOP')
    try {
      await eventually(async () => assert.notEqual(await ownerOf(address, 0), node), 40_000)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    const moved = await ownerOf(address)
    await eventually(async () => assert.deepEqual(await all.answerers(address), [moved]), 20_000)
    owners.set(address, moved)
  })

  it('is answered by another before its node stops, when the stop is planned', async () => {
    const [, address = ''] = addresses
    const node = owners.get(address) ?? ''
    const pinging = all.lan.exec('client', ['ping', '-i', '0.05', '-c', '100', '-W', '1', address])
    await all.process(node).stop()
    const { stdout } = await pinging
    assert.match(stdout, / 0% packet loss/, stdout.slice(-300))
    assert.notEqual(await ownerOf(address), node)
  })

  it('is not answered any more once its Service is gone', async () => {
    await all.kubectl('delete', 'svc', 'three')
    await eventually(async () => assert.deepEqual(await all.answerers(addresses[2] ?? ''), []))
  })
})
