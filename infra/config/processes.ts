/** The commands of `herald`, and which settings each takes. */
import type { SettingName } from './settings.ts'

const COMMON = ['logLevel', 'cluster', 'prefix'] as const
const REDIS = [
  'redisUrl',
  'redisMode',
  'redisSentinelName',
  'redisUsername',
  'redisPasswordFile',
  'redisPassword',
  'redisSentinelPassword',
  'redisCaFile',
] as const
const BEATS = ['beatKeysFile', 'beatKeys'] as const
const CONSOLE = ['consoleAddress', 'adminTokenFile', 'adminToken'] as const
const KUBERNETES = [
  'kubeconfig',
  'context',
  'namespace',
  'loadBalancerClass',
  'pod',
  'webhook',
  'webhookHost',
] as const

/** Of commands that ask Redis, or a console, and write nothing. */
const ASKING = ['consoleUrl', 'stateDir', ...REDIS, ...COMMON] as const

/** Which settings each command takes. */
export const SETTINGS_OF = {
  watcher: [...REDIS, ...KUBERNETES, 'windowsKeyFile', ...COMMON, 'clusters', 'healthAddress'],
  allocator: [
    ...REDIS,
    'concurrency',
    'coolDown',
    'quarantine',
    ...COMMON,
    'clusters',
    'healthAddress',
  ],
  announcer: [
    ...REDIS,
    'nodeName',
    'excludeInterfaces',
    'probe',
    ...BEATS,
    'windowsPublicKeyFile',
    'stateDir',
    ...COMMON,
    'clusters',
    'healthAddress',
  ],
  console: [...REDIS, 'redisAdminPasswordFile', ...CONSOLE, ...COMMON, 'healthAddress'],
  up: [
    ...REDIS,
    ...CONSOLE,
    ...KUBERNETES,
    'nodeName',
    'excludeInterfaces',
    'probe',
    ...BEATS,
    'stateDir',
    'allocators',
    'watchers',
    'concurrency',
    'coolDown',
    'quarantine',
    ...COMMON,
    'healthAddress',
  ],
  client: ['stateDir', 'logLevel'],
  kubectl: ['stateDir', 'logLevel'],
  explain: ['output', ...ASKING],
  describe: ['output', ...ASKING],
  history: ['output', ...ASKING],
  secrets: ['kubeconfig', 'context', 'namespace', 'logLevel'],
  migrate: ['output', 'kubeconfig', 'context', 'namespace', 'loadBalancerClass', 'logLevel'],
  get: ['output', 'watch', ...ASKING],
  top: ASKING,
  reserve: ['service', 'for', 'output', 'stateDir', ...REDIS, ...COMMON, 'clusters'],
  release: ['output', 'stateDir', ...REDIS, ...COMMON, 'clusters'],
  drain: ['output', 'stateDir', ...REDIS, ...COMMON],
  undrain: ['output', 'stateDir', ...REDIS, ...COMMON],
  rebalance: ['dryRun', 'output', 'stateDir', ...REDIS, ...COMMON],
  completion: [],
  walkthrough: [],
} as const satisfies Readonly<Record<string, readonly SettingName[]>>

export type ProcessName = keyof typeof SETTINGS_OF

/** Where a process answers health questions unless told otherwise; commands, and what `up` starts, stay silent. */
export const healthFallback = (process: ProcessName): string => HEALTH_ADDRESSES[process] ?? 'off'

const HEALTH_ADDRESSES: Readonly<Partial<Record<ProcessName, string>>> = {
  watcher: '127.0.0.1:17471',
  allocator: '127.0.0.1:17472',
  announcer: '127.0.0.1:17473',
  console: '127.0.0.1:17474',
}
