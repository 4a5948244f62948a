#!/usr/bin/env -S node --v8-pool-size=1
/**
 * The command line: settings in, one command out (program.ts, commands.ts), which run.ts runs. The last word about
 * wrong usage is here.
 */
import { readFileSync } from 'node:fs'
import { CommanderError } from 'commander'
import { Fault } from '../functions/model/fault.ts'
import type { Setting } from '../infra/config/setting.ts'
import { SETTINGS, type SettingName } from '../infra/config/settings.ts'
import { readConfig } from '../infra/config.ts'
import { programOf } from './program.ts'
import { EXIT, exitCode } from './run.ts'

// Whoever reads what is said may have had enough of it: `herald get services | head -1`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit()
  process.stderr.write(`What was asked for could not be written: ${error.message}\n`)
  process.exit(EXIT.fault)
})
process.exitCode = await main()

async function main(): Promise<number> {
  let code: number = EXIT.ok
  const program = programOf(async (command, flags, rest) => {
    const config = readConfig(command.name, { flags, environment: process.env })
    if (command.name === 'up') passOn(flags)
    code = await command.start(config, rest)
  })
  try {
    await program.version(version()).parseAsync()
  } catch (error) {
    return lastWord(error)
  }
  return code
}

/** What `up` was given as a flag, the processes that it starts get as a variable. */
function passOn(flags: Readonly<Record<string, string>>): void {
  for (const [key, text] of Object.entries(flags)) {
    const setting: Setting<unknown> | undefined = SETTINGS[key as SettingName]
    const [variable] = setting?.variables ?? []
    if (variable) process.env[variable] = text
  }
}

function lastWord(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof Fault) process.stderr.write(`${error.message}\n`)
  else process.stderr.write(`A bug: ${error instanceof Error ? error.stack : error}\n`)
  return exitCode(error)
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
