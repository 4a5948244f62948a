/**
 * Says what is to be said (Kubernetes Events), from the hash of the unsaid. Statuses come first: while any is being
 * written, one event at a time is, for each costs the API server as much as an address does.
 */
import type { EventText } from '../functions/publish/publish.ts'
import { ApiError } from '../infra/kubernetes/client.ts'
import type { EventToWrite } from '../infra/kubernetes/event.ts'
import { createEvent } from '../infra/kubernetes/write.ts'
import { EVENTS_KEY } from '../infra/redis/publishing.ts'
import type { PublishWorld } from './on-publish.ts'

/** Puts an event that goes with no status among the unsaid. */
export async function owe(
  event: EventText,
  regarding: EventToWrite['regarding'],
  { publishing, instance, ring, cluster }: PublishWorld,
): Promise<void> {
  await publishing.owe({ ...event, regarding, reportingInstance: instance })
  await ring(`publish-${cluster}`, [EVENTS_KEY])
}

/** Events under way at once when no status is. */
const LANES = 16

/** What could not be said stays unsaid, and the bell is answered again soon. */
export async function sayAll(world: PublishWorld): Promise<void> {
  const queue = `publish-${world.cluster}`
  const { publishing, state } = world
  const dirty = await state.dirty(queue, EVENTS_KEY)
  for (let some = await publishing.unsaid(); some.length > 0; some = await publishing.unsaid()) {
    await sayThese(some, world)
  }
  await state.answered(queue, EVENTS_KEY, dirty)
}

async function sayThese(
  some: Awaited<ReturnType<PublishWorld['publishing']['unsaid']>>,
  world: PublishWorld,
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

/** Counts what is under way, and says when it is over. */
export interface Traffic {
  during<T>(work: () => Promise<T>): Promise<T>
  /** Resolves while nothing is under way. */
  quiet(): Promise<void>
}

export function traffic(): Traffic {
  let count = 0
  const waiting: (() => void)[] = []
  return {
    async during(work) {
      count++
      try {
        return await work()
      } finally {
        count--
        if (count === 0) for (const resolve of waiting.splice(0)) resolve()
      }
    },
    quiet: () => (count === 0 ? Promise.resolve() : new Promise(resolve => waiting.push(resolve))),
  }
}
