/**
 * Follows one kind for as long as it is wanted: a complete list, then every change in order, whatever the API
 * server does meanwhile. After a break it goes on from the last event that was taken; only what the server has
 * forgotten (410) is listed anew. Nothing is kept here but a resourceVersion.
 */
import { setTimeout as after } from 'node:timers/promises'
import type { Logger } from '../log.ts'
import { ApiError } from './api-error.ts'
import { inBatches } from './batches.ts'
import type { KubernetesApi } from './client.ts'
import { failureOf, retryDelayMs } from './failure.ts'
import { currentVersion, listAll } from './list.ts'
import { type WatchEvent, watchEvents } from './stream.ts'

export interface FollowOptions<P> {
  /** "/api/v1/services", "/apis/metallb.io/v1beta1/namespaces/metallb-system/ipaddresspools". */
  readonly path: string
  /** As fieldSelector. */
  readonly query?: Readonly<Record<string, string>>
  /** Applied to each object at once: whole objects are not kept. */
  project(object: unknown): P
  /**
   * A complete list; never called for one that failed half way. What it lacks was gone at that version. A kind
   * that is not installed is an empty list.
   */
  listed(items: readonly P[], resourceVersion: string): Promise<void> | void
  /**
   * Changes in order: all that came while the last ones were taken, so that a thousand at once cost some dozen
   * round trips. The next ones wait until these are taken; when this throws, they come again.
   */
  changed(changes: readonly Change<P>[]): Promise<void> | void
  /** All changes up to this version have been taken. */
  progressed?(resourceVersion: string): void
  readonly log: Logger
  readonly pageSize?: number
  /** About how long one watch lasts (stream.ts); a dead connection is noticed within 1.8 times of it. */
  readonly watchSeconds?: number
}

export interface Change<P> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly item: P
  readonly resourceVersion: string
}

export interface Followed {
  /** What is followed, as in FollowOptions. */
  readonly path: string
  /** The first complete list has been taken. Rejected when stopped before. */
  readonly synced: Promise<void>
  state(): FollowState
  /** Lists everything anew, now; resolved when that has been taken, rejected when stopped before. */
  refresh(): Promise<void>
  /** Ends it; resolved when nothing will be called any more. */
  stop(): Promise<void>
}

export interface FollowState {
  /** waiting: after a failure, or for the kind to be installed. */
  readonly phase: 'listing' | 'watching' | 'waiting'
  /** Null: no list yet. */
  readonly resourceVersion: string | null
  /**
   * For how long the API server has said nothing here, though it was asked; at most 12 s while all is well. 0 while what
   * it said is being taken: then it is not the server that is waited for.
   */
  readonly silentMs: number
  /** How often it failed. */
  readonly restarts: number
  /** What is wrong now; null while all is well. */
  readonly error: string | null
  /** For how long that has been so; 0 while all is well. */
  readonly failingMs: number
}

const PAGE_SIZE = 500
/** Changes read ahead of those being taken. */
const BATCH_MOST = 500
/** Shorter would cost the API server more than a lease does, longer would notice a dead connection later. */
const WATCH_SECONDS = 10
const ABSENT_RETRY_MS = 3000
/** A server that is starting may not know all its kinds for a moment: absence is believed at the second look. */
const SECOND_LOOK_MS = 1000
/** A watch that ends sooner and says nothing is a failure, or following would turn into a busy loop. */
const AT_ONCE_MS = 500

export function follow<P>(api: KubernetesApi, options: FollowOptions<P>): Followed {
  const follower = new Follower(api, options)
  const ended = follower.run()
  return {
    path: options.path,
    synced: follower.synced,
    state: () => follower.state(),
    refresh: () => follower.refresh(),
    async stop() {
      follower.stop()
      await ended
    },
  }
}

interface Refresh {
  readonly taken: () => void
  readonly stopped: (reason: Error) => void
  readonly done: Promise<void>
}

