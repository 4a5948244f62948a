import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { makeCertificates } from '../../infra/certificates.ts'
import { apiServer } from '../support/apiserver.ts'
import { needs } from '../support/capabilities.ts'
import { type Cli, herald, readyz } from '../support/cli.ts'
import { privateRedis } from '../support/redis.ts'
import { freePorts } from '../support/redis-shapes.ts'
import { type Scope, undoing } from '../support/undo.ts'
import { until } from '../support/until.ts'

const HERALD = fileURLToPath(new URL('../../workers/herald.mjs', import.meta.url))
const ANY_PORT = ['--health-address', '127.0.0.1:0']
/** They mostly wait; but loading a watcher takes seconds of processor time. */
const AT_ONCE = { ...needs('redis'), concurrency: 2 }
/** For processes that start beside a whole test suite on two cores. */
const START_LIMIT_MS = 150_000
const COMMANDS = [
  'up',
  'watcher',
  'allocator',
  'announcer',
  'console',
  'client',
  'kubectl',
  'explain',
  'history',
  'reserve',
  'release',
  'secrets',
  'migrate',
  'completion',
  'walkthrough',
]

async function ended(cli: Cli): Promise<{ code: number | null; said: string }> {
  const code = await cli.exit
  return { code, said: cli.said() }
}

describe('herald, as a user sees it', { concurrency: 3 }, () => {
  test('whoever has read enough of what is said may close the pipe', () => {
    const { stderr, stdout } = spawnSync('sh', ['-c', `"${HERALD}" --help | head -1`], {
      encoding: 'utf8',
    })
    assert.deepEqual([stderr, stdout], ['', 'Usage: herald [options] [command]\n'])
  })

  test('--help names every command', async t => {
    const { code, said } = await ended(herald(t, ['--help']))
    assert.equal(code, 0)
    for (const one of COMMANDS) assert.match(said, new RegExp(`^  ${one} .+`, 'm'))
    assert.match(said, /Exit codes: 0 .*1 .*2 /)
  })

  for (const command of COMMANDS) {
    test(`${command} --help says what it does, what it needs, and shows an example`, async t => {
      const { code, said } = await ended(herald(t, [command, '--help']))
      assert.equal(code, 0)
      assert.match(said, /Needs: .+/)
      assert.match(said, new RegExp(`Example: herald ${command}`))
      const options = said.split('\n').filter(line => /^ +--/.test(line))
      for (const line of options) assert.match(line, /^ +--[a-z-]+ <\S+> +\S/)
    })
  }

  const usage: readonly [string, readonly string[], RegExp][] = [
    ['a misspelt option', ['allocator', '--redis-ulr', 'x'], /'--redis-ulr'.*mean --redis-url/s],
    ['an option without value', ['allocator', '--redis-url'], /argument missing/],
    ['no such option', ['allocator', '--context', 'x'], /"herald allocator --help" explains/],
    ['a misspelt command', ['alocator'], /unknown command 'alocator'.*Did you mean allocator/s],
    ['no command', [], /Commands:/],
  ]
  for (const [what, args, words] of usage) {
    test(`wrong usage exits 2 and says it: ${what}`, async t => {
      const { code, said } = await ended(herald(t, args))
      assert.equal(code, 2)
      assert.match(said, words)
    })
  }

  test('wrong settings exit 2, all of them listed, no password shown', async t => {
    const environment = { HERALD_LOG_LEVEL: 'loud', REDIS_URL: 'redis://:geheim@h/x' }
    const args = ['watcher', '--cluster', 'A', '--kubeconfig', '/nowhere/config']
    const { code, said } = await ended(herald(t, args, environment))
    assert.equal(code, 2)
    assert.match(said, /^4 settings are wrong/)
    for (const one of [/--cluster is "A"/, /HERALD_LOG_LEVEL is/, /REDIS_URL is/]) {
      assert.match(said, one)
    }
    assert.match(said, /--kubeconfig is "\/nowhere\/config": there is no such file/)
    assert.doesNotMatch(said, /geheim|at .*\.ts/)
  })

  test('a health address in use exits 2 and names the setting', async t => {
    const [port = 0] = await freePorts(1)
    const other = createServer().listen(port, '127.0.0.1')
    t.after(() => other.close())
    const health = ['--health-address', `127.0.0.1:${port}`]
    const { code, said } = await ended(herald(t, ['allocator', '--redis-url', '/x', ...health]))
    assert.equal(code, 2)
    assert.match(said, /--health-address/)
  })
})

