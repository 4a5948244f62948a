/** `herald describe`, `herald explain` and `herald history`: what is known of one thing, why, and since when. */
import { COLUMNS, type Kind, nameOf } from '../functions/inventory/inventory.ts'
import { facts } from '../functions/inventory/row.ts'
import type { UpConfig } from '../infra/config.ts'
import type { World } from '../infra/process.ts'
import type { HistoryEntry } from '../infra/redis/history.ts'
import { type Answers, kindNamed, withAnswers } from './answers.ts'
import { type Nested, type Told, tell, timeOf } from './ask.ts'

export function runExplain(world: World<UpConfig>, word: string, name: string): Promise<number> {
  const kind = kindNamed(word)
  return told(world, answers => answers.explained(kind, name))
}

export function runHistory(world: World<UpConfig>, subject: string | undefined): Promise<number> {
  return told(world, async answers => {
    const entries = await answers.history(subject)
    return { value: entries, lines: entries.map(lineOf) }
  })
}

export function runDescribe(world: World<UpConfig>, word: string, name: string): Promise<number> {
  const kind = kindNamed(word)
  return told(world, async answers => {
    const explanation = await answers.explained(kind, name)
    const row = (await answers.rows(kind)).find(one => one.name === nameOf(kind, name)) ?? null
    const history = HAVE_HISTORY.includes(kind) ? await answers.history(name) : []
    const latest = history.slice(-ENTRIES_MOST)
    return {
      value: { ...row, explanation: explanation.value, history: latest },
      lines: [
        ...(row ? facts(COLUMNS[kind], row, Date.now()) : []),
        ...section('Why:', explanation.lines),
        ...section('History:', latest.map(lineOf)),
      ],
    }
  })
}

const HAVE_HISTORY: readonly Kind[] = ['services', 'addresses', 'pools']
const ENTRIES_MOST = 10

const section = (head: string, lines: Told): Nested => (lines.length > 0 ? [[head, lines]] : [])

const lineOf = ({ atMs, what, service, addresses, pool, why }: HistoryEntry) =>
  [
    timeOf(atMs),
    `${what} ${addresses.join(', ')} ${what === 'released' ? 'by' : 'for'} ${service}` +
      `${pool ? ` (pool ${pool})` : ''}: ${why}`,
  ] as const

function told(
  world: World<UpConfig>,
  ask: (answers: Answers) => Promise<{ readonly value: unknown; readonly lines: Nested }>,
): Promise<number> {
  return withAnswers(world, async answers => {
    tell(await ask(answers), world.config.output)
    return 0
  })
}
