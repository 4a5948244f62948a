import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Fault } from '../../functions/model/fault.ts'
import type { ProcessName } from '../../infra/config/processes.ts'
import { readConfig, type Sources } from '../../infra/config.ts'

const REDIS = { redisUrl: 'redis://redis' }

/** The words of the Fault, or '' when there is none. */
function complaint(
  flags: Sources['flags'],
  environment: Sources['environment'] = {},
  process: ProcessName = 'watcher',
): string {
  try {
    readConfig(process, { flags, environment })
    return ''
  } catch (error) {
    assert.ok(error instanceof Fault && error.code === 'ConfigInvalid')
    return error.message
  }
}

const redisOf = (url: string, more: Sources['flags'] = {}, environment = {}) =>
  readConfig('allocator', { flags: { redisUrl: url, ...more }, environment }).redis

describe('settings', () => {
  test('all mistakes are listed at once, each with what was given, where, and an example', () => {
    const text = complaint(
      { prefix: 'herald', cluster: 'Berlin', logLevel: 'loud' },
      { HERALD_HEALTH_ADDRESS: '17471', HERALD_NAMESPACE: 'a_b' },
    )
    assert.match(text, /^6 settings are wrong/)
    const mistakes: readonly RegExp[] = [
      /--redis-url is missing: .*Example: --redis-url redis:\/\/redis:6379 \(or HERALD_REDIS_URL=/,
      /--prefix is "herald": it must be a hash tag.*Example: --prefix \{herald\}/,
      /--cluster is "Berlin": it must be a DNS label/,
      /--log-level is "loud": it must be one of error, warn, info, debug/,
      /HERALD_HEALTH_ADDRESS is "17471": it must be host:port, or "off"/,
      /HERALD_NAMESPACE is "a_b": it must be a DNS label/,
      /"herald watcher --help" explains all of them/,
    ]
    for (const one of mistakes) assert.match(text, one)
  })

  test('a flag wins over a variable, HERALD_REDIS_URL over REDIS_URL, empty counts as not given', () => {
    const environment = {
      REDIS_URL: 'redis://least',
      HERALD_REDIS_URL: 'redis://middle',
      HERALD_CLUSTER: '',
    }
    const hostOf = (flags: Sources['flags'], given: Sources['environment']) => {
      const [endpoint] =
        readConfig('allocator', { flags, environment: given }).redis?.endpoints ?? []
      return endpoint && 'host' in endpoint && endpoint.host
    }
    assert.equal(hostOf({ redisUrl: 'redis://most' }, environment), 'most')
    assert.equal(hostOf({}, environment), 'middle')
    assert.equal(hostOf({}, { REDIS_URL: 'redis://least' }), 'least')
    assert.equal(readConfig('allocator', { flags: {}, environment }).cluster, 'default')
  })

  test('the own cluster is among the clusters', () => {
    const flags = { ...REDIS, cluster: 'b', clusters: 'c, a' }
    assert.deepEqual(readConfig('watcher', { flags, environment: {} }).clusters, ['a', 'b', 'c'])
  })

  test('what a process has no flag for stands at its default, whatever a variable says', () => {
    const environment = { HERALD_KUBECONFIG: '/nowhere', HERALD_CONCURRENCY: 'many' }
    assert.equal(readConfig('announcer', { flags: REDIS, environment }).kubeconfig, null)
    assert.match(
      complaint(REDIS, environment),
      /HERALD_KUBECONFIG is "\/nowhere": there is no such/,
    )
    assert.match(complaint(REDIS, environment, 'allocator'), /a whole number from 1 to 256/)
  })

  test('only "up" may come without a Redis', () => {
    assert.equal(readConfig('up', { flags: {}, environment: {} }).redis, null)
    for (const one of ['watcher', 'allocator', 'announcer'] as const) {
      assert.match(complaint({}, {}, one), /it must say where Redis is/)
    }
  })

  const probes: readonly [string, unknown][] = [
    ['off', { count: 0, intervalMs: 0 }],
    ['3x200ms', { count: 3, intervalMs: 200 }],
    ['1x10s', { count: 1, intervalMs: 10_000 }],
  ]
  for (const [probe, expected] of probes) {
    test(`--probe ${probe} is understood`, () => {
      const flags = { ...REDIS, probe }
      assert.deepEqual(readConfig('announcer', { flags, environment: {} }).probe, expected)
    })
  }
  for (const probe of ['3', '0x200ms', '3x200', '3x1ms', '3x11s', '12x200ms', 'on']) {
    test(`--probe ${probe} is refused`, () => {
      assert.match(complaint({ ...REDIS, probe }, {}, 'announcer'), /1 to 9 probes and 10ms to 10s/)
    })
  }

  const listens: readonly [string, unknown][] = [
    ['off', null],
    ['0.0.0.0:17471', { host: '0.0.0.0', port: 17471 }],
    ['[::1]:0', { host: '::1', port: 0 }],
    [':80', { host: '0.0.0.0', port: 80 }],
  ]
  for (const [given, expected] of listens) {
    test(`--health-address ${given} is understood`, () => {
      const flags = { ...REDIS, healthAddress: given }
      assert.deepEqual(readConfig('watcher', { flags, environment: {} }).health, expected)
    })
  }
})

describe('where Redis is', () => {
  const none = { username: null, password: null, adminPassword: null, db: 0, tls: null }
  const good: readonly [string, object][] = [
    ['redis://h', { endpoints: [{ host: 'h', port: 6379 }], ...none }],
    ['redis://[::1]:7/3', { endpoints: [{ host: '::1', port: 7 }], ...none, db: 3 }],
    ['/run/redis.sock', { endpoints: [{ path: '/run/redis.sock' }], ...none }],
    ['unix:///run/r.sock', { endpoints: [{ path: '/run/r.sock' }], ...none }],
    [
      'unix://u:p%40w@/run/r.sock',
      { endpoints: [{ path: '/run/r.sock' }], ...none, username: 'u', password: 'p@w' },
    ],
    [
      'rediss://u:p%2Fw@h:1',
      {
        endpoints: [{ host: 'h', port: 1 }],
        ...none,
        ...{ username: 'u', password: 'p/w', tls: { ca: null } },
      },
    ],
  ]
  for (const [url, expected] of good) {
    test(`${url} is understood`, () => {
      const { mode, sentinel, ...rest } = redisOf(url) ?? {}
      assert.deepEqual(rest, expected)
      assert.equal(mode, 'standalone')
      assert.equal(sentinel?.name, 'mymaster')
    })
  }

  test('several sentinels or cluster nodes, each with the port that is usual there', () => {
    const at = (mode: string) => redisOf('redis://a, redis://b:7', { redisMode: mode })?.endpoints
    assert.deepEqual(at('sentinel'), [
      { host: 'a', port: 26_379 },
      { host: 'b', port: 7 },
    ])
    assert.deepEqual(at('cluster'), [
      { host: 'a', port: 6379 },
      { host: 'b', port: 7 },
    ])
  })

  const bad: readonly [string, Sources['flags'], RegExp][] = [
    ['nonsense', {}, /it must be redis:\/\/host:port/],
    ['http://h', {}, /"http:\/\/" is not understood/],
    ['redis://h/one', {}, /must be the number of a database/],
    ['redis://a,redis://b', {}, /several URLs need --redis-mode/],
    ['redis://a,rediss://b', { redisMode: 'cluster' }, /either all URLs use TLS/],
    ['redis://a/1', { redisMode: 'cluster' }, /has only database 0/],
    ['/run/redis.sock', { redisMode: 'sentinel' }, /needs host names, not sockets/],
    ['redis://a', { redisMode: 'many' }, /one of standalone, sentinel, cluster/],
    ['redis://a', { redisCaFile: '/nowhere/ca' }, /--redis-ca-file .*cannot be read \(ENOENT\)/],
    ['redis://a', { redisPasswordFile: '/' }, /--redis-password-file .*cannot be read \(EISDIR\)/],
  ]
  for (const [url, more, words] of bad) {
    test(`${url} ${Object.values(more)} is refused with a reason`, () => {
      assert.match(complaint({ redisUrl: url, ...more }), words)
    })
  }

  test('the password comes from the variable, the file or the URL, in this order', t => {
    const folder = mkdtempSync(join(tmpdir(), 'herald-config-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const redisPasswordFile = join(folder, 'password')
    writeFileSync(redisPasswordFile, 'from file\n')
    const variable = { HERALD_REDIS_PASSWORD: 'from variable' }
    const url = 'redis://:from-url@h'
    assert.equal(redisOf(url, { redisPasswordFile }, variable)?.password, 'from variable')
    assert.equal(redisOf(url, { redisPasswordFile })?.password, 'from file')
    assert.equal(redisOf(url)?.password, 'from-url')
  })

  test('the user comes from its setting, or else from the URL', () => {
    const url = 'redis://from-url:p@h'
    assert.equal(redisOf(url, { redisUsername: 'from-setting' })?.username, 'from-setting')
    assert.equal(redisOf(url)?.username, 'from-url')
  })

  const secretive: readonly string[] = [
    'redis://user:geheim@h/x',
    'redis://:geheim@h:port',
    'redis://:ge/geheim@h',
    'redis://ge/geheim@h',
    'redis://:ge@geheim@h/x',
    'redis://:%geheim@h',
    'redis://:geheim',
    'redis://:geheim@a,redis://:geheim@b',
    'ftp://user:geheim@h',
  ]
  for (const url of secretive) {
    test(`the mistake in ${url.replaceAll('geheim', '…')} is told without the password`, () => {
      const text = complaint({ redisUrl: url })
      assert.notEqual(text, '')
      assert.doesNotMatch(text, /geheim/)
    })
  }
})