class Follower<P> {
  readonly synced: Promise<void>
  readonly #api: KubernetesApi
  readonly #options: FollowOptions<P>
  readonly #log: Logger
  readonly #stopping = new AbortController()
  #markSynced: () => void = () => {}
  #markStopped: (reason: Error) => void = () => {}
  #phase: FollowState['phase'] = 'listing'
  #version: string | null = null
  /** When the server last said something, or what it said had been taken. */
  #heardMs = performance.now()
  #taking = false
  #restarts = 0
  #error: string | null = null
  #failingSinceMs: number | null = null
  /** In a row; a list alone is no recovery, or a server that forgets every version is listed in a busy loop. */
  #failures = 0
  /** Ends the watch under way. */
  #interrupt: () => void = () => {}
  /** A watch was ended for the sake of a list: no failure. */
  #cut = false
  #refreshing: Refresh | null = null
  /** Looks in a row that found the kind not installed, and the store's version before the last of them. */
  #absences = 0
  #absentAt = ''

  constructor(api: KubernetesApi, options: FollowOptions<P>) {
    this.#api = api
    this.#options = options
    this.#log = options.log.child({ path: options.path })
    this.synced = new Promise((resolve, reject) => {
      this.#markSynced = resolve
      this.#markStopped = reject
    })
    this.synced.catch(() => {}) // nobody may be waiting for it
  }

