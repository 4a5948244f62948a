/** Which addresses may be announced is signed by a watcher and believed by announcers, whatever Redis says. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { readWindows, signWindows } from '../../functions/announce/windows.ts'
import { readConfig } from '../../infra/config.ts'
import { openMetrics } from '../../infra/metrics/metrics.ts'
import type { World } from '../../infra/process.ts'
import { openBound } from '../../workers/bound.ts'
import { needs } from '../support/capabilities.ts'
import { putConfigMap } from '../support/cluster.ts'
import { keptLog } from '../support/log.ts'
import { undoing } from '../support/undo.ts'
import { until } from '../support/until.ts'
import { type Watched, WIDE, watched } from '../support/watching.ts'

const ours = generateKeyPairSync('ed25519')
const another = generateKeyPairSync('ed25519')
const KEY = '{herald}:default:windows'

describe('pool windows', needs('redis'), () => {
  const scope = undoing({ after })
  const folder = mkdtempSync(join(tmpdir(), 'herald-windows-'))
  scope.after(() => rmSync(folder, { recursive: true }))
  const pem = join(folder, 'private.pem')
  let cluster: Watched
  const signed = async () => {
    const line = await cluster.client.get(KEY)
    return line === null ? null : readWindows(line, ours.publicKey, 'default')
  }
  const hold = (addresses: readonly string[]) =>
    until(
      `signed are ${addresses}`,
      async () => String((await signed())?.addresses) === `${addresses}`,
    )

  before(async () => {
    writeFileSync(pem, ours.privateKey.export({ type: 'pkcs8', format: 'pem' }))
    cluster = await watched(scope, { windowsKeyFile: pem })
    await cluster.atWork()
  })

  test('are what Kubernetes has; a pool that only Redis has is none', async () => {
    await hold(['10.20.0.0/21'])
    const { version = 0 } = (await signed()) ?? {}
    const forged = { kind: 'IPAddressPool', name: 'evil', spec: { addresses: ['192.0.2.0/24'] } }
    await cluster.client.hset(
      '{herald}:default:objects',
      'IPAddressPool/evil',
      `9 ${JSON.stringify(forged)}`,
    )
    putConfigMap(
      cluster.api,
      `${WIDE}- name: more\n  protocol: layer2\n  addresses: [10.30.0.0/24]\n`,
    )
    await hold(['10.20.0.0/21', '10.30.0.0/24'])
    assert.ok(((await signed())?.version ?? 0) > version)
  })

  test('are signed again, with a greater version, after Redis has lost them', async () => {
    const { version = 0 } = (await signed()) ?? {}
    await cluster.client.flushall()
    await hold(['10.20.0.0/21', '10.30.0.0/24'])
    assert.ok(((await signed())?.version ?? 0) > version)
  })

  test('lose nothing while a part of the configuration is refused', async () => {
    putConfigMap(cluster.api, WIDE.replace('10.20.0.0/21', '10.20.0.0-nonsense'))
    const refused = () => cluster.log.lines.some(({ message }) => /refused/.test(message))
    await until('it is refused', refused)
    assert.deepEqual((await signed())?.addresses, ['10.20.0.0/21', '10.30.0.0/24'])
  })

  test('hold an announcer from its first word on, and through a restart', async () => {
    const { client } = cluster
    await client.set('{herald}:other:windows', 'nothing signed')
    const line = (version: number, addresses: string[], key = ours.privateKey) =>
      signWindows({ cluster: 'other', version, addresses }, key)
    const redisHas = (text: string) => client.set('{herald}:other:windows', text)
    const world = announcerWorld(folder)
    let began = false
    const opening = openBound(ours.publicKey, cluster.state, reached, world).then(bound => {
      began = true
      return bound
    })
    await until('it says what it waits for', () => world.waits.length > 0)
    assert.ok(!began)
    await redisHas(line(5, ['10.0.0.1-10.0.0.2']))
    const bound = await opening
    assert.equal(bound.ranges().length, 1)

    const complaints = () => world.log.lines.filter(({ level }) => level === 'error').length
    const before = complaints()
    for (const [what, text] of [
      ['an older one', line(4, ['10.0.0.0/8'])],
      ['one of the same version', line(5, ['10.0.0.0/8'])],
      ['one of another key', line(6, ['10.0.0.0/8'], another.privateKey)],
      [
        'one of another cluster',
        signWindows({ cluster: 'x', version: 6, addresses: [] }, ours.privateKey),
      ],
    ] as const) {
      await redisHas(text)
      assert.equal(await bound.look(), null, what)
      assert.equal(await bound.look(), null, what)
    }
    assert.equal(complaints(), before + 4, 'each is said once')
    await client.del('{herald}:other:windows')
    assert.equal(await bound.look(), null, 'absence is no order')
    await redisHas(line(6, ['10.0.0.0/30', '2001:db8::/64']))
    assert.equal((await bound.look())?.length, 2)

    await redisHas(line(5, ['10.0.0.0/8']))
    const again = await openBound(ours.publicKey, cluster.state, unreached, announcerWorld(folder))
    assert.deepEqual(again.ranges(), bound.ranges())
    assert.equal(await again.look(), null, 'older than what it knew before')
  })
})

const reached = async () => {}
const unreached = () => Promise.reject(new Error('Redis is not needed for what is kept'))

function announcerWorld(stateDir: string) {
  const log = keptLog()
  const waits: string[] = []
  const flags = { redisUrl: '/nowhere', cluster: 'other', stateDir }
  const config = readConfig('announcer', { flags, environment: {} }) as World['config']
  const { signal } = new AbortController()
  const waitingFor = (what: string) => void waits.push(what)
  return { config, log, metrics: openMetrics(log), signal, waitingFor, waits }
}
