/** The chart, through a real helm (a development dependency). */
import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { aclOf } from '../redis/acl.ts'
import { helmPath } from '../sandbox/kubectl.ts'

export const CHART = fileURLToPath(new URL('helm/', import.meta.url))
/** What kubectl users apply, beside the CRDs: the chart as it is, with its namespace. */
export const MANIFESTS = fileURLToPath(new URL('manifests/herald.yaml', import.meta.url))

/** Who may touch what in the Redis that comes with the chart. */
export const USERS = fileURLToPath(new URL('helm/files/users.acl', import.meta.url))

/** Runs helm and answers what it printed. Throws what it complained of. */
export async function helm(...args: readonly string[]): Promise<string> {
  // Nothing of the user's own configuration, nothing left behind in his home.
  const home = join(tmpdir(), 'herald-helm')
  const env = {
    ...process.env,
    HELM_CACHE_HOME: home,
    HELM_CONFIG_HOME: home,
    HELM_DATA_HOME: home,
  }
  const limits = { maxBuffer: 64 * 1024 * 1024, timeout: 60_000 }
  const { stdout } = await promisify(execFile)(await helmPath(), [...args], { env, ...limits })
  return stdout
}

/** `set`: "path=value", as `--set` takes it. */
export async function renderChart(set: readonly string[] = []): Promise<string> {
  const values = set.flatMap(one => ['--set', one])
  return helm('template', 'herald', CHART, '--namespace', 'metallb-system', ...values)
}

/** The text of infra/deploy/helm/files/users.acl, as `start.sh` of the chart reads it. */
export const renderUsers = (): string => aclOf('{herald}')

/** The text of infra/deploy/manifests/herald.yaml. */
export async function renderManifests(): Promise<string> {
  const text = await renderChart(['namespace.create=true'])
  return `# Rendered from infra/deploy/helm by "npm run render": change the chart, not this file.\n${text}`
}
