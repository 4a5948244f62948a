/** What `herald completion` prints, in the shells that it is for. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { endProcess } from '../../infra/child.ts'
import { herald } from '../support/cli.ts'
import { undoing } from '../support/undo.ts'
import { until } from '../support/until.ts'

/** What is typed, what is offered among other things, and what is not. */
const LINES: readonly (readonly [line: string, offered: readonly string[], not: string])[] = [
  ['herald re', ['rebalance', 'release', 'reserve'], 'get'],
  ['herald get ', ['addresses', 'nodes', 'pools', 'queues', 'services'], 'json'],
  ['herald get -o ', ['json', 'table', 'wide', 'yaml'], 'services'],
  ['herald get -o wide q', ['queues'], 'wide'],
  ['herald allocator --redis-', ['--redis-mode', '--redis-url'], '--cluster'],
  ['herald allocator --redis-url redis://[::1]:6379 --redis-mode ', ['sentinel'], '--cluster'],
  ['herald migrate configmap FOLDER/', ['old.yaml'], 'check'],
]

const BASH = `source "$1"; COMP_LINE=$2 COMP_POINT=\${#2}; _herald; printf '%s\\n' "\${COMPREPLY[@]}"`
const FISH = 'source $argv[1]; complete -C $argv[2]'
/** A terminal in which the line is typed, and then the key that lists what may follow. */
const ZSH = `zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "TERM=dumb; autoload -U compinit; compinit -u -D; source $1; bindkey '^D' list-choices; PROMPT=READ''Y"
zpty -r -m z out '*READY*'
zpty -n -w z "$2"$'\\x04'
while zpty -r z line; do print -rn -- $line; done`

const installed = (shell: string) =>
  spawnSync(shell, ['--version']).status === 0 ? {} : { skip: `no ${shell} on this machine` }

describe('herald completion', () => {
  const scope = undoing({ after })
  const folder = mkdtempSync(join(tmpdir(), 'herald-completion-'))
  scope.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'old.yaml'), '')

  const lines = LINES.map(
    ([line, offered, not]) => [line.replace('FOLDER', folder), offered, not] as const,
  )
  async function scriptOf(shell: string): Promise<string> {
    const cli = herald(scope, ['completion', shell])
    assert.equal(await cli.exit, 0, cli.said())
    const path = join(folder, `herald.${shell}`)
    writeFileSync(path, cli.said())
    return path
  }
  const said = (shell: string, args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(shell, args, { encoding: 'utf8' })
    assert.equal(stderr, '')
    return { status, words: stdout.split(/\s+/).map(word => word.replace(/^.*\/(?=.)/, '')) }
  }

  for (const [shell, options, program] of [
    ['bash', ['--norc', '-c'], BASH],
    ['fish', ['--no-config', '-c'], FISH],
  ] as const) {
    it(
      `lets ${shell} offer commands, options, the words that they take, and files`,
      installed(shell),
      async () => {
        const path = await scriptOf(shell)
        for (const [line, offered, not] of lines) {
          const args = shell === 'bash' ? ['bash', path, line] : [path, line]
          const { words } = said(shell, [...options, program, ...args])
          for (const one of offered) assert.ok(words.includes(one), `${line}: ${words}`)
          assert.ok(!words.includes(not), `${line}: ${words}`)
        }
      },
    )
  }

  it('lets zsh offer the same', installed('zsh'), async t => {
    const path = await scriptOf('zsh')
    const listing = lines.map(async ([line, offered, not]) => {
      const shell = spawn('zsh', ['-f', '-c', ZSH, 'zsh', path, line])
      t.after(() => endProcess(shell))
      let shown = ''
      shell.stdout.on('data', chunk => {
        shown += chunk
      })
      const listed = () => shown.slice(shown.lastIndexOf(line) + line.length).split(/\s+/)
      await until(`${line} is followed by ${offered}`, () =>
        offered.every(one => listed().includes(one)),
      )
      assert.ok(!listed().includes(not), shown)
    })
    await Promise.all(listing)
  })

  it('says which shells there are when it is asked for another', async t => {
    const cli = herald(t, ['completion', 'tcsh'])
    assert.equal(await cli.exit, 2)
    assert.match(cli.said(), /one of bash, zsh, fish/)
  })
})
