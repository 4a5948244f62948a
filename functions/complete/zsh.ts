import type { CommandWords, OptionWords, Taken } from './command.ts'

/** A completion function for zsh (zshcompsys, "_arguments"): to be sourced after compinit, or kept as _herald in fpath. */
export function zshCompletion(commands: readonly CommandWords[]): string {
  return `#compdef herald
# Completes the command line of herald. In ~/.zshrc, after compinit: source <(herald completion zsh)
_herald() {
  local -a commands=(
${commands.map(one => `    ${quoted(`${one.name}:${one.summary}`)}`).join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe -t commands command commands
    return
  fi
  shift words
  ((CURRENT--))
  case $words[1] in
${commands.map(commandCase).join('\n')}
  esac
}
if [[ $funcstack[1] == _herald ]]; then _herald "$@"; else compdef _herald herald; fi
`
}

function commandCase({ name, options, arguments: taken }: CommandWords): string {
  const specs = [
    ...options.map(optionSpec),
    ...taken.map((one, at) => quoted(`${at + 1}${valueSpec(one)}`)),
  ]
  return `    ${name}) _arguments ${specs.join(' \\\n      ')} ;;`
}

/** "-o" and "--output" exclude each other; "=" says that a value may follow it. */
function optionSpec({ names, help, value }: OptionWords): string {
  const all = names.length > 1 ? `(${names.join(' ')})` : ''
  const text = `[${help.replace(/[[\]\\:]/g, '\\$&')}]${value ? valueSpec(value) : ''}`
  return names
    .map(one => quoted(`${all}${one}${value && one.startsWith('--') ? '=' : ''}${text}`))
    .join(' ')
}

function valueSpec({ name, words, file }: Taken): string {
  const among = file ? '_files' : words.length > 0 ? `(${words.join(' ')})` : ' '
  return `:${name.replaceAll(':', '\\:')}:${among}`
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
