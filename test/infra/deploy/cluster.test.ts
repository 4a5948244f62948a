/** What the chart renders, in a cluster: the sandbox's API server takes it, and each process lives with its own Role alone. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { endProcess } from '../../../infra/child.ts'
import { CHART, helm, renderChart } from '../../../infra/deploy/helm.ts'
import { openBells } from '../../../infra/queue/queues.ts'
import type { ApiServer } from '../../../infra/sandbox/apiserver/server.ts'
import { apiServer } from '../../support/apiserver.ts'
import { needs } from '../../support/capabilities.ts'
import { herald, readyz } from '../../support/cli.ts'
import { addressesOf, eventsOf, putService } from '../../support/cluster.ts'
import { kubectl, kubectlRun } from '../../support/kubectl.ts'
import { mountFiles, variablesOf } from '../../support/kubelet.ts'
import { keptLog } from '../../support/log.ts'
import { objectsOf, type PodSpec, podsOf } from '../../support/manifests.ts'
import { type Scope, undoing } from '../../support/undo.ts'
import { until } from '../../support/until.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const HOME = 'metallb-system'
/** Secrets, by what is in them. */
const RANDOM = [
  'herald-redis',
  'herald-redis-users',
  'herald-redis-operators',
  'herald-beat',
  'herald-console',
]
const WINDOWS = ['herald-windows-private', 'herald-windows-public']
const POOL = `
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: { name: first, namespace: ${HOME} }
spec: { addresses: [192.0.2.10-192.0.2.20] }
---
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata: { name: first, namespace: ${HOME} }
`

