/**
 * The sandbox's API server as a process of its own, so that it costs the processes that are measured nothing but its share
 * of the cores. Told `{ count, perSecond }` over its channel, it creates so many Services at once and answers when each
 * showed its address. Argument: a folder for its files.
 */
import { readCrds } from '../../infra/deploy/manifests.ts'
import { type ApiServer, startApiServer } from '../../infra/sandbox/apiserver/server.ts'
import { putConfigMap, putService } from '../support/cluster.ts'

/** What the bench asks for. */
export interface Order {
  readonly count: number
  /** Status patches a second at most; null: as many as this server can answer. */
  readonly perSecond: number | null
}

export interface Times {
  /** By Service: ms from the first creation until its status showed an address, ascending. */
  readonly shownMs: readonly number[]
  /** Requests of the whole round that write. */
  readonly patches: number
  readonly events: number
}

const POOL = `address-pools:
- name: wide
  protocol: layer2
  addresses:
  - 10.64.0.0/16
`
const PATCHES = { verb: 'patch', resource: 'services/status' }
const EVENTS = { verb: 'create', resource: 'events' }

if (process.argv[2]) {
  const api = await startApiServer({ folder: process.argv[2] })
  for (const crd of readCrds())
    api.store.create('customresourcedefinitions.apiextensions.k8s.io', crd)
  putConfigMap(api, POOL)
  process.on('message', async (order: Order) => process.send?.(await timesOf(api, order)))
  process.send?.(api.kubeconfigPath)
}

async function timesOf(api: ApiServer, { count, perSecond }: Order): Promise<Times> {
  const remove =
    perSecond === null ? () => {} : api.faults.add({ kind: 'paced', perSecond, match: PATCHES })
  const shownMs = await createAndWait(api, count)
  await settled(api, count)
  remove()
  return { shownMs, patches: api.counters.requests(PATCHES), events: api.counters.requests(EVENTS) }
}

function createAndWait(api: ApiServer, count: number): Promise<number[]> {
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

/** Until every Service has its event too: what is written after the status is part of the price. */
async function settled(api: ApiServer, count: number): Promise<void> {
  const deadlineMs = performance.now() + 60_000
  while (api.counters.requests(EVENTS) < count && performance.now() < deadlineMs) {
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  await new Promise(resolve => setTimeout(resolve, 1000)) // and what trails behind
}
