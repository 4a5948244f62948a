/**
 * The only reader of flags and environment: a frozen Config, or one Fault that lists every mistake
 * with what was given, where, what is allowed, and an example.
 */
import { accessSync, constants, readFileSync } from 'node:fs'
import type * as z from 'zod'
import type { ProbePlan } from '../functions/announce/guard.ts'
import { Fault } from '../functions/model/fault.ts'
import { healthFallback, type ProcessName, SETTINGS_OF } from './config/processes.ts'
import { type RedisConfig, redisConfig } from './config/redis.ts'
import type { Listen, Setting } from './config/setting.ts'
import { SETTINGS, type SettingName } from './config/settings.ts'
import { type WindowsKeys, windowsKeysOf } from './config/windows.ts'

export type { RedisConfig } from './config/redis.ts'

type Given = { readonly [K in SettingName]: z.output<(typeof SETTINGS)[K]['schema']> | null }

/** What a process was told. Settings that it has no flag for stand at their defaults. */
export interface Config extends WindowsKeys {
  readonly process: ProcessName
  readonly redis: RedisConfig
  /** What all keys in Redis begin with: a hash tag. */
  readonly prefix: string
  readonly cluster: string
  /** All clusters that share the Redis, this one among them; sorted. */
  readonly clusters: readonly string[]
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug'
  /** Null: no health endpoint. */
  readonly health: Listen | null
  /** Null: no console. */
  readonly console: Listen | null
  /** Null: nobody may act in the console. */
  readonly adminToken: string | null
  /** Null: $KUBECONFIG, the pod's service account, ~/.kube/config. */
  readonly kubeconfig: string | null
  readonly context: string | null
  readonly namespace: string
  readonly loadBalancerClass: string | null
  /** Null: not in a pod, or nobody said which. */
  readonly pod: { readonly name: string; readonly uid: string } | null
  /** Null: no admission webhook. */
  readonly webhook: Listen | null
  /** Null: the API server reaches it through a Service of the cluster. */
  readonly webhookHost: string | null
  readonly concurrency: number
  /** How long an address rests after it was given up, ms; a pool may say otherwise. */
  readonly coolDownMs: number
  readonly nodeName: string
  readonly excludeInterfaces: readonly RegExp[]
  /** How a new address is probed before it is announced. */
  readonly probe: ProbePlan
  /** How long an address that another host turned out to have is kept back, ms; -1: for ever. */
  readonly quarantineMs: number
  /** Secrets of the beats between announcers, the one that signs first; null: one kept in Redis. */
  readonly beatKeys: readonly string[] | null
  readonly stateDir: string
  readonly allocators: number
  readonly watchers: number
  readonly output: 'table' | 'wide' | 'json' | 'yaml'
  readonly watch: boolean
  readonly dryRun: boolean
  /** Null: Redis is asked. */
  readonly consoleUrl: string | null
  /** "namespace/name" */
  readonly service: string | null
  /** How long an address is reserved, ms; -1: for ever. */
  readonly forMs: number
}

/** `up` brings its own Redis when it was given none. */
export type UpConfig = Omit<Config, 'redis'> & { readonly redis: RedisConfig | null }

