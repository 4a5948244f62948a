/**
 * Says what is to be said (Kubernetes Events), from the hash of the unsaid. Statuses come first: while any is being
 * written, one event at a time is, for each costs the API server as much as an address does.
 */
import type { EventText } from '../functions/publish/publish.ts'
import { ApiError, type KubernetesApi } from '../infra/kubernetes/client.ts'
import type { EventToWrite } from '../infra/kubernetes/event.ts'
import { createEvent } from '../infra/kubernetes/write.ts'
import { EVENTS_KEY, type Publishing } from '../infra/redis/publishing.ts'
import type { MirrorWorld } from './mirror.ts'
import type { Traffic } from './traffic.ts'

export interface SayWorld extends Pick<MirrorWorld, 'cluster' | 'state' | 'ring'> {
  readonly api: KubernetesApi
  readonly publishing: Publishing
  /** Status patches under way. */
  readonly traffic: Traffic
  /** Name of this process, for events. */
  readonly instance: string
}

/** Puts an event that goes with no status among the unsaid. */
export async function owe(
  event: EventText,
  regarding: EventToWrite['regarding'],
  { publishing, instance, ring, cluster }: SayWorld,
): Promise<void> {
  await publishing.owe({ ...event, regarding, reportingInstance: instance })
  await ring(`publish-${cluster}`, [EVENTS_KEY])
}

/** Events under way at once when no status is. */
const LANES = 16

/** What could not be said stays unsaid, and the bell is answered again soon. */
export async function sayAll(world: SayWorld): Promise<void> {
  const queue = `publish-${world.cluster}`
  const { publishing, state } = world
  const dirty = await state.dirty(queue, EVENTS_KEY)
  for (let some = await publishing.unsaid(); some.length > 0; some = await publishing.unsaid()) {
    await sayThese(some, world)
  }
  await state.answered(queue, EVENTS_KEY, dirty)
}

async function sayThese(
  some: Awaited<ReturnType<Publishing['unsaid']>>,
  world: SayWorld,
): Promise<void> {
  const todo = [...some]
  const said: string[] = []
  const failures: unknown[] = []
  const lane = async (first: boolean) => {
    for (;;) {
      if (!first) await world.traffic.quiet()
      const [field, event] = todo.shift() ?? []
      if (!field || !event) return
      try {
        await createEvent(world.api, event)
        said.push(field)
      } catch (error) {
        if (isHopeless(error)) said.push(field)
        else failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: LANES }, (_, at) => lane(at === 0)))
  await world.publishing.said(said)
  if (failures.length > 0) throw failures[0]
}

/** The API server finds it wrong, and will each time: it must not stand in the way of others. */
const isHopeless = (error: unknown): boolean =>
  error instanceof ApiError && [400, 413, 422].includes(error.status)
