/**
 * Makes the Secrets of an installation, where they are missing: the passwords of its Redis, the key of the beats, the admin
 * token of the console. What is there stays as it is and is not even read: an upgrade, or a second run, changes nothing.
 */
import { randomBytes } from 'node:crypto'
import type { UpConfig } from '../infra/config.ts'
import { ApiError, connectKubernetes, type KubernetesApi } from '../infra/kubernetes/client.ts'
import type { World } from '../infra/process.ts'
import { USERS, userName } from '../infra/redis/acl.ts'

/** Name and keys, as infra/deploy/helm mounts them. */
const SECRETS: readonly (readonly [name: string, keys: readonly string[]])[] = [
  ['herald-redis', ['password']],
  ['herald-redis-users', USERS.map(userName)],
  ['herald-beat', ['keys']],
  ['herald-console', ['admin-token']],
]
const BYTES = 32

export async function runSecrets({ config, log }: World<UpConfig>): Promise<number> {
  const api = await connectKubernetes({ kubeconfig: config.kubeconfig, context: config.context })
  try {
    for (const [name, keys] of SECRETS) {
      const made = await make(api, config.namespace, name, keys)
      log.info({ secret: `${config.namespace}/${name}` }, made ? 'made' : 'is there already')
    }
    return 0
  } finally {
    api.close()
  }
}

const secret = (): string => Buffer.from(randomBytes(BYTES).toString('hex')).toString('base64')

/** False when there is one of that name. */
async function make(
  api: KubernetesApi,
  namespace: string,
  name: string,
  keys: readonly string[],
): Promise<boolean> {
  const labels = { 'app.kubernetes.io/name': 'herald' }
  const body = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, labels },
    type: 'Opaque',
    data: Object.fromEntries(keys.map(key => [key, secret()])),
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
