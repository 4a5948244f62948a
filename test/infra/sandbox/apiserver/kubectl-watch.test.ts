/** The real kubectl watching the sandbox: a line for each change, for as long as it is left to run. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { kubectlPath } from '../../../../infra/sandbox/kubectl.ts'
import { apiServer } from '../../../support/apiserver.ts'
import { needs } from '../../../support/capabilities.ts'
import { kubectlRun } from '../../../support/kubectl.ts'
import { until } from '../../../support/until.ts'

const server = await apiServer({ after })

test('kubectl get -w prints a line for every change', needs('kubectl'), async t => {
  const { store } = server
  store.create('services', serviceOf('first'))
  const lines = await watching(t, ['get', 'svc', '-w', '--no-headers'])
  await until('what is there is listed', () => lines.some(line => line.startsWith('first ')))

  store.create('services', serviceOf('second'))
  await until('what is new is told', () => lines.some(line => /^second .*<pending>/.test(line)))
  store.patchStatus('services', 'default', 'second', {
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } },
  })
  await until('an address is told', () => lines.some(line => /^second .* 192\.0\.2\.1 /.test(line)))
  assert.equal(lines.filter(line => line.startsWith('first ')).length, 1)
})

test('kubectl wait ends when the address is there', needs('kubectl'), async () => {
  const { store, kubeconfigPath } = server
  store.create('services', serviceOf('awaited'))
  const path = '--for=jsonpath={.status.loadBalancer.ingress[0].ip}=192.0.2.9'
  const waiting = kubectlRun(kubeconfigPath, ['wait', path, 'svc/awaited', '--timeout=50s'])
  store.patchStatus('services', 'default', 'awaited', {
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.9' }] } },
  })
  assert.deepEqual(await waiting, {
    ...{ code: 0, stderr: '' },
    stdout: 'service/awaited condition met\n',
  })
})

async function watching(
  t: { after(undo: () => void): void },
  args: readonly string[],
): Promise<string[]> {
  const { kubeconfigPath } = server
  const child = spawn(await kubectlPath(), ['--kubeconfig', kubeconfigPath, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, HOME: '/nonexistent', KUBECACHEDIR: `${kubeconfigPath}.cache` },
  })
  t.after(() => child.kill('SIGKILL'))
  const lines: string[] = []
  createInterface({ input: child.stdout }).on('line', line => lines.push(line))
  return lines
}

const serviceOf = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
})
