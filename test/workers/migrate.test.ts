/** `herald migrate`, as a user runs it: against the sandbox's API server, which it must not change. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { readCrds } from '../../infra/deploy/manifests.ts'
import type { ApiServer } from '../../infra/sandbox/apiserver/server.ts'
import { apiServer } from '../support/apiserver.ts'
import { needs } from '../support/capabilities.ts'
import { herald } from '../support/cli.ts'
import { ARTICLE_CONFIG, putConfigMap, putService } from '../support/cluster.ts'
import { kubectlRun } from '../support/kubectl.ts'
import { type Scope, undoing } from '../support/undo.ts'

describe('herald migrate', () => {
  const t = undoing({ after })
  let api: ApiServer
  before(async () => {
    api = await apiServer(t)
    for (const crd of readCrds()) {
      api.store.create('customresourcedefinitions.apiextensions.k8s.io', crd)
    }
    putConfigMap(api, ARTICLE_CONFIG)
    putService(api, 'web')
    api.store.patchStatus('services', 'default', 'web', {
      status: { loadBalancer: { ingress: [{ ip: '192.168.50.211' }] } },
    })
  })

  const migrate = async (t: Scope, ...args: readonly string[]) => {
    const cli = herald(undoing(t), ['migrate', ...args])
    return { code: await cli.exit, said: cli.said() }
  }
  const check = (t: Scope) =>
    migrate(t, 'check', '--kubeconfig', api.kubeconfigPath, '--output', 'json')

  test('check: exit code 0 and no changes while every Service would keep what it has', async t => {
    const { code, said } = await check(t)
    assert.deepEqual(JSON.parse(said), { first: [], changes: [] })
    assert.equal(code, 0)
    assert.equal(api.counters.writes(), 0, 'it writes nothing')
  })

  test('check: MetalLB that runs is named, whichever way it was installed', async t => {
    for (const [name, label] of [
      ['controller-1', 'app'],
      ['metallb-speaker-1', 'app.kubernetes.io/name'],
    ] as const) {
      api.store.create('pods', {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { namespace: 'metallb-system', name, labels: { [label]: 'metallb' } },
        spec: { containers: [{ name: 'a', image: 'a' }] },
      })
    }
    const { code, said } = await check(t)
    const { first } = JSON.parse(said)
    const named = first.map((one: { subject: string }) => one.subject)
    assert.deepEqual(named, [
      'Pod metallb-system/controller-1',
      'Pod metallb-system/metallb-speaker-1',
    ])
    assert.equal(code, 0)
  })

  test('check: exit code 3 and the Service by name when its address is in no pool', async t => {
    api.store.patchStatus('services', 'default', 'web', {
      status: { loadBalancer: { ingress: [{ ip: '203.0.113.9' }] } },
    })
    const { code, said } = await migrate(t, 'check', '--kubeconfig', api.kubeconfigPath)
    assert.match(said, /Service default\/web +would lose 203\.0\.113\.9/)
    assert.equal(code, 3)
  })

  const unusable: readonly (readonly [string, RegExp, string, RegExp])[] = [
    ['refuses', /token: .*/, 'token: nobodys', /refuses what is needed: GET .*401 Unauthorized/],
    ['is not there', /(server: https:.*:)\d+/, '$11', /does not answer .*ECONNREFUSED/],
  ]
  for (const [what, part, instead, words] of unusable) {
    test(`check: an API server that ${what} is no bug, and it is said what to do`, async t => {
      const folder = mkdtempSync(join(tmpdir(), 'herald-migrate-'))
      t.after(() => rmSync(folder, { recursive: true }))
      const path = join(folder, 'kubeconfig')
      writeFileSync(path, readFileSync(api.kubeconfigPath, 'utf8').replace(part, instead))
      const { code, said } = await migrate(t, 'check', '--kubeconfig', path)
      assert.equal(code, 1)
      assert.match(said, words)
      assert.match(said, /--kubeconfig/)
      assert.doesNotMatch(said, /A bug/)
    })
  }

  test('configmap: what it prints can be applied', needs('kubectl'), async t => {
    const folder = mkdtempSync(join(tmpdir(), 'herald-migrate-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'config.yaml')
    writeFileSync(file, ARTICLE_CONFIG)
    const { code, said } = await migrate(t, 'configmap', file)
    assert.equal(code, 0, said)
    const applied = await kubectlRun(api.kubeconfigPath, ['apply', '-f', '-'], { input: said })
    assert.equal(applied.code, 0, applied.stderr)
    assert.match(applied.stdout, /ipaddresspool\S* created\nl2advertisement\S* created/)
  })

  test('wrong usage ends with 2, a wrong ConfigMap with the line that is wrong', async t => {
    assert.equal((await migrate(t, 'everything')).code, 2)
    const { code, said } = await migrate(t, 'configmap', '/proc/self/limits')
    assert.notEqual(code, 0)
    assert.match(said, /is not converted/)
  })
})
