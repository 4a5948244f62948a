import type { CommandWords, Taken } from './command.ts'

/**
 * A completion function for bash 4 or later, without the package bash-completion. The line is split at blanks by itself:
 * COMP_WORDS would cut a URL at its colons. What is offered hangs on the command and the place: the option whose value
 * is due, "-" for an option, or how many arguments stand before.
 */
export function bashCompletion(commands: readonly CommandWords[]): string {
  const names = commands.map(one => one.name).join(' ')
  return `# Completes the command line of herald. In ~/.bashrc: source <(herald completion bash)
_herald() {
  local line=\${COMP_LINE:0:COMP_POINT} words=() valued= offered= taken=0 i
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  local last=$((\${#words[@]} - 1))
  local current=\${words[last]} previous=\${words[last - 1]}
  [[ $current == --*=* ]] && previous=\${current%%=*} current=\${current#*=}
  COMPREPLY=()
  if ((last == 1)); then
    mapfile -t COMPREPLY < <(compgen -W '${names} --help --version' -- "$current")
    return
  fi
  case \${words[1]} in
${commands.map(valuedCase).join('\n')}
  esac
  for ((i = 2; i < last; i++)); do
    if [[ $valued == *" \${words[i]} "* ]]; then ((i++))
    elif [[ \${words[i]} != -* ]]; then ((taken++)); fi
  done
  if [[ $valued == *" $previous "* ]]; then taken=$previous
  elif [[ $current == -* ]]; then taken=-; fi
  case "\${words[1]} $taken" in
${commands.flatMap(placeCases).join('\n')}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$offered" -- "$current")
}
complete -F _herald herald
`
}

function valuedCase({ name, options }: CommandWords): string {
  const valued = options.filter(one => one.value !== null).flatMap(one => one.names)
  return `    ${name}) valued=' ${valued.join(' ')} ' ;;`
}

function placeCases({ name, options, arguments: taken }: CommandWords): string[] {
  const all = options.flatMap(one => one.names).filter(one => one.startsWith('--'))
  return [
    placeCase([`${name} -`], { name: '', words: all, file: false }),
    ...options.map(({ names, value }) =>
      placeCase(
        names.map(one => `${name} ${one}`),
        value,
      ),
    ),
    ...taken.map((one, at) => placeCase([`${name} ${at}`], one)),
  ].filter(one => one !== '')
}

function placeCase(places: readonly string[], value: Taken | null): string {
  const pattern = `    ${places.map(one => `'${one}'`).join(' | ')})`
  if (value?.file) {
    return `${pattern} compopt -o filenames 2> /dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;`
  }
  return value?.words.length ? `${pattern} offered='${value.words.join(' ')}' ;;` : ''
}
