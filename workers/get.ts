/** `herald get` lists what lies in Redis, `herald top` shows it live: rows made by functions/inventory. */
import { setTimeout as after } from 'node:timers/promises'
import { type Changes, changesOf } from '../functions/inventory/changes.ts'
import { fit } from '../functions/inventory/fit.ts'
import { COLUMNS, type Kind, nameOf } from '../functions/inventory/inventory.ts'
import { type Row, table } from '../functions/inventory/row.ts'
import { Fault } from '../functions/model/fault.ts'
import type { UpConfig } from '../infra/config.ts'
import type { World } from '../infra/process.ts'
import { kindNamed, withAnswers } from './answers.ts'
import { asText, paint } from './ask.ts'

const WATCH_EVERY_MS = 1000
/** Lines, where there is no screen or nobody knows its size. */
const ALL = Number.POSITIVE_INFINITY
const TOP_KINDS = ['queues', 'nodes', 'pools'] as const

export function runGet(world: World<UpConfig>, word: string, name?: string): Promise<number> {
  const kind = kindNamed(word)
  const { output, watch } = world.config
  const structured = output === 'json' || output === 'yaml' ? output : null
  const wide = output === 'wide'
  return withAnswers(world, async answers => {
    const shown = new Map<string, string>()
    const look = async () => {
      const rows = await answers.rows(kind)
      return changesOf(
        rows.filter(row => !name || row.name === nameOf(kind, name)),
        shown,
      )
    }
    const tell = (changes: Changes, head: boolean) => {
      const told = structured
        ? documents(changes, structured)
        : inTable(kind, changes, { wide, head })
      process.stdout.write(told)
    }
    const first = await look()
    if (name && first.changed.length === 0 && !watch) throw notThere(kind, name)
    if (structured && !watch) {
      process.stdout.write(asText(name ? first.changed[0] : first.changed, structured))
      return 0
    }
    tell(first, true)
    while (watch && (await rested(world.signal))) tell(await look(), false)
    return 0
  })
}

export function runTop(world: World<UpConfig>): Promise<number> {
  const { stdout } = process
  return withAnswers(world, async answers => {
    do {
      const tables = []
      for (const kind of TOP_KINDS) {
        const rows = await answers.rows(kind)
        tables.push(table(COLUMNS[kind], rows, { wide: true, nowMs: Date.now(), paint }))
      }
      const lines = fit(tables, stdout.isTTY && stdout.rows ? stdout.rows - 1 : ALL)
      stdout.write(stdout.isTTY ? onScreen(lines) : `${lines.join('\n')}\n`)
    } while (stdout.isTTY && (await rested(world.signal)))
    return 0
  })
}

/** From the top left of an empty screen; lines that are too wide are cut and not wrapped (xterm, DECAWM). */
const onScreen = (lines: readonly string[]): string =>
  `\x1b[H\x1b[2J\x1b[?7l${lines.join('\n')}\n\x1b[?7h`

/** What changed in a table, and what is gone. */
function inTable(
  kind: Kind,
  { changed, gone }: Changes,
  { wide, head }: { readonly wide: boolean; readonly head: boolean },
): string {
  const lines = table(COLUMNS[kind], changed, { wide, nowMs: Date.now(), paint })
  const told = [...lines.slice(head ? 0 : 1), ...gone.map(name => `${name} is gone`)]
  return told.map(line => `${line}\n`).join('')
}

/** What changed, each row by itself, as kubectl has it. */
function documents({ changed, gone }: Changes, output: 'json' | 'yaml'): string {
  const rows: Row[] = [...changed, ...gone.map(name => ({ name, gone: true }))]
  return rows.map(row => `${output === 'yaml' ? '---\n' : ''}${asText(row, output)}`).join('')
}

/** False when the command was asked to stop meanwhile. */
async function rested(signal: AbortSignal): Promise<boolean> {
  await after(WATCH_EVERY_MS, undefined, { signal }).catch(() => {})
  return !signal.aborted
}

function notThere(kind: Kind, name: string): Fault {
  return new Fault('NotKnown', {
    what: `There is no "${name}" among the ${kind}`,
    why: 'nothing in Redis has that name',
    remedy: `"herald get ${kind}" lists all of them; look at --cluster and --prefix too`,
  })
}
