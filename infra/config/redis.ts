import { readFileSync } from 'node:fs'

/** How to reach Redis; complete: nothing is looked up later. */
export interface RedisConfig {
  readonly mode: 'standalone' | 'sentinel' | 'cluster'
  /** The server; the sentinels; or nodes of the cluster to begin with. */
  readonly endpoints: readonly RedisEndpoint[]
  readonly username: string | null
  readonly password: string | null
  /** Of the user herald-console-admin; null: whoever reads also acts. */
  readonly adminPassword: string | null
  readonly db: number
  /** Null: no TLS. `ca`: PEM; null = the authorities that Node trusts. */
  readonly tls: { readonly ca: string | null } | null
  /** Only read in mode sentinel. */
  readonly sentinel: { readonly name: string; readonly password: string | null }
}

export type RedisEndpoint =
  | { readonly host: string; readonly port: number }
  | { readonly path: string }

export interface RedisSettings {
  readonly redisUrl: string
  readonly redisMode: RedisConfig['mode']
  readonly redisSentinelName: string
  readonly redisSentinelPassword: string | null
  readonly redisUsername: string | null
  readonly redisPassword: string | null
  readonly redisPasswordFile: string | null
  readonly redisAdminPasswordFile: string | null
  readonly redisCaFile: string | null
}

/** A server of our own, on a Unix socket. */
export const socketConfig = (path: string): RedisConfig => ({
  mode: 'standalone',
  endpoints: [{ path }],
  username: null,
  password: null,
  adminPassword: null,
  db: 0,
  tls: null,
  sentinel: { name: '', password: null },
})

const DEFAULT_PORT = { standalone: 6379, cluster: 6379, sentinel: 26_379 }

/**
 * Puts the settings that concern Redis together. Says every mistake through `mistake`, in words that
 * never repeat a password, and then returns null.
 */
export function redisConfig(
  given: RedisSettings,
  mistake: (setting: keyof RedisSettings, why: string) => void,
): RedisConfig | null {
  let wrong = false
  const complain = (setting: keyof RedisSettings, why: string): null => {
    wrong = true
    mistake(setting, why)
    return null
  }
  const read = (
    setting: 'redisPasswordFile' | 'redisAdminPasswordFile' | 'redisCaFile',
  ): string | null => {
    const path = given[setting]
    try {
      return path === null ? null : readFileSync(path, 'utf8')
    } catch (error) {
      return complain(setting, `it cannot be read (${(error as NodeJS.ErrnoException).code})`)
    }
  }

  const urls = given.redisUrl.split(',').map(url => parseUrl(url.trim(), given.redisMode))
  for (const url of urls) if (typeof url === 'string') complain('redisUrl', url)
  const servers = urls.filter(url => typeof url !== 'string')
  const [first] = servers
  if (new Set(servers.map(server => server.tls)).size > 1) {
    complain('redisUrl', 'either all URLs use TLS (rediss://) or none')
  }
  if (given.redisMode === 'standalone' && urls.length > 1) {
    complain('redisUrl', 'several URLs need --redis-mode sentinel or cluster')
  }
  if (given.redisMode !== 'standalone' && servers.some(server => 'path' in server.endpoint)) {
    complain('redisUrl', `mode ${given.redisMode} needs host names, not sockets`)
  }
  if (given.redisMode === 'cluster' && first && first.db !== 0) {
    complain('redisUrl', 'a Redis Cluster has only database 0')
  }
  const passwordFromFile = read('redisPasswordFile')?.trim() ?? null
  const adminPassword = read('redisAdminPasswordFile')?.trim() ?? null
  const ca = read('redisCaFile')
  if (wrong || !first) return null
  return {
    mode: given.redisMode,
    endpoints: servers.map(server => server.endpoint),
    username: given.redisUsername ?? first.username,
    password: given.redisPassword ?? passwordFromFile ?? first.password,
    adminPassword,
    db: first.db,
    tls: first.tls ? { ca } : null,
    sentinel: { name: given.redisSentinelName, password: given.redisSentinelPassword },
  }
}

interface Server {
  readonly endpoint: RedisEndpoint
  readonly tls: boolean
  readonly username: string | null
  readonly password: string | null
  readonly db: number
}

/** What one URL says, or why it says nothing. */
function parseUrl(url: string, mode: RedisConfig['mode']): Server | string {
  const plain = { tls: false, username: null, password: null, db: 0 }
  if (url.startsWith('/')) return { ...plain, endpoint: { path: url } }
  // A URL with a user but no host is none; we need one where the socket is.
  const whole = url.replace(/^(unix:\/\/[^/]*@)\//, '$1localhost/')
  if (!URL.canParse(whole)) {
    return 'it must be redis://host:port, rediss://host:port, unix:///path or /path; in a password, write / as %2F and @ as %40'
  }
  const { protocol, hostname, port, pathname, username, password } = new URL(whole)
  const [user, secret] = [decoded(username), decoded(password)]
  if (user === undefined || secret === undefined) return 'in a user or password, write % as %25'
  const credentials = { username: user, password: secret }
  if (protocol === 'unix:') return { ...plain, ...credentials, endpoint: { path: pathname } }
  if (protocol !== 'redis:' && protocol !== 'rediss:') {
    return `"${protocol}//" is not understood: use redis://, rediss:// or unix://`
  }
  if (!/^\/?\d{0,3}$/.test(pathname))
    return 'what follows the host must be the number of a database'
  return {
    endpoint: {
      host: hostname.replace(/^\[|\]$/g, '') || '127.0.0.1',
      port: Number(port) || DEFAULT_PORT[mode],
    },
    tls: protocol === 'rediss:',
    ...credentials,
    db: Number(pathname.slice(1)),
  }
}

/** Null for none, undefined for what is not percent-encoded (RFC 3986 section 2.1). */
function decoded(text: string): string | null | undefined {
  try {
    return decodeURIComponent(text) || null
  } catch {
    return undefined
  }
}
