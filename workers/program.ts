/** The command line as commander reads it: made of the table of commands and of the settings that each takes. */
import { Argument, Command, Option } from 'commander'
import * as z from 'zod'
import { healthFallback, type ProcessName, SETTINGS_OF } from '../infra/config/processes.ts'
import type { Setting } from '../infra/config/setting.ts'
import { SETTINGS } from '../infra/config/settings.ts'
import type { HeraldCommand } from './command.ts'
import { COMMANDS } from './commands.ts'

/** What was asked for: a command, its options as text, and its arguments. */
export type Start = (
  command: HeraldCommand,
  flags: Readonly<Record<string, string>>,
  rest: readonly string[],
) => Promise<void>

const EXIT_CODES = `
Exit codes: 0 done, or stopped when asked to; 1 a fault; 2 wrong usage or settings.
Every option can also be given as a variable: --log-level as HERALD_LOG_LEVEL. The option wins.`

export function programOf(start: Start): Command {
  const program = new Command('herald')
    .description('Addresses for Kubernetes Services of type LoadBalancer, and the LAN finds them.')
    .enablePositionalOptions()
    .addHelpText('after', EXIT_CODES)
    .exitOverride()
  for (const command of COMMANDS) {
    const sub = program
      .command(command.name)
      .summary(command.summary)
      .description(command.about)
      .addHelpText('after', EXIT_CODES)
      .showHelpAfterError(`"herald ${command.name} --help" explains the options`)
      .exitOverride()
    for (const option of optionsOf(command.name)) sub.addOption(option)
    for (const argument of argumentsOf(command)) sub.addArgument(argument)
    if (command.argument?.endsWith('...>')) sub.passThroughOptions()
    sub.action(async (...given: unknown[]) => {
      const rest = given.slice(0, -2).flat() as string[] // then options and the command itself
      await start(command, textOf(sub.opts()), rest)
    })
  }
  return program
}

function optionsOf(name: ProcessName): Option[] {
  return SETTINGS_OF[name].flatMap(key => {
    const setting: Setting<unknown> = SETTINGS[key]
    if (!setting.flag) return []
    const fallback = key === 'healthAddress' ? healthFallback(name) : setting.fallback
    const note = fallback === null ? '' : ` (default: ${fallback})`
    const option = new Option(
      setting.flag,
      `${setting.help}${note} [${setting.variables.join(', ')}]`,
    )
    // Said, and not enforced here: readConfig lists every mistake at once.
    if (setting.schema instanceof z.ZodEnum) option.argChoices = setting.schema.options.map(String)
    return [option]
  })
}

/** The first one's words are said too, and not enforced: kubectl's "svc" is understood as well. */
function argumentsOf({ argument = '', words = [] }: HeraldCommand): Argument[] {
  return argument.split(' ').flatMap((text, at) => {
    if (text === '') return []
    const one = new Argument(text)
    if (at === 0 && words.length > 0) one.argChoices = [...words]
    return [one]
  })
}

/** A flag without a value is "true", as its variable would be. */
function textOf(options: Readonly<Record<string, string | true>>): Record<string, string> {
  return Object.fromEntries(Object.entries(options).map(([key, given]) => [key, `${given}`]))
}