describe('what is rendered, in a cluster', needs('kubectl', 'redis'), () => {
  const t = undoing({ after })
  let api: ApiServer
  let folder = ''
  let socket = ''
  let pods: ReturnType<typeof podsOf> = []

  before(async () => {
    api = await apiServer(t, { rbac: true })
    folder = mkdtempSync(join(tmpdir(), 'herald-cluster-'))
    t.after(() => rmSync(folder, { recursive: true }))
    socket = join(folder, 'redis.sock')
    await kubectl(api.kubeconfigPath, 'apply', '-f', join(ROOT, 'infra/deploy/crds'))
    const metadata = { name: 'node-a' }
    api.store.create('nodes', { apiVersion: 'v1', kind: 'Node', metadata })
  })

  const specOf = (name: string): PodSpec => {
    const spec = pods.find(pod => pod.name === name)?.spec
    assert.ok(spec, name)
    return spec
  }
  /** Gives the process of a pod its files and tells it what the manifest does, but for where they are in this test. */
  const told = (name: string): Record<string, string> => {
    const root = join(folder, name)
    mountFiles(specOf(name), api, HOME, root)
    const { HERALD_REDIS_URL: url = '', ...variables } = variablesOf(specOf(name), POD)
    const here = Object.entries(variables).map(([variable, value]) => [
      variable,
      value.startsWith('/run/secrets/') ? join(root, value) : value,
    ])
    return {
      ...Object.fromEntries(here),
      HERALD_REDIS_URL: url.replace(/^redis:(.*@).*/, `unix:$1${socket}`),
      HERALD_STATE_DIR: join(root, 'state'),
      HERALD_HEALTH_ADDRESS: '127.0.0.1:0',
    }
  }

  test('helm installs, upgrades, goes back and uninstalls', async () => {
    const release = async (verb: string, ...more: string[]) =>
      helm(verb, 'herald', ...more, '--namespace', 'elsewhere', '--kubeconfig', api.kubeconfigPath)
    const replicas = () => {
      const watcher = api.store.get('deployments.apps', 'elsewhere', 'herald-watcher')
      return watcher ? (watcher.spec as { replicas: number }).replicas : null
    }
    await release('install', CHART, '--create-namespace', '--no-hooks')
    assert.equal(replicas(), 2)
    await release('upgrade', CHART, '--no-hooks', '--set', 'watcher.replicas=3')
    assert.equal(replicas(), 3)
    await release('rollback', '1', '--no-hooks')
    assert.equal(replicas(), 2)
    await release('uninstall', '--no-hooks')
    assert.equal(replicas(), null)
    const definition = 'ipaddresspools.metallb.io'
    assert.ok(api.store.get('customresourcedefinitions.apiextensions.k8s.io', '', definition))
  })

  test('kubectl applies it strictly, and again without a change', async () => {
    const text = await renderChart([
      'namespace.create=true',
      'webhook.enabled=true',
      'signedWindows.enabled=true',
    ])
    pods = podsOf(objectsOf(text))
    const apply = () =>
      kubectlRun(api.kubeconfigPath, ['apply', '--validate=strict', '-f', '-'], { input: text })
    const first = await apply()
    assert.equal(first.code, 0, first.stderr)
    assert.equal(first.stderr, '', 'no warnings')
    const second = await apply()
    assert.equal(second.code, 0, second.stderr)
    for (const line of second.stdout.trim().split('\n')) assert.match(line, / unchanged$/)
  })

  test('the Job makes the Secrets, once, and may not read them', async t => {
    const { kubeconfigPath } = api.issueToken(HOME, 'herald-secrets')
    const run = async () => {
      const environment = { ...variablesOf(specOf('herald-secrets-0-1-0'), POD) }
      const cli = herald(undoing(t), ['secrets', '--kubeconfig', kubeconfigPath], environment)
      assert.equal(await cli.exit, 0, cli.said())
      return [...RANDOM, ...WINDOWS].map(name => api.store.get('secrets', HOME, name)?.data)
    }
    const made = await run()
    assert.ok(made.every(Boolean))
    const secrets = made.slice(0, RANDOM.length).flatMap(data => Object.values(data ?? {}))
    for (const secret of secrets)
      assert.match(Buffer.from(String(secret), 'base64').toString(), /^[0-9a-f]{64}$/)
    assert.equal(new Set(secrets).size, secrets.length)
    assert.deepEqual(await run(), made)
    assert.equal(await mayI(kubeconfigPath, 'get', 'secrets'), 'no')
  })

  test('Redis starts by its own script, and lets nobody in without a password', async () => {
    const root = join(folder, 'herald-redis')
    mountFiles(specOf('herald-redis'), api, HOME, root)
    for (const path of ['data', 'run/redis']) mkdirSync(join(root, path), { recursive: true })
    const scripts = join(root, 'etc/herald')
    for (const file of readdirSync(scripts)) {
      const text = readFileSync(join(scripts, file), 'utf8')
      writeFileSync(
        join(scripts, file),
        text.replaceAll(/(?<=[ "])\/(?=etc|run|data)/g, `${root}/`),
      )
    }
    appendFileSync(join(scripts, 'redis.conf'), `port 0\nunixsocket ${socket}\n`)
    const server = spawn('sh', [join(scripts, 'start.sh')], { stdio: 'ignore' })
    t.after(() => endProcess(server))
    const ping = readFileSync(join(scripts, 'ping.sh'), 'utf8')
    const check = ping.replace('redis-cli', `redis-cli -s ${socket}`)
    await until('its probe passes', () => spawnSync('sh', ['-c', check]).status === 0)
    const stranger = spawnSync('redis-cli', ['-s', socket, 'GET', 'a'], { encoding: 'utf8' })
    assert.match(stranger.stdout, /NOAUTH/)
    assert.equal(statSync(join(root, 'run/redis/users.acl')).mode & 0o077, 0)
  })

  test('a Service gets its address from a watcher and an allocator that hold their own rights only', async () => {
    const { kubeconfigPath } = api.issueToken(HOME, 'herald-watcher')
    const flags = ['--kubeconfig', kubeconfigPath, '--webhook', 'off'] // it is no Service's pod here
    const watcher = herald(t, ['watcher', ...flags], told('herald-watcher'))
    const allocator = herald(t, ['allocator'], told('herald-allocator'))
    await Promise.all([readyz(watcher, 200), readyz(allocator, 200)])
    const applied = await kubectlRun(api.kubeconfigPath, ['apply', '-f', '-'], { input: POOL })
    assert.equal(applied.code, 0, applied.stderr)
    api.store.create('endpointslices.discovery.k8s.io', {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        namespace: 'default',
        name: 'web',
        labels: { 'kubernetes.io/service-name': 'web' },
      },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.244.0.9'], nodeName: 'node-a', conditions: { ready: true } }],
      ports: [],
    })
    putService(api, 'web')
    await until('it has its address', () => addressesOf(api, 'web') === '192.0.2.10', 150_000)
    assert.doesNotMatch(watcher.said(), /forbidden|permission is missing/i)
    for (const [verb, what] of [
      ['get', 'secrets'],
      ['patch', 'services'],
      ['create', 'pods'],
      ['list', 'secrets'],
    ] as const) {
      assert.equal(await mayI(kubeconfigPath, verb, what), 'no', `${verb} ${what}`)
    }
  })

  test('accounts of processes without credentials may do nothing at all', async () => {
    for (const account of ['herald-allocator', 'herald-announcer', 'herald-console']) {
      const { kubeconfigPath } = api.issueToken(HOME, account)
      assert.equal(await mayI(kubeconfigPath, 'list', 'services'), 'no', account)
      assert.equal(await mayI(kubeconfigPath, 'get', 'configmaps'), 'no', account)
    }
  })

  test('the console shows it, and lets act whoever has the token of its Secret', async t => {
    const environment = told('herald-console')
    const token = readFileSync(environment.HERALD_ADMIN_TOKEN_FILE ?? '', 'utf8')
    const cli = herald(undoing(t), ['console'], {
      ...environment,
      HERALD_CONSOLE_ADDRESS: '127.0.0.1:0',
    })
    const served = () => cli.lines().find(line => line.msg === 'the console is served')
    await until('it is served', () => served() !== undefined, 150_000)
    const url = String(served()?.address)
    const explained = async () => (await fetch(`${url}explain/service/default/web`)).text()
    await until('it explains the address', async () => /192\.0\.2\.10/.test(await explained()))
    const act = async (what: 'pause' | 'resume', authorization: string) => {
      const path = `${url}admin/queues/api/queues/allocate/${what}`
      return (await fetch(path, { method: 'PUT', headers: { authorization } })).status
    }
    assert.equal(await act('pause', 'Bearer another'), 401)
    await until('it is paused', async () => (await act('pause', `Bearer ${token}`)) === 200)
    assert.equal(await act('resume', `Bearer ${token}`), 200)
  })

  test('the announcer needs no capability but NET_RAW', needs('netns'), async () => {
    const announcer = confined(t, { ...told('herald-announcer'), HERALD_NODE_NAME: 'node-a' })
    const answering = () => announcer.said().includes('announcer is answering')
    await until('it announces on its interface', answering, 150_000).catch(error => {
      throw new Error(`${error}: ${announcer.said()}`)
    })
    assert.match(announcer.said(), /"interfaces":\["eth0"/)
    const file = join(folder, 'herald-announcer/state/claims.json')
    const answers = () => existsSync(file) && readFileSync(file, 'utf8').includes('192.0.2.10')
    await until('it answers for the Service', answers, 30_000)
    const assigned = () => eventsOf(api, 'web').filter(one => one.startsWith('nodeAssigned'))
    await until('that is said', () => assigned().length > 0, 30_000)

    const password = readFileSync(join(folder, 'herald-redis/run/secrets/redis/password'), 'utf8')
    const intruder = new Redis({ path: socket, password })
    const bells = openBells(intruder, '{herald}', keptLog())
    t.after(() => bells.close().then(() => intruder.disconnect()))
    const address = '203.0.113.1'
    const owner = { node: 'node-a', interfaces: null }
    const epoch = { number: 999, node: 'node-a' }
    const more = { standbys: [], reason: 'so says Redis', sinceMs: 0 }
    const forged = { v: 1, group: address, addresses: [address], epoch, owner, ...more }
    await intruder.hset('{herald}:default:placements', address, JSON.stringify(forged))
    await intruder.zadd('{herald}:dirty:announce-default-node-a', 1, address)
    await bells.ring('announce-default-node-a', ['all'])
    const refusal = /"address":"203\.0\.113\.1".*in no pool window/
    await until('it refuses what only Redis says', () => refusal.test(announcer.said()), 30_000)
    assert.doesNotMatch(announcer.said(), /"address":"192\.0\.2\.10".*in no pool window/)
  })

  test('Redis has refused them nothing that they need', () => {
    const password = readFileSync(join(folder, 'herald-redis/run/secrets/redis/password'), 'utf8')
    const env = { ...process.env, REDISCLI_AUTH: password }
    const asked = ['-s', socket, '--json', 'ACL', 'LOG']
    const log = spawnSync('redis-cli', asked, { env, encoding: 'utf8' }).stdout
    const refused = (JSON.parse(log) as Refusal[]).filter(
      one => one.username !== 'default' && one.object !== 'client|list', // the board does without
    )
    assert.deepEqual(refused, [])
  })
})

interface Refusal {
  readonly username: string
  readonly object: string
}

const POD: Readonly<Record<string, string>> = {
  POD_NAME: 'herald-watcher-0',
  POD_UID: '0f8fad5b-d9cb-469f-a165-70867728950e',
}

async function mayI(kubeconfigPath: string, verb: string, what: string): Promise<string> {
  const asked = ['auth', 'can-i', verb, what, '--namespace', HOME]
  return (await kubectlRun(kubeconfigPath, asked)).stdout.trim()
}

/** Root in a network of its own, of whose capabilities only one is left; nothing that it starts gets more. */
function confined(t: Scope, environment: Record<string, string>): { said(): string } {
  const setup =
    'ip link set lo up && ip link add eth0 type veth peer name lan0 && ip addr add 192.0.2.2/24 dev eth0 && ip link set lan0 up && ip link set eth0 up'
  const limits = '--no-new-privs --bounding-set=-all,+net_raw --inh-caps=-all'
  const program = join(ROOT, 'workers/herald.mjs')
  const script = `${setup} && exec setpriv ${limits} "${process.execPath}" "${program}" announcer`
  const child: ChildProcess = spawn('unshare', ['--net', 'sh', '-c', script], {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => endProcess(child))
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', chunk => {
      said += chunk
    })
  }
  return { said: () => said }
}
