/**
 * What Herald is made of, as `npm run sbom` says it (CycloneDX 1.5) of the lock file: under which licences, and that it
 * is told exactly.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** SPDX identifiers. They may be shipped with what stands under Apache-2.0, and ask for no more than to be named. */
const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Python-2.0',
  'Unlicense',
])

interface Component {
  readonly 'bom-ref': string
  readonly hashes?: readonly object[]
  readonly licenses?: readonly {
    readonly license?: { readonly id?: string; readonly name?: string }
    readonly expression?: string
  }[]
}

/** An SPDX expression (SPDX 2.3, annex D) without parentheses inside others: one of the choices must be allowed whole. */
function isAllowed(expression: string): boolean {
  const choices = expression.replace(/^\(([^()]*)\)$/, '$1').split(' OR ')
  return choices.some(choice => choice.split(' AND ').every(licence => ALLOWED.has(licence)))
}

function forbidden(components: readonly Component[]): string[] {
  return components.flatMap(({ 'bom-ref': name, licenses = [] }) => {
    const said = licenses.map(one => one.expression ?? one.license?.id ?? one.license?.name ?? '')
    return said.length > 0 && said.every(isAllowed) ? [] : [`${name}: ${said.join(', ') || 'none'}`]
  })
}

/** By the command that users run, with more options; npm asks nobody. */
function billOf(...options: readonly string[]): readonly Component[] {
  const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'))
  const [npm = '', ...args] = String(scripts.sbom).split(' ')
  const text = execFileSync(npm, [...args, ...options], { cwd: ROOT, encoding: 'utf8' })
  return JSON.parse(text).components
}

test('nothing is used under a licence that is not allowed, in development neither', () => {
  const all = billOf('--include', 'dev')
  assert.ok(all.length > 200)
  assert.deepEqual(forbidden(all), [])
})

test('what is shipped comes from a registry, each with the hash of its contents', () => {
  const shipped = billOf()
  assert.ok(shipped.length > 50)
  const loose = shipped.filter(one => !one.hashes?.length).map(one => one['bom-ref'])
  assert.deepEqual(loose, [])
})

const licences: readonly (readonly [expression: string, allowed: boolean])[] = [
  ['MIT', true],
  ['(MIT OR GPL-3.0-or-later)', true],
  ['GPL-3.0-only', false],
  ['MIT AND GPL-2.0-only', false],
  ['SEE LICENSE IN LICENSE.md', false],
  ['UNLICENSED', false],
  ['GPL-2.0-only OR (MIT AND SSPL-1.0)', false],
]
for (const [expression, allowed] of licences) {
  test(`${expression} is ${allowed ? 'allowed' : 'refused'}`, () => {
    assert.deepEqual(
      forbidden([{ 'bom-ref': 'a', licenses: [{ expression }] }]),
      allowed ? [] : [`a: ${expression}`],
    )
  })
}

test('no licence at all is refused', () => {
  assert.deepEqual(forbidden([{ 'bom-ref': 'a' }]), ['a: none'])
})
