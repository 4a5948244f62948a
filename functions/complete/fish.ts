import type { CommandWords, OptionWords, Taken } from './command.ts'

/** Completions for fish 3, one line each. Arguments after the first are offered once a word of the first is there. */
export function fishCompletion(commands: readonly CommandWords[]): string {
  return `# Completes the command line of herald. In ~/.config/fish/config.fish: herald completion fish | source
function __herald_in
  set -l words (commandline -opc)
  test (count $words) -gt 1; and test $words[2] = $argv[1]
end
complete -c herald -f
complete -c herald -n __fish_use_subcommand -l help -d 'explains the commands'
complete -c herald -n __fish_use_subcommand -l version -d 'says the version'
${commands.flatMap(commandLines).join('\n')}
`
}

function commandLines(command: CommandWords): string[] {
  const { name, summary, options, arguments: taken } = command
  const first = taken[0]?.words.join(' ')
  return [
    `complete -c herald -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
    ...options.map(one => `complete -c herald -n '__herald_in ${name}' ${optionFlags(one)}`),
    ...taken.flatMap((one, at) => {
      const given = first
        ? `; and ${at === 0 ? 'not ' : ''}__fish_seen_subcommand_from ${first}`
        : ''
      const flags = valueFlags(one)
      return flags ? [`complete -c herald -n '__herald_in ${name}${given}' ${flags}`] : []
    }),
  ]
}

function optionFlags({ names, help, value }: OptionWords): string {
  const flags = names.map(one => one.replace(/^--/, '-l ').replace(/^-(?=\w$)/, '-s '))
  return [
    ...flags,
    ...(value ? [value.file ? '-r' : '-x', valueFlags(value)] : []),
    '-d',
    quoted(help),
  ]
    .filter(one => one !== '')
    .join(' ')
}

function valueFlags({ words, file }: Taken): string {
  if (file) return '-F'
  return words.length > 0 ? `-a ${quoted(words.join(' '))}` : ''
}

const quoted = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`
