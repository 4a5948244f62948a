/** Whether a watcher hears the API server, what to say when it does not, and who publishes then. */
import type { Followed } from '../infra/kubernetes/watch.ts'
import type { World } from '../infra/process.ts'
import type { Answering } from '../infra/queue/queues.ts'

/** An API server not heard for so long is lost: the other watcher publishes. A kind says something within 12 s. */
const LOST_MS = 15_000
const LOOK_EVERY_MS = 1000

/**
 * Waits for the first complete list of every kind. Rejects when the process is asked to stop first: an API server may
 * be away for an hour.
 */
export async function listedOrStopped(
  follows: readonly Followed[],
  { signal, waitingFor }: Pick<World, 'signal' | 'waitingFor'>,
): Promise<void> {
  const say = () => {
    const reason = errorOf(follows)
    waitingFor(`the first complete lists from the API server${reason ? `: ${reason}` : ''}`)
  }
  const stop = () => follows.map(one => one.stop())
  const saying = setInterval(say, LOOK_EVERY_MS)
  say()
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    await Promise.all(follows.map(one => one.synced))
  } finally {
    clearInterval(saying)
    signal.removeEventListener('abort', stop)
  }
}

/** Nothing was heard of any kind. */
export const isLost = (follows: readonly Followed[]): boolean =>
  follows.every(one => one.state().silentMs > LOST_MS)

/** Why the watcher cannot see its cluster, in words; null while it can. What passes within seconds is not said. */
export function troubleOf(follows: readonly Followed[]): string | null {
  const failing = follows.find(one => one.state().failingMs > LOST_MS)?.state().error ?? null
  if (!isLost(follows)) return failing
  const reason = failing ?? errorOf(follows)
  return `the API server has not answered for ${LOST_MS / 1000} s${reason ? `: ${reason}` : ''}`
}

const errorOf = (follows: readonly Followed[]): string | null =>
  follows.map(one => one.state().error).find(error => error !== null) ?? null

/** A watcher that has lost the API server takes no `publish` jobs, so that the other one answers. */
export function publishWhileHeard(
  publishing: Pick<Answering, 'pause' | 'resume'>,
  follows: readonly Followed[],
  log: World['log'],
): { stop(): void } {
  let paused = false
  const timer = setInterval(async () => {
    if (isLost(follows) === paused) return
    paused = !paused
    if (paused) log.warn({}, 'the API server is lost: publishing is left to other watchers')
    else log.info({}, 'the API server is back: publishing again')
    await (paused ? publishing.pause() : publishing.resume()).catch((error: unknown) => {
      paused = !paused
      log.warn({ error }, 'the queue did not take notice; it is told again')
    })
  }, LOOK_EVERY_MS)
  return { stop: () => clearInterval(timer) }
}
