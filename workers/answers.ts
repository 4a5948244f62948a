/** What people ask of Herald, answered from what lies in Redis, by oneself or by a console. */
import { KINDS, type Kind, kindOf } from '../functions/inventory/inventory.ts'
import type { Row } from '../functions/inventory/row.ts'
import { canonical } from '../functions/model/address.ts'
import { Fault } from '../functions/model/fault.ts'
import { nameIn } from '../functions/model/service.ts'
import type { UpConfig } from '../infra/config.ts'
import { type AskConsole, askerOf } from '../infra/console/client.ts'
import type { World } from '../infra/process.ts'
import { openDepths } from '../infra/queue/depth.ts'
import { type HistoryEntry, historyOf } from '../infra/redis/history.ts'
import { withRedis } from './ask.ts'
import { type Explained, explainAddress, explainPool, explainService } from './explain.ts'
import { explainNode, explainQueue } from './explain-running.ts'
import { rowsOf, type Source } from './listing.ts'

export interface Answers {
  rows(kind: Kind): Promise<Row[]>
  /** Throws a Fault for what is not known. */
  explained(kind: Kind, name: string): Promise<Explained>
  /** Oldest first; of one Service ("namespace/name"), address or pool, or of everything. */
  history(subject?: string): Promise<HistoryEntry[]>
}

export function answersOf(source: Source, readHistory: () => Promise<HistoryEntry[]>): Answers {
  return {
    rows: kind => rowsOf(kind, source),
    explained: (kind, name) => EXPLAINERS[kind](source, name),
    async history(subject) {
      const entries = named(source.cluster, await readHistory())
      if (subject === undefined) return entries
      const address = canonical(subject)
      return entries.filter(
        one =>
          one.service === subject ||
          one.pool === subject ||
          (address !== null && one.addresses.includes(address)),
      )
    },
  }
}

/** Services as this cluster knows them. */
export const named = (cluster: string, entries: readonly HistoryEntry[]): HistoryEntry[] =>
  entries.map(one => ({ ...one, service: nameIn(cluster, one.service) }))

const EXPLAINERS: Readonly<Record<Kind, (source: Source, name: string) => Promise<Explained>>> = {
  services: explainService,
  addresses: explainAddress,
  pools: explainPool,
  nodes: explainNode,
  queues: explainQueue,
}

/** Answered by a console, of what it sees. */
function answersFrom(ask: AskConsole): Answers {
  return {
    rows: kind => ask<Row[]>(`get/${kind}`),
    explained: (kind, name) =>
      ask<Explained>(`explain/${kind}/${name.split('/').map(encodeURIComponent).join('/')}`),
    history: subject => {
      const query = subject === undefined ? '' : `?${new URLSearchParams({ subject })}`
      return ask<HistoryEntry[]>(`history${query}`)
    },
  }
}

/** Runs a command that asks and writes nothing; answers its exit code. */
export function withAnswers(
  world: World<UpConfig>,
  command: (answers: Answers) => Promise<number>,
): Promise<number> {
  const { consoleUrl } = world.config
  if (consoleUrl !== null) return command(answersFrom(askerOf(consoleUrl, world.signal)))
  return withRedis(world, async ({ redis, state, scripts }) => {
    const { prefix, cluster } = world.config
    const depths = openDepths(redis, prefix)
    const source = { state, scripts, cluster, depths }
    try {
      return await command(answersOf(source, () => historyOf(redis, prefix)))
    } finally {
      await depths.close()
    }
  })
}

/** Throws a Fault for a word that is none of them. */
export function kindNamed(word: string): Kind {
  const kind = kindOf(word)
  if (kind) return kind
  throw new Fault('ConfigInvalid', {
    what: `"${word}" is nothing that Herald knows of`,
    why: `it must be one of ${KINDS.join(', ')}`,
    remedy: 'Example: herald get services',
  })
}
