/** What is written for people speaks of what is there: links, files, commands, scripts and variables. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { SETTINGS } from '../infra/config/settings.ts'
import { COMMANDS } from '../workers/commands.ts'
import { anchorOf } from './support/anchor.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
const commands: string[] = COMMANDS.map(one => one.name)
const variables = Object.values(SETTINGS).flatMap(one => one.variables)

const inPage = (text: string, pattern: RegExp): string[] => [
  ...new Set([...text.matchAll(pattern)].map(([, found]) => found ?? '')),
]

const anchorsOf = (text: string): string[] => inPage(text, /^#+ (.+)$/gm).map(anchorOf)

function leadsNowhere(page: string, target: string): boolean {
  const [path = '', anchor] = target.split('#')
  const file = path === '' ? page : join(dirname(page), path)
  if (!existsSync(join(ROOT, file))) return true
  return anchor !== undefined && !anchorsOf(read(file)).includes(anchor)
}

/** What the text speaks of that is not there. */
function missingIn(page: string, text: string): string[] {
  const links = inPage(text, /(?:\]\(|src(?:set)?=")([^)"\s]+)/g).filter(one => !/^\w+:/.test(one))
  const files = inPage(text, /`((?:functions|infra|workers|test)\/[\w./-]+)`/g)
  return [
    ...links.filter(target => leadsNowhere(page, target)),
    ...files.filter(file => !existsSync(join(ROOT, file))),
    ...inPage(text, /\bnpm run (?:-s )?([\w:]+)/g).filter(name => !scripts[name]),
    ...inPage(text, /(?:`herald|\bnpm run (?:-s )?herald --) ([a-z]+)/g).filter(
      name => !commands.includes(name),
    ),
    ...inPage(text, /\b(HERALD_[A-Z_]+)\b/g).filter(name => !variables.includes(name)),
  ]
}

const pages = [
  ...['README.md', 'CHANGELOG.md'],
  ...readdirSync(join(ROOT, 'infra'), { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.md'))
    .map(path => `infra/${path}`),
]
for (const page of pages) {
  test(`${page} speaks of nothing that is not there`, () => {
    assert.deepEqual(missingIn(page, read(page)), [])
  })
}

test('what is not there is found', () => {
  const planted = [
    '[a](nowhere.md) [b](README.md#nowhere) [c](README.md#development)',
    '`functions/nowhere.ts` `npm run nowhere` `herald nowhere` HERALD_NOWHERE',
  ]
  assert.deepEqual(missingIn('README.md', planted.join(' ')), [
    ...['nowhere.md', 'README.md#nowhere', 'functions/nowhere.ts'],
    ...['nowhere', 'nowhere', 'HERALD_NOWHERE'],
  ])
})
