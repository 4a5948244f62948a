/** What a command of `herald` is: what `--help` says of it, and how it is started. */
import type { ProcessName } from '../infra/config/processes.ts'
import type { UpConfig } from '../infra/config.ts'

export interface HeraldCommand {
  readonly name: ProcessName
  readonly summary: string
  readonly about: string
  readonly argument?: string
  /** What the first argument may be, where it is one of a few words. */
  readonly words?: readonly string[]
  start(config: UpConfig, rest: readonly string[]): Promise<number>
}
