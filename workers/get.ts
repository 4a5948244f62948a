/** `herald get` lists what lies in Redis, `herald top` shows it live: rows made by functions/inventory. */
import { setTimeout as after } from 'node:timers/promises'
import { COLUMNS, type Kind, nameOf } from '../functions/inventory/inventory.ts'
import { type Row, table } from '../functions/inventory/row.ts'
import { Fault } from '../functions/model/fault.ts'
import type { UpConfig } from '../infra/config.ts'
import type { World } from '../infra/process.ts'
import { kindNamed, withAnswers } from './answers.ts'
import { asText } from './ask.ts'

const WATCH_EVERY_MS = 1000
const TOP_KINDS = ['queues', 'nodes', 'pools'] as const

export function runGet(world: World<UpConfig>, word: string, name?: string): Promise<number> {
  const kind = kindNamed(word)
  const { output, watch } = world.config
  return withAnswers(world, async answers => {
    const nowMs = () => Date.now()
    const shown = new Map<string, string>()
    /** Rows that are not as they were last shown; all of them at first. */
    const fresh = async () => {
      const rows = (await answers.rows(kind)).filter(
        row => !name || row.name === nameOf(kind, name),
      )
      const changed = rows.filter(row => shown.get(row.name) !== JSON.stringify(row))
      for (const row of changed) shown.set(row.name, JSON.stringify(row))
      return changed
    }
    const print = (rows: readonly Row[], head: boolean) => {
      if (output === 'json' || output === 'yaml') {
        return process.stdout.write(asText(name ? (rows[0] ?? null) : rows, output))
      }
      const lines = table(COLUMNS[kind], rows, { wide: output === 'wide', nowMs: nowMs() })
      process.stdout.write(`${(head ? lines : lines.slice(1)).join('\n')}\n`)
    }
    const first = await fresh()
    if (name && first.length === 0 && !watch) throw notThere(kind, name)
    print(first, true)
    while (watch && (await rested(world.signal))) {
      const rows = await fresh()
      if (rows.length > 0) print(rows, false)
    }
    return 0
  })
}

export function runTop(world: World<UpConfig>): Promise<number> {
  return withAnswers(world, async answers => {
    do {
      const blocks = []
      for (const kind of TOP_KINDS) {
        const rows = await answers.rows(kind)
        blocks.push(table(COLUMNS[kind], rows, { wide: true, nowMs: Date.now() }).join('\n'))
      }
      const clear = process.stdout.isTTY ? '\x1b[H\x1b[2J' : ''
      process.stdout.write(`${clear}${blocks.join('\n\n')}\n`)
    } while (process.stdout.isTTY && (await rested(world.signal)))
    return 0
  })
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
