/**
 * Makes the Secrets of an installation, where they are missing: the passwords of its Redis, the key of the beats, the admin
 * token of the console, the keys of the pool windows. What is there stays as it is and is not even read: an upgrade, or
 * a second run, changes nothing.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { UpConfig } from '../infra/config.ts'
import { ApiError, type KubernetesApi } from '../infra/kubernetes/client.ts'
import type { World } from '../infra/process.ts'
import { OPERATORS, PROCESSES, userName } from '../infra/redis/acl.ts'
import { withKubernetes } from './reach.ts'

/** Name and keys, as infra/deploy/helm mounts them. */
const SECRETS: readonly (readonly [name: string, keys: readonly string[]])[] = [
  ['herald-redis', ['password']],
  ['herald-redis-users', PROCESSES.map(userName)],
  ['herald-redis-operators', OPERATORS.map(userName)],
  ['herald-beat', ['keys']],
  ['herald-console', ['admin-token']],
]
const BYTES = 32

export function runSecrets({ config, log }: World<UpConfig>): Promise<number> {
  return withKubernetes(config, async api => {
    const make = async (name: string, data: Readonly<Record<string, string>>) => {
      const made = await create(api, config.namespace, name, data)
      log.info({ secret: `${config.namespace}/${name}` }, made ? 'made' : 'is there already')
      return made
    }
    for (const [name, keys] of SECRETS) {
      const random = () => randomBytes(BYTES).toString('hex')
      await make(name, Object.fromEntries(keys.map(key => [key, random()])))
    }
    // Two Secrets, since a node may read whole Secrets of its pods: announcers get no private key.
    const { privateKey, publicKey } = windowsKeys()
    if (await make('herald-windows-private', { 'private.pem': privateKey })) {
      await make('herald-windows-public', { 'public.pem': publicKey })
    }
    return 0
  })
}

const windowsKeys = () =>
  generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })

/** False when there is one of that name. */
async function create(
  api: KubernetesApi,
  namespace: string,
  name: string,
  data: Readonly<Record<string, string>>,
): Promise<boolean> {
  const labels = { 'app.kubernetes.io/name': 'herald' }
  const encoded = Object.entries(data).map(([key, text]) => [
    key,
    Buffer.from(text).toString('base64'),
  ])
  const body = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, labels },
    type: 'Opaque',
    data: Object.fromEntries(encoded),
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