describe('herald allocator', AT_ONCE, () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`gets ready, and ${signal} ends it with exit code 0`, async t => {
      const undo = undoing(t)
      const redis = await privateRedis(undo)
      const cli = herald(undo, ['allocator', '--redis-url', redis.path, ...ANY_PORT])
      assert.deepEqual(JSON.parse(await readyz(cli, 200)), { ok: true, checks: { redis: null } })
      const { code, tookMs } = await cli.stop(signal)
      assert.equal(code, 0)
      assert.ok(tookMs < 7000, `took ${tookMs} ms`) // 5 s, and some for a busy machine
    })
  }

  test('without Redis says so, stays, can be stopped, and gets ready when Redis comes', async t => {
    const undo = undoing(t)
    const redis = await privateRedis(undo)
    await redis.stop()
    const args = ['allocator', '--redis-url', redis.path, ...ANY_PORT]
    const [stays, goes] = [herald(undo, args), herald(undo, args)]
    assert.match(await readyz(goes, 503, /RedisUnreachable/), /Start it, or point --redis-url/)
    assert.equal((await goes.stop('SIGTERM')).code, 0)
    await readyz(stays, 503, /RedisUnreachable/)
    await redis.start()
    await readyz(stays, 200)
    await redis.stop()
    await readyz(stays, 503, /connection is/)
    assert.ok(stays.lines().length < 30, stays.said())
    await redis.start()
    await readyz(stays, 200)
    await redis.stop()
    const { code, tookMs } = await stays.stop('SIGTERM')
    assert.equal(code, 0)
    assert.ok(tookMs < 7000, `took ${tookMs} ms without Redis`)
  })
})

describe('herald watcher with a kubeconfig that points nowhere', AT_ONCE, () => {
  const cases: readonly [string, (undo: Scope) => Promise<Kubeconfig>, RegExp][] = [
    ['a server that refuses connections', refusing, /ECONNREFUSED/],
    ['an authority that did not sign', strangeAuthority, /certificate/i],
    ['a token that is not known', strangeToken, /401.*Renew the token/],
  ]
  for (const [what, make, words] of cases) {
    test(`${what}: said with a remedy, no crash, no busy loop`, async t => {
      const undo = undoing(t)
      const redis = await privateRedis(undo)
      const path = kubeconfig(undo, await make(undo))
      const args = ['watcher', '--redis-url', redis.path, '--kubeconfig', path, ...ANY_PORT]
      const cli = herald(undo, args)
      const told = () => cli.lines().filter(line => /warn|error/.test(line.level))
      await until(
        'it says so',
        () => told().some(line => words.test(JSON.stringify(line))),
        START_LIMIT_MS,
      )
      const begunMs = Date.now()
      await readyz(cli, 503)
      await until('three seconds have gone', () => Date.now() - begunMs > 3000)
      assert.ok(told().length <= 60, `${told().length} lines:\n${cli.said()}`)
      assert.doesNotMatch(cli.said(), /a bug|geheim/)
      t.diagnostic(JSON.stringify(told()[0]))
      t.diagnostic(`${told().length} lines; /readyz ${(await cli.ready())?.text}`)
      const { code } = await cli.stop('SIGTERM')
      assert.equal(code, 0)
    })
  }

  const broken: readonly [string, string, RegExp][] = [
    ['is not YAML', '{', /kubeconfig/i],
    ['has no current context', 'apiVersion: v1\nkind: Config\n', /context/],
  ]
  for (const [what, text, words] of broken) {
    test(`one that ${what} ends it with exit code 2 or 1 and says what is wrong`, async t => {
      const undo = undoing(t)
      const folder = mkdtempSync(join(tmpdir(), 'herald-main-'))
      undo.after(() => rmSync(folder, { recursive: true }))
      const path = join(folder, 'config')
      writeFileSync(path, text)
      const redis = await privateRedis(undo)
      const args = ['watcher', '--redis-url', redis.path, '--kubeconfig', path, ...ANY_PORT]
      const { code, said } = await ended(herald(undo, args))
      assert.ok(code === 1 || code === 2, `exit code ${code}`)
      assert.match(said, words)
      assert.doesNotMatch(said, /at .*\.ts:\d/)
    })
  }
})

interface Kubeconfig {
  readonly server: string
  readonly ca: string
  readonly token: string
}

async function refusing(): Promise<Kubeconfig> {
  const [port] = await freePorts(1)
  const { ca } = makeCertificates(['127.0.0.1'])
  return { server: `https://127.0.0.1:${port}`, ca, token: 'geheim' }
}

async function strangeAuthority(undo: Scope): Promise<Kubeconfig> {
  const { url, token } = await apiServer(undo)
  return { server: url, ca: makeCertificates(['127.0.0.1']).ca, token }
}

async function strangeToken(undo: Scope): Promise<Kubeconfig> {
  const { url, ca } = await apiServer(undo)
  return { server: url, ca, token: 'geheim' }
}

function kubeconfig(undo: Scope, { server, ca, token }: Kubeconfig): string {
  const folder = mkdtempSync(join(tmpdir(), 'herald-main-'))
  undo.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'config')
  const data = Buffer.from(ca).toString('base64')
  const text = JSON.stringify({
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'it' },
    clusters: [{ name: 'it', cluster: { server, 'certificate-authority-data': data } }],
    users: [{ name: 'it', user: { token } }],
    contexts: [{ name: 'it', context: { cluster: 'it', user: 'it' } }],
  })
  writeFileSync(path, text)
  return path
}
