/** Services that come, change and go without pause, and what must never be seen of them meanwhile. */
import { fileURLToPath } from 'node:url'
import type { ApiObject } from '../../infra/sandbox/apiserver/object.ts'
import type { ApiServer } from '../../infra/sandbox/apiserver/server.ts'
import type { Chance } from '../support/chance.ts'
import type { Member } from '../support/crew.ts'

/** What the cluster is furnished with: a pool, and a workload that the Services select. */
export const CLUSTER = fileURLToPath(new URL('./cluster.yaml', import.meta.url))
/** Beside the announcers. */
export const MEMBERS: readonly Member[] = [
  { command: 'watcher' },
  { command: 'watcher', name: 'watcher-2' },
  { command: 'allocator' },
  { command: 'allocator', name: 'allocator-2' },
]
export const STEP_EVERY_MS = 300
const SERVICES_MOST = 40

export interface Churn {
  /** One random change. */
  step(): void
  /** One more Service; its name. */
  add(): string
  /** One more that only `clear` deletes; its name. */
  keep(): string
  /** All Services are deleted. */
  clear(): void
  /** Names of those that exist, with their addresses in status. */
  present(): ReadonlyMap<string, string>
  /** What was seen that promises 1 and 2 of the design forbid. */
  readonly violations: readonly string[]
  readonly changes: () => number
}

export interface ChurnOptions {
  readonly api: ApiServer
  readonly chance: Chance
}

/** Every Service asks for what it wants from the start, so that none may ever change or lose its address. */
export function churn({ api, chance }: ChurnOptions): Churn {
  const violations: string[] = []
  const shown = new Map<string, string>()
  const keys = new Map<string, string>()
  const kept = new Set<string>()
  let [made, changes] = [0, 0]

  api.store.subscribe(({ type, object }) => {
    const { name } = object.metadata
    if (type === 'DELETED') return void shown.delete(name)
    const address = addressOf(object)
    const before = shown.get(name)
    if (before && before !== address) violations.push(`${name}: ${before} became "${address}"`)
    if (!address || before === address) return
    for (const [other, theirs] of shown) {
      if (theirs === address && keys.get(other) !== keys.get(name)) {
        violations.push(`${address} is shown by ${name} and ${other}`)
      }
    }
    shown.set(name, address)
  }, 'services')

  const create = (name: string, key: string, port: number) => {
    keys.set(name, key)
    shown.set(name, '')
    api.store.create('services', serviceOf(name, key, port))
  }
  const pick = () => {
    const passing = [...shown.keys()].filter(name => !kept.has(name))
    return passing[chance.below(passing.length)]
  }
  const add = (kind = 'soak') => {
    const name = `${kind}-${++made}`
    create(name, `only-${made}`, 80)
    return name
  }
  const steps: Record<string, () => void> = {
    create: () => void add(),
    share() {
      made++
      create(`soak-${made}-a`, `key-${made}`, 80)
      create(`soak-${made}-b`, `key-${made}`, 81)
    },
    relabel() {
      const name = pick()
      const labels = { turn: String(changes) }
      if (name) api.store.patch('services', 'default', name, { metadata: { labels } })
    },
    delete() {
      const name = pick()
      if (name) api.store.delete('services', 'default', name)
    },
  }
  return {
    violations,
    changes: () => changes,
    present: () => shown,
    add: () => add(),
    keep() {
      const name = add('kept')
      kept.add(name)
      return name
    },
    step() {
      changes++
      const room = shown.size < SERVICES_MOST
      const dice = chance.next()
      if (room && dice < 0.4) return steps.create?.()
      if (room && dice < 0.5) return steps.share?.()
      return dice < 0.75 ? steps.relabel?.() : steps.delete?.()
    },
    clear() {
      for (const name of [...shown.keys()]) api.store.delete('services', 'default', name)
    },
  }
}

function addressOf(service: ApiObject): string {
  const status = service.status as { loadBalancer?: { ingress?: { ip?: string }[] } } | undefined
  return (status?.loadBalancer?.ingress ?? []).map(one => one.ip ?? '').join()
}

const serviceOf = (name: string, key: string, port: number) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name,
    namespace: 'default',
    annotations: { 'metallb.io/allow-shared-ip': key },
  },
  spec: {
    type: 'LoadBalancer',
    selector: { app: 'soak' },
    ports: [{ port, protocol: 'TCP' }],
  },
})
