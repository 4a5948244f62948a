/**
 * The watcher's side of Redis: writes down what it sees of the cluster, makes the bells dirty and rings
 * them, and has everything adopted again when Redis is empty, older or new.
 */
import { randomUUID } from 'node:crypto'
import { sharingOf } from '../functions/allocate/sharing.ts'
import { locate } from '../functions/allocate/windows.ts'
import { canonical } from '../functions/model/address.ts'
import { POOL_ANNOTATION, type Service } from '../functions/model/service.ts'
import type { Decisions } from '../functions/watch/decisions.ts'
import type { AdoptItem, Learned, Scripts } from '../infra/redis/scripts.ts'
import type { State } from '../infra/redis/state.ts'
import { step } from '../infra/tracing.ts'

export interface MirrorWorld {
  readonly cluster: string
  readonly state: State
  readonly scripts: Scripts
  ring(queue: string, keys: readonly string[]): Promise<void>
}

/** One thing seen; `value` null = gone. `bell` is rung only when the content changed. */
export type Sight = Learned

/** Writes sights down, many in one call; rings for those that changed. Says how many changed. */
export function learnAll(sights: readonly Sight[], world: MirrorWorld): Promise<number> {
  return step('watch event', { 'herald.sights': sights.length }, () => learn(sights, world))
}

async function learn(sights: readonly Sight[], world: MirrorWorld): Promise<number> {
  let changed = 0
  for (let start = 0; start < sights.length; start += SIGHTS_MOST) {
    const slice = sights.slice(start, start + SIGHTS_MOST)
    const answers = await world.scripts.learnAll(slice)
    const bells = slice.filter((sight, index) => sight.bell && answers[index])
    changed += answers.filter(answer => answer).length
    for (const queue of new Set(bells.map(({ bell }) => bell?.queue ?? ''))) {
      const keys = bells.flatMap(({ bell }) => (bell?.queue === queue ? [bell.key] : []))
      await world.ring(queue, keys)
    }
  }
  return changed
}

/** What the record of a Service looks like; the resourceVersion stands beside it. */
export function serviceSight(
  cluster: string,
  service: Service,
  state: State,
  bell: boolean = true,
): Sight {
  return {
    records: state.keys.services(cluster),
    field: `${service.namespace}/${service.name}`,
    resourceVersion: service.resourceVersion,
    value: JSON.stringify({ ...service, resourceVersion: '' }),
    bell: bell
      ? { queue: 'allocate', key: `${cluster}/${service.namespace}/${service.name}` }
      : null,
  }
}

export interface Conflict {
  readonly service: string
  readonly address: string
  readonly holder: string
}

export type Adoption =
  | { readonly outcome: 'current' | 'busy' | 'superseded' }
  | { readonly outcome: 'adopted'; readonly count: number; readonly conflicts: readonly Conflict[] }

/** Where a watcher that adopts learns from. */
export interface Sources {
  mirrored(): Promise<Decisions>
  /** `nonce`: of the adoption for whose sake it is. */
  relearn(nonce: string): Promise<void>
  heard(): boolean
}

/**
 * Has the addresses found in status adopted, older Services first. Before that, what was decided and no status shows is
 * brought back, and `relearn` lists everything anew and writes it down: an adopted cluster is one whose records can be
 * relied on, and what a watcher that lags remembers may be older than the last address written. While that takes long
 * the adoption is kept alive, unless the API server is not `heard`: then another watcher may begin.
 */
export async function adopt(
  services: () => readonly Service[],
  { mirrored, relearn, heard }: Sources,
  world: MirrorWorld,
): Promise<Adoption> {
  const adoption = world.scripts.adoption(world.cluster, randomUUID())
  const begun = await adoption.begin()
  if (begun !== 'begun') return { outcome: begun }
  const alive = setInterval(() => {
    if (heard()) adoption.adopt([]).catch(() => {}) // begun anew when it is lost
  }, ALIVE_EVERY_MS)
  try {
    if (!(await adoption.restore(await mirrored()))) return { outcome: 'superseded' }
    await relearn(adoption.nonce)
  } finally {
    clearInterval(alive)
  }
  const items = adoptItems(services())
  const conflicts: Conflict[] = []
  for (let start = 0; start < items.length; start += BATCH) {
    const answer = await adoption.adopt(items.slice(start, start + BATCH))
    if (!answer) return { outcome: 'superseded' }
    for (const text of answer) {
      const [service = '', address = '', holder = ''] = text.split(' ')
      conflicts.push({ service, address, holder })
    }
  }
  if (!(await adoption.end())) return { outcome: 'superseded' }
  await world.ring('allocate', [`${world.cluster}/*`])
  await world.ring('place', [`${world.cluster}/*`])
  await world.ring(`publish-${world.cluster}`, ['pool/*'])
  return { outcome: 'adopted', count: items.length, conflicts }
}

/** Sights written down in one script call: about 2 ms of Redis' time. */
const SIGHTS_MOST = 256
/** Well within the silence after which adopt.lua lets another watcher begin (10 s). */
const ALIVE_EVERY_MS = 2000
/** Services adopted in one script call: about 10 ms of Redis' time. */
const BATCH = 200

function adoptItems(services: readonly Service[]): AdoptItem[] {
  return services
    .filter(service => service.type === 'LoadBalancer' && service.addresses.length > 0)
    .sort((a, b) => a.createdMs - b.createdMs || (a.uid < b.uid ? -1 : 1))
    .map(service => ({
      service: `${service.namespace}/${service.name}`,
      uid: service.uid,
      addresses: service.addresses
        .map(text => locate(canonical(text) ?? ''))
        .filter(place => place !== null),
      pool: service.annotations[POOL_ANNOTATION] ?? '',
      ...sharingOf(service),
      sinceMs: service.createdMs,
    }))
}
