/** What an announcer may answer for at all: the pool windows that a watcher has signed, whatever else Redis says. */
import type { KeyObject } from 'node:crypto'
import { resolve } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { rangesIn } from '../functions/announce/windows.ts'
import type { AddressRange } from '../functions/model/address.ts'
import { KeptWindows, type Taken } from '../infra/kept-windows.ts'
import type { World } from '../infra/process.ts'
import type { State } from '../infra/redis/state.ts'

const ASK_EVERY_MS = 1000

export interface Bound {
  ranges(): readonly AddressRange[]
  /** Looks at what Redis has; the new ranges where they changed. */
  look(): Promise<readonly AddressRange[] | null>
}

/**
 * Comes back when it is known what is signed: from the state directory, or else from Redis, however long that takes. Until
 * then this node claims nothing, so that others keep what they answer for. `reach` comes back when Redis answers.
 */
export async function openBound(
  key: KeyObject,
  state: State,
  reach: () => Promise<void>,
  { config, log, signal, waitingFor }: World,
): Promise<Bound> {
  const { cluster } = config
  const stateDir = resolve(config.stateDir)
  const kept = new KeptWindows(stateDir, { key, cluster }, error =>
    log.warn({ error, stateDir }, 'cannot keep the pool windows; a start without Redis needs them'),
  )
  let said = ''
  const look = async () => {
    const line = await state.windows(cluster)
    if (line === null) return null // absence is no order
    const taken = kept.take(line)
    if (taken === 'taken') return ranges()
    if (taken !== 'known' && line !== said)
      log.error({ version: kept.windows?.version }, SAID[taken])
    said = line
    return null
  }
  const ranges = () => rangesIn(kept.windows?.addresses ?? [])
  while (!kept.windows) {
    await reach()
    waitingFor('no watcher has signed the pool windows yet (HERALD_WINDOWS_KEY_FILE)')
    if (!(await look())) await after(ASK_EVERY_MS, undefined, { signal })
  }
  return { ranges, look }
}

const SAID: Readonly<Record<Exclude<Taken, 'taken' | 'known'>, string>> = {
  older:
    'Redis has older pool windows than this node has seen: not believed. It was set back, or somebody else writes to it',
  unsigned:
    'the pool windows in Redis are not signed by the key of this node: not believed. Compare HERALD_WINDOWS_PUBLIC_KEY_FILE with the key of the watchers; otherwise somebody else writes to Redis',
}
