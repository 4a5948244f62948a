/**
 * Makes the Secrets of an installation, where they are missing: the password of its Redis, the key of the beats, the admin
 * token of the console. What is there stays as it is and is not even read: an upgrade, or a second run, changes nothing.
 */
import { randomBytes } from 'node:crypto'
import type { UpConfig } from '../infra/config.ts'
import { ApiError, connectKubernetes, type KubernetesApi } from '../infra/kubernetes/client.ts'
import type { World } from '../infra/process.ts'

/** Name and key, as infra/deploy/helm mounts them. */
const SECRETS = [
  ['herald-redis', 'password'],
  ['herald-beat', 'keys'],
  ['herald-console', 'admin-token'],
] as const
const BYTES = 32

export async function runSecrets({ config, log }: World<UpConfig>): Promise<number> {
  const api = await connectKubernetes({ kubeconfig: config.kubeconfig, context: config.context })
  try {
    for (const [name, key] of SECRETS) {
      const made = await make(api, config.namespace, name, key)
      log.info({ secret: `${config.namespace}/${name}` }, made ? 'made' : 'is there already')
    }
    return 0
  } finally {
    api.close()
  }
}

/** False when there is one of that name. */
async function make(
  api: KubernetesApi,
  namespace: string,
  name: string,
  key: string,
): Promise<boolean> {
  const labels = { 'app.kubernetes.io/name': 'herald' }
  const body = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, labels },
    type: 'Opaque',
    data: { [key]: Buffer.from(randomBytes(BYTES).toString('hex')).toString('base64') },
  }
  const path = `/api/v1/namespaces/${namespace}/secrets`
  try {
    await api.request({ method: 'POST', path, body, repeatable: true })
    return true
  } catch (error) {
    if (error instanceof ApiError && error.status === 409) return false
    throw error
  }
}