  async run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        if (this.#version === null || this.#refreshing) await this.#list()
        else await this.#watch(this.#version)
        this.#fine()
      } catch (error) {
        if (!signal.aborted && !this.#interrupted()) await this.#failed(error)
      }
    }
    const reason = new Error(`stopped before ${this.#options.path} was listed`)
    this.#markStopped(reason)
    this.#refreshing?.stopped(reason)
  }

  stop(): void {
    this.#stopping.abort()
  }

  refresh(): Promise<void> {
    if (this.#refreshing) return this.#refreshing.done
    let taken = () => {}
    let stopped: Refresh['stopped'] = () => {}
    const done = new Promise<void>((resolve, reject) => {
      taken = resolve
      stopped = reject
    })
    done.catch(() => {}) // nobody may be waiting for it
    this.#refreshing = { taken, stopped, done }
    this.#cut = true
    this.#interrupt()
    return done
  }

  state(): FollowState {
    const nowMs = performance.now()
    return {
      phase: this.#phase,
      resourceVersion: this.#version,
      silentMs: this.#taking ? 0 : nowMs - this.#heardMs,
      restarts: this.#restarts,
      error: this.#error,
      failingMs: this.#failingSinceMs === null ? 0 : nowMs - this.#failingSinceMs,
    }
  }

  async #list(): Promise<void> {
    const { path, query = {}, pageSize = PAGE_SIZE, project } = this.#options
    const { signal } = this.#stopping
    if (this.#absences === 0) this.#phase = 'listing'
    const refreshing = this.#refreshing
    this.#cut = false
    const heard = () => this.#heard()
    try {
      const all = await listAll(this.#api, { path, query, pageSize, signal, project, heard })
      if (signal.aborted) return
      await this.#handOver(() => this.#options.listed(all.items, all.resourceVersion))
      this.#absences = 0
      this.#took(all.resourceVersion)
      this.#markSynced()
      this.#refreshed(refreshing)
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error
      await this.#absent(error)
    }
  }

  /** Not installed is no error: a cluster that was never told of a kind has no objects of it. */
  async #absent(error: ApiError): Promise<void> {
    const { signal } = this.#stopping
    this.#phase = 'waiting'
    this.#absences++
    if (this.#absences === 1) {
      this.#absentAt = await currentVersion(this.#api, signal)
      this.#heard()
      return this.#pause(SECOND_LOOK_MS)
    }
    this.#heard()
    if (this.#absences === 2) {
      this.#log.info(
        { answer: error.message },
        'this kind is not installed; looking again now and then',
      )
      await this.#handOver(() => this.#options.listed([], this.#absentAt))
      this.#markSynced()
    }
    // Still absent: the empty list that was taken holds; and taken again, since that is what was asked for.
    const refreshing = this.#refreshing
    if (refreshing) {
      if (this.#absences > 2) await this.#handOver(() => this.#options.listed([], this.#absentAt))
      this.#refreshed(refreshing)
    }
    return this.#pause(ABSENT_RETRY_MS)
  }

  #interrupted(): boolean {
    const cut = this.#cut && this.#phase === 'watching'
    this.#cut = false
    return cut
  }

  #refreshed(asked: Refresh | null): void {
    asked?.taken()
    if (this.#refreshing === asked) this.#refreshing = null
  }

  async #watch(resourceVersion: string): Promise<void> {
    const { path, query = {}, watchSeconds = WATCH_SECONDS } = this.#options
    const watching = new AbortController()
    const signal = AbortSignal.any([this.#stopping.signal, watching.signal])
    this.#interrupt = () => watching.abort()
    // Spread, so that the watches of all kinds do not end together.
    const seconds = Math.max(1, Math.round(watchSeconds * (0.8 + Math.random() * 0.4)))
    const heard = () => this.#heard()
    const startMs = performance.now()
    let events = 0
    this.#phase = 'watching'
    const watch = { path, query, resourceVersion, seconds, signal, heard }
    try {
      for await (const batch of inBatches(watchEvents(this.#api, watch), BATCH_MOST)) {
        if (signal.aborted) return
        await this.#take(batch)
        events += batch.length
        this.#recovered()
      }
    } finally {
      watching.abort()
    }
    if (performance.now() - startMs >= AT_ONCE_MS) this.#recovered()
    else if (events === 0 && !this.#refreshing) {
      throw new ApiError({
        status: 0,
        reason: 'EndedAtOnce',
        message: `watch of ${path} ended at once`,
      })
    }
  }

  async #take(batch: readonly WatchEvent[]): Promise<void> {
    const changes = batch.flatMap(({ type, object, resourceVersion }) =>
      type === 'BOOKMARK' ? [] : [{ type, item: this.#options.project(object), resourceVersion }],
    )
    if (changes.length > 0) await this.#handOver(() => this.#options.changed(changes))
    const last = batch.at(-1)
    if (last) this.#took(last.resourceVersion)
  }

  async #handOver(taken: () => Promise<void> | void): Promise<void> {
    this.#taking = true
    try {
      await taken()
    } finally {
      this.#taking = false
      this.#heard()
    }
  }

  #heard(): void {
    this.#heardMs = performance.now()
  }

  #fine(): void {
    this.#error = null
    this.#failingSinceMs = null
  }

  #took(resourceVersion: string): void {
    this.#version = resourceVersion
    this.#options.progressed?.(resourceVersion)
  }

  #recovered(): void {
    if (this.#failures > 0) this.#log.info({ failures: this.#failures }, 'following again')
    this.#failures = 0
    this.#fine()
  }

  async #failed(error: unknown): Promise<void> {
    const { text, answered, forgotten, level, words } = failureOf(error)
    if (answered) this.#heard()
    if (text !== this.#error) this.#log[level]({ error }, words)
    if (forgotten) this.#version = null
    this.#absences = 0
    this.#failures++
    this.#restarts++
    this.#error = text
    this.#failingSinceMs ??= performance.now()
    this.#phase = 'waiting'
    await this.#pause(retryDelayMs(error, this.#failures))
  }

  async #pause(ms: number): Promise<void> {
    const pausing = new AbortController()
    this.#interrupt = () => pausing.abort()
    const signal = AbortSignal.any([this.#stopping.signal, pausing.signal])
    await after(ms, undefined, { signal }).catch(() => {}) // stopped, or a list is wanted now
  }
}
