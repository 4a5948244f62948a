/**
 * Many Services at once: from their creation until all have their address in status. Watcher and allocator are processes of
 * their own, Redis and TLS are real; the API server is the sandbox's. Twice: as fast as that API server goes, and with one
 * that takes 450 status patches a second, which shows how busy the writer keeps it. Argument: how many Services.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, dyingWithParent, keepRunning } from '../../infra/child.ts'
import { readCrds } from '../../infra/deploy/manifests.ts'
import type { Checks } from '../../infra/process.ts'
import { type ApiServer, startApiServer } from '../../infra/sandbox/apiserver/server.ts'
import { putConfigMap, putService } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { keptLog } from '../support/log.ts'
import { type PrivateRedis, privateRedis } from '../support/redis.ts'

const HERALD = fileURLToPath(new URL('../../workers/herald.mjs', import.meta.url))
const PATCHES_PER_SECOND = 450
const POOL = `address-pools:
- name: wide
  protocol: layer2
  addresses:
  - 10.64.0.0/16
`
const count = Number(process.argv[2] ?? 1000)

console.log(`${count} Services created at once; seconds until each shows its address`)
console.log(await round('API server unlimited', null))
console.log(await round(`${PATCHES_PER_SECOND} patches/s at most`, PATCHES_PER_SECOND))
process.exit()

async function round(name: string, perSecond: number | null): Promise<string> {
  const undo: (() => unknown)[] = []
  try {
    const folder = mkdtempSync(join(tmpdir(), 'herald-bench-'))
    undo.push(() => rmSync(folder, { recursive: true, force: true }))
    const redis = await privateRedis({ after: one => void undo.push(one) })
    const api = await startApiServer({ folder })
    undo.push(() => api.close())
    for (const crd of readCrds()) {
      api.store.create('customresourcedefinitions.apiextensions.k8s.io', crd)
    }
    putConfigMap(api, POOL)
    const match = { verb: 'patch', resource: 'services/status' }
    if (perSecond !== null) api.faults.add({ kind: 'paced', perSecond, match })
    const children = ['watcher', 'allocator'].map(command => start(command, redis, api))
    undo.push(() => Promise.all(children.map(child => child.stop())))
    await eventually(async () => {
      for (const child of children) {
        const checks = (await child.ask('ready?')) as Checks | null
        if (!checks || Object.values(checks).some(why => why !== null)) throw new Error(child.name)
      }
    }, 60_000)
    return `${name.padEnd(24)}${rowOf(await timesOf(api), perSecond)}`
  } finally {
    for (const step of undo.reverse()) await step()
  }
}

function start(command: string, redis: PrivateRedis, api: ApiServer): Child {
  return keepRunning({
    name: command,
    argv: [...dyingWithParent('KILL'), process.execPath, HERALD, command],
    environment: {
      HERALD_REDIS_URL: redis.path,
      HERALD_KUBECONFIG: api.kubeconfigPath,
      HERALD_HEALTH_ADDRESS: 'off',
      HERALD_LOG_LEVEL: 'warn',
    },
    log: keptLog(),
    onLine: line => console.error(line),
    askable: true,
  })
}

/** By Service: ms from the first creation until its status showed an address, ascending. */
function timesOf(api: ApiServer): Promise<number[]> {
  return new Promise(resolve => {
    const times = new Map<string, number>()
    const beganMs = performance.now()
    const end = api.store.subscribe(({ object }) => {
      const { status } = object as { status?: { loadBalancer?: { ingress?: unknown[] } } }
      if (!status?.loadBalancer?.ingress?.length || times.has(object.metadata.name)) return
      times.set(object.metadata.name, performance.now() - beganMs)
      if (times.size < count) return
      end()
      resolve([...times.values()].sort((a, b) => a - b))
    }, 'services')
    for (let index = 0; index < count; index++) putService(api, `web-${index}`)
  })
}

function rowOf(times: readonly number[], perSecond: number | null): string {
  const at = (share: number) =>
    ((times[Math.ceil(times.length * share) - 1] ?? 0) / 1000).toFixed(2)
  const [first = 0] = times
  const rate = ((times.length - 1) / ((times.at(-1) ?? 0) - first)) * 1000
  const busy =
    perSecond === null ? '' : ` = ${((rate / perSecond) * 100).toFixed(0)} % of the limit`
  return `p50 ${at(0.5)}  p99 ${at(0.99)}  all ${at(1)}  ${rate.toFixed(0)} patches/s${busy}`
}
