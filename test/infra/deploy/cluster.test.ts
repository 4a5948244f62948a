/** What the chart renders, in a cluster: the sandbox's API server takes it, and each process lives with its own Role alone. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { endProcess } from '../../../infra/child.ts'
import { renderChart } from '../../../infra/deploy/helm.ts'
import { objectAt } from '../../../infra/sandbox/apiserver/object.ts'
import type { ApiServer } from '../../../infra/sandbox/apiserver/server.ts'
import { apiServer } from '../../support/apiserver.ts'
import { needs } from '../../support/capabilities.ts'
import { herald, readyz } from '../../support/cli.ts'
import { addressesOf, putService } from '../../support/cluster.ts'
import { kubectl, kubectlRun } from '../../support/kubectl.ts'
import { objectsOf, type PodSpec, podsOf } from '../../support/manifests.ts'
import { type PrivateRedis, privateRedis } from '../../support/redis.ts'
import { type Scope, undoing } from '../../support/undo.ts'
import { until } from '../../support/until.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const HOME = 'metallb-system'
const PASSWORD = 'correct horse'
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
  let redis: PrivateRedis
  let folder = ''
  let pods: ReturnType<typeof podsOf> = []

  before(async () => {
    api = await apiServer(t, { rbac: true })
    redis = await privateRedis(t)
    await redis.connect().config('SET', 'requirepass', PASSWORD)
    folder = mkdtempSync(join(tmpdir(), 'herald-cluster-'))
    t.after(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'password'), `${PASSWORD}\n`)
    writeFileSync(join(folder, 'keys'), 'a-key-of-the-beats\n')
    await kubectl(api.kubeconfigPath, 'apply', '-f', join(ROOT, 'infra/deploy/crds'))
  })

  /** What the manifest of a pod tells its process, but for where Redis and the files are in this test. */
  const told = (name: string): Record<string, string> => {
    const spec = pods.find(pod => pod.name === name)?.spec
    assert.ok(spec, name)
    const here = {
      HERALD_REDIS_URL: redis.path,
      HERALD_REDIS_PASSWORD_FILE: join(folder, 'password'),
      HERALD_BEAT_KEYS_FILE: join(folder, 'keys'),
      HERALD_STATE_DIR: join(folder, 'state'),
      HERALD_NODE_NAME: 'node-a',
      HERALD_HEALTH_ADDRESS: '127.0.0.1:0',
    }
    return { ...variablesOf(spec), ...here }
  }

  test('kubectl applies it strictly, and again without a change', async () => {
    const text = await renderChart(['namespace.create=true', 'webhook.enabled=true'])
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
      const environment = { ...variablesOf(specOf('herald-secrets-0-1-0', pods)) }
      const cli = herald(undoing(t), ['secrets', '--kubeconfig', kubeconfigPath], environment)
      assert.equal(await cli.exit, 0, cli.said())
      const names = ['herald-redis', 'herald-beat', 'herald-console']
      return names.map(name => api.store.get('secrets', HOME, name)?.data)
    }
    const made = await run()
    const secrets = made.flatMap(data => Object.values(data ?? {}))
    for (const secret of secrets)
      assert.match(Buffer.from(String(secret), 'base64').toString(), /^[0-9a-f]{64}$/)
    assert.equal(new Set(secrets).size, secrets.length)
    assert.deepEqual(await run(), made)
    assert.equal(await mayI(kubeconfigPath, 'get', 'secrets'), 'no')
  })

  test('the files that pods mount are those that the Job made', () => {
    for (const { name, spec } of pods) {
      for (const volume of (spec.volumes ?? []) as readonly SecretVolume[]) {
        if (!volume.secret) continue
        const held = api.store.get('secrets', HOME, volume.secret.secretName)?.data
        for (const { key } of volume.secret.items ?? [])
          assert.ok(objectAt({ held }, 'held')[key], `${name}: ${key}`)
      }
    }
  })

  test('a Service gets its address from a watcher and an allocator that hold their own rights only', async t => {
    const scope = undoing(t)
    const { kubeconfigPath } = api.issueToken(HOME, 'herald-watcher')
    const flags = ['--kubeconfig', kubeconfigPath, '--webhook', 'off'] // it is no Service's pod here
    const watcher = herald(scope, ['watcher', ...flags], told('herald-watcher'))
    const allocator = herald(scope, ['allocator'], told('herald-allocator'))
    await Promise.all([readyz(watcher, 200), readyz(allocator, 200)])
    const applied = await kubectlRun(api.kubeconfigPath, ['apply', '-f', '-'], { input: POOL })
    assert.equal(applied.code, 0, applied.stderr)
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
    const data = api.store.get('secrets', HOME, 'herald-console')?.data as Record<string, string>
    const token = Buffer.from(data['admin-token'] ?? '', 'base64').toString()
    writeFileSync(join(folder, 'admin-token'), token)
    const cli = herald(undoing(t), ['console'], {
      ...told('herald-console'),
      HERALD_CONSOLE_ADDRESS: '127.0.0.1:0',
      HERALD_ADMIN_TOKEN_FILE: join(folder, 'admin-token'),
    })
    const served = () => cli.lines().find(line => line.msg === 'the console is served')
    await until('it is served', () => served() !== undefined, 150_000)
    const url = String(served()?.address)
    const why = await fetch(`${url}explain/service/default/web`)
    assert.match(await why.text(), /192\.0\.2\.10/)
    const act = (authorization: string) =>
      fetch(`${url}admin/queues`, { headers: { authorization } }).then(answer => answer.status)
    assert.equal(await act(`Bearer ${token}`), 200)
    assert.equal(await act('Bearer another'), 401)
  })

  test('the announcer needs no capability but NET_RAW', needs('netns'), async t => {
    const announcer = confined(undoing(t), told('herald-announcer'))
    const answering = () => announcer.said().includes('announcer is answering')
    await until('it announces on its interface', answering, 150_000).catch(error => {
      throw new Error(`${error}: ${announcer.said()}`)
    })
    assert.match(announcer.said(), /"interfaces":\["eth0"/)
  })
})

interface SecretVolume {
  readonly name: string
  readonly secret?: { readonly secretName: string; readonly items?: readonly { key: string }[] }
}

function specOf(name: string, pods: ReturnType<typeof podsOf>): PodSpec {
  const spec = pods.find(pod => pod.name === name)?.spec
  assert.ok(spec, name)
  return spec
}

/** As the kubelet sets them: $(NAME) is an earlier one; the pod that it knows of is made up. */
function variablesOf({ containers }: PodSpec): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const { name, value = POD[name] ?? '' } of containers.flatMap(one => one.env ?? [])) {
    variables[name] = value.replace(/\$\((\w+)\)/g, (_, earlier) => variables[earlier] ?? '')
  }
  return variables
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
