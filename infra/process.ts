/** What every process of the CLI is given, and what it gives back. */
import type { Config } from './config.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics/metrics.ts'

export interface World<C = Config> {
  readonly config: C
  readonly log: Logger
  readonly metrics: Metrics
  /** Aborted when the process is asked to stop, also while it is still starting. */
  readonly signal: AbortSignal
  /** Says what a process that is still starting waits for; /readyz repeats it. */
  waitingFor(what: string): void
}

/** Named checks: null = holds; a text = why not, in words. */
export type Checks = Readonly<Record<string, string | null>>

export interface Running {
  /** Can it do its job now? /readyz. */
  ready(): Promise<Checks> | Checks
  /** Would a restart help? /healthz; a Redis that is away is no reason. */
  alive(): Promise<Checks> | Checks
  /** Ends it gracefully; after 5 s the process ends anyway. */
  stop(): Promise<void>
}
