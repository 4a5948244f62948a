#!/usr/bin/env node
/**
 * The command line: settings in, one command out (commands.ts), which run.ts runs. The last word about wrong usage is here.
 */
import { readFileSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import { Fault } from '../functions/model/fault.ts'
import { healthFallback, type ProcessName, SETTINGS_OF } from '../infra/config/processes.ts'
import type { Setting } from '../infra/config/setting.ts'
import { SETTINGS, type SettingName } from '../infra/config/settings.ts'
import { readConfig } from '../infra/config.ts'
import { COMMANDS } from './commands.ts'
import { EXIT, exitCode } from './run.ts'

const EXIT_CODES = `
Exit codes: 0 done, or stopped when asked to; 1 a fault; 2 wrong usage or settings.
Every option can also be given as a variable: --log-level as HERALD_LOG_LEVEL. The option wins.`

process.exitCode = await main()

async function main(): Promise<number> {
  const program = new Command('herald')
    .description('Addresses for Kubernetes Services of type LoadBalancer, and the LAN finds them.')
    .version(version())
    .enablePositionalOptions()
    .addHelpText('after', EXIT_CODES)
    .exitOverride()
  let code: number = EXIT.ok
  for (const command of COMMANDS) {
    const sub = program
      .command(command.name)
      .summary(command.summary)
      .description(command.about)
      .addHelpText('after', EXIT_CODES)
      .showHelpAfterError(`"herald ${command.name} --help" explains the options`)
      .exitOverride()
    for (const option of optionsOf(command.name)) sub.addOption(option)
    if (command.argument) sub.arguments(command.argument)
    if (command.argument?.endsWith('...>')) sub.passThroughOptions()
    sub.action(async (...given: unknown[]) => {
      const rest = given.slice(0, -2).flat() as string[] // then options and the command itself
      const flags = textOf(sub.opts())
      const config = readConfig(command.name, { flags, environment: process.env })
      if (command.name === 'up') passOn(flags)
      code = await command.start(config, rest)
    })
  }
  try {
    await program.parseAsync()
  } catch (error) {
    return lastWord(error)
  }
  return code
}

function optionsOf(name: ProcessName): Option[] {
  return SETTINGS_OF[name].flatMap(key => {
    const setting: Setting<unknown> = SETTINGS[key]
    if (!setting.flag) return []
    const fallback = key === 'healthAddress' ? healthFallback(name) : setting.fallback
    const note = fallback === null ? '' : ` (default: ${fallback})`
    return [new Option(setting.flag, `${setting.help}${note} [${setting.variables.join(', ')}]`)]
  })
}

/** A flag without a value is "true", as its variable would be. */
function textOf(options: Readonly<Record<string, string | true>>): Record<string, string> {
  return Object.fromEntries(Object.entries(options).map(([key, given]) => [key, `${given}`]))
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