export interface Sources {
  /** By setting, as given on the command line. */
  readonly flags: Readonly<Partial<Record<SettingName, string>>>
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** Throws Fault `ConfigInvalid` with every mistake at once. */
export function readConfig(process: ProcessName, sources: Sources): UpConfig {
  const mistakes: string[] = []
  const complain = (name: SettingName, why: string) => {
    mistakes.push(describe(name, sourceOf(name, sources), why))
  }
  const taken = new Set(SETTINGS_OF[process])
  const read = (name: SettingName) => {
    const setting: Setting<unknown> = SETTINGS[name]
    const text = taken.has(name) ? sourceOf(name, sources)?.text : undefined
    const fallback = name === 'healthAddress' ? healthFallback(process) : setting.fallback
    if (text === undefined && fallback === null) return null
    const parsed = setting.schema.safeParse(text ?? fallback)
    if (!parsed.success) complain(name, parsed.error.issues.map(issue => issue.message).join('; '))
    return parsed.success ? parsed.data : null
  }
  const names = Object.keys(SETTINGS) as SettingName[]
  const given = Object.fromEntries(names.map(name => [name, read(name)])) as Given
  if (given.kubeconfig !== null && !readable(given.kubeconfig)) {
    complain('kubeconfig', 'there is no such file, or it may not be read')
  }
  const redis = redisOf(process, given, complain)
  const beatKeys = beatKeysOf(given, complain)
  const adminToken = adminTokenOf(given, complain)
  const windows = windowsKeysOf(given, complain)
  if (mistakes.length > 0) throw invalid(process, mistakes)
  return Object.freeze({ process, ...complete(given), redis, beatKeys, adminToken, ...windows })
}

/** True for every process but `up`, which starts a Redis of its own. */
export function hasRedis(config: UpConfig): config is Config {
  return config.redis !== null
}

function redisOf(
  process: ProcessName,
  given: Given,
  complain: (name: SettingName, why: string) => void,
): RedisConfig | null {
  const { redisUrl, redisMode, redisSentinelName } = given
  if (redisUrl === null) {
    const needed = ['watcher', 'allocator', 'announcer', 'console'].includes(process)
    if (needed) complain('redisUrl', 'it must say where Redis is')
    return null
  }
  if (redisMode === null || redisSentinelName === null) return null // complained of already
  return redisConfig({ ...given, redisUrl, redisMode, redisSentinelName }, complain)
}

/** A guess at a short one would let anybody move addresses. */
const BEAT_KEY_LENGTH_MIN = 16

function beatKeysOf(
  { beatKeys, beatKeysFile }: Given,
  complain: (name: SettingName, why: string) => void,
): readonly string[] | null {
  if (beatKeys === null && beatKeysFile === null) return null
  const name = beatKeys === null ? 'beatKeysFile' : 'beatKeys'
  try {
    const text = beatKeys ?? readFileSync(beatKeysFile ?? '', 'utf8')
    const keys = text.split(/[,\s]+/).filter(key => key !== '')
    const short = keys.some(key => key.length < BEAT_KEY_LENGTH_MIN)
    if (keys.length > 0 && !short) return keys
    complain(name, `it must hold one key or more of ${BEAT_KEY_LENGTH_MIN} characters or more`)
  } catch {
    complain(name, 'there is no such file, or it may not be read')
  }
  return null
}

/** A guess at a short one would let anybody act. */
const ADMIN_TOKEN_LENGTH_MIN = 16

function adminTokenOf(
  { adminToken, adminTokenFile }: Given,
  complain: (name: SettingName, why: string) => void,
): string | null {
  if (adminToken === null && adminTokenFile === null) return null
  const name = adminToken === null ? 'adminTokenFile' : 'adminToken'
  try {
    const text = (adminToken ?? readFileSync(adminTokenFile ?? '', 'utf8')).trim()
    if (text.length >= ADMIN_TOKEN_LENGTH_MIN) return text
    complain(name, `it must hold ${ADMIN_TOKEN_LENGTH_MIN} characters or more`)
  } catch {
    complain(name, 'there is no such file, or it may not be read')
  }
  return null
}

type Read = 'process' | 'redis' | 'beatKeys' | 'adminToken' | keyof WindowsKeys

function complete(given: Given): Omit<UpConfig, Read> {
  const cluster = filled(given.cluster)
  return {
    prefix: filled(given.prefix),
    cluster,
    clusters: [...new Set([cluster, ...(given.clusters ?? [])])].sort(),
    logLevel: filled(given.logLevel),
    health: given.healthAddress,
    console: given.consoleAddress,
    kubeconfig: given.kubeconfig,
    context: given.context,
    namespace: filled(given.namespace),
    loadBalancerClass: given.loadBalancerClass,
    pod: given.pod,
    webhook: given.webhook,
    webhookHost: given.webhookHost,
    concurrency: filled(given.concurrency),
    coolDownMs: filled(given.coolDown),
    nodeName: filled(given.nodeName),
    excludeInterfaces: filled(given.excludeInterfaces),
    probe: filled(given.probe),
    quarantineMs: filled(given.quarantine),
    stateDir: filled(given.stateDir),
    allocators: filled(given.allocators),
    watchers: filled(given.watchers),
    output: filled(given.output),
    watch: filled(given.watch),
    dryRun: filled(given.dryRun),
    consoleUrl: given.consoleUrl,
    service: given.service,
    forMs: filled(given.for),
  }
}

/** A setting with a fallback is never null once there are no mistakes. */
function filled<T>(value: T | null): T {
  if (value === null) throw new Error('a setting without fallback was taken for one that has it')
  return value
}

interface Source {
  readonly text: string
  /** The flag or variable. */
  readonly from: string
}

/** Flag before variables; an empty variable counts as not set, as manifests leave them. */
function sourceOf(name: SettingName, { flags, environment }: Sources): Source | undefined {
  const setting: Setting<unknown> = SETTINGS[name]
  const flag = flags[name]
  if (flag !== undefined) return { text: flag, from: flagOf(setting) }
  for (const variable of setting.variables) {
    const text = environment[variable]
    if (text) return { text, from: variable }
  }
  return undefined
}

function describe(name: SettingName, source: Source | undefined, why: string): string {
  const setting: Setting<unknown> = SETTINGS[name]
  const [variable] = setting.variables
  const ways = setting.flag
    ? `Example: ${flagOf(setting)} ${setting.example} (or ${variable}=${setting.example})`
    : `It is given by ${variable}`
  const text = setting.flag ? `is "${withoutPassword(source?.text ?? '')}"` : 'is no good' // a secret
  const given = source ? text : 'is missing'
  return `${source?.from ?? flagOf(setting)} ${given}: ${why}. ${ways}`
}

const flagOf = (setting: Setting<unknown>): string => /--\S+/.exec(setting.flag ?? '')?.[0] ?? ''

/** Also of what is no URL because of its password, or because its host is forgotten. */
const withoutPassword = (text: string): string =>
  text.replace(/\/\/.*@/, '//…@').replace(/(\/\/[^/:,[\]]*:)(?!\d{1,5}([/,?]|$))[^,]*/g, '$1…')

function readable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch {
    return false
  }
}

function invalid(process: ProcessName, mistakes: readonly string[]): Fault {
  const count = mistakes.length === 1 ? 'One setting is' : `${mistakes.length} settings are`
  return new Fault('ConfigInvalid', {
    what: `${count} wrong`,
    why: mistakes.map(mistake => `\n  ${mistake}`).join(''),
    remedy: `\n"herald ${process} --help" explains all of them`,
  })
}
