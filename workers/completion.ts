/** `herald completion`: a shell's completion, made of the very program that reads the command line. */
import type { Command } from 'commander'
import { bashCompletion } from '../functions/complete/bash.ts'
import { type CommandWords, SHELLS, type Shell, type Taken } from '../functions/complete/command.ts'
import { fishCompletion } from '../functions/complete/fish.ts'
import { zshCompletion } from '../functions/complete/zsh.ts'
import { Fault } from '../functions/model/fault.ts'
import { programOf } from './program.ts'

const SCRIPTS: Readonly<Record<Shell, (commands: readonly CommandWords[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
}

export async function runCompletion(word: string): Promise<number> {
  const shell = SHELLS.find(one => one === word)
  if (!shell) {
    throw new Fault('ConfigInvalid', {
      what: `There is no completion for "${word}"`,
      why: `the shell must be one of ${SHELLS.join(', ')}`,
      remedy: 'Example: source <(herald completion bash)',
    })
  }
  const program = programOf(async () => {})
  process.stdout.write(SCRIPTS[shell](program.commands.map(wordsOf)))
  return 0
}

function wordsOf(command: Command): CommandWords {
  return {
    name: command.name(),
    summary: command.summary(),
    options: command
      .createHelp()
      .visibleOptions(command)
      .map(({ long, short, flags, required, argChoices, description }) => ({
        names: [long, short].filter(one => one !== undefined),
        help: description,
        value: required ? taken(/<(.+)>/.exec(flags)?.[1] ?? '', argChoices) : null,
      })),
    arguments: command.registeredArguments.map(one => taken(one.name(), one.argChoices)),
  }
}

const taken = (name: string, words: readonly string[] = []): Taken => ({
  name,
  words,
  file: name === 'path' || name === 'file',
})
