/** The arrows: workers → infra → functions, never back, and in no circle; and what `functions/` may not touch. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const ROOMS = ['functions', 'infra', 'workers'] as const
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  functions: ['functions'],
  infra: ['infra', 'functions'],
  workers: ['workers', 'infra', 'functions', 'dist'],
}
/** Pure in themselves: addresses, YAML text, hashes. */
const PACKAGES_OF_FUNCTIONS = ['ipaddr.js', 'yaml', 'zod', 'node:crypto', 'node:net']
const IMPURE =
  /\basync\b|\bawait\b|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\.|\bsetTimeout\b|\bperformance\b|\brandomBytes\b|\brandomUUID\b/

const sources = ROOMS.flatMap(room =>
  readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' })
    .filter(path => /\.(ts|mjs)$/.test(path))
    .map(path => `${room}/${path}`),
)

const importsOf = (text: string): string[] =>
  [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)].map(match => match[1] ?? '')

/** What is wrong with a file, a line each. */
function sinsOf(path: string, text: string): string[] {
  const room = path.split('/')[0] ?? ''
  const imports = importsOf(text)
  const sins = imports
    .filter(target => target.startsWith('.'))
    .map(target => normalize(join(dirname(path), target)))
    .filter(target => !(MAY_IMPORT[room] ?? []).includes(target.split('/')[0] ?? ''))
    .map(target => `${path} imports ${target}`)
  if (room !== 'functions') return sins
  const packages = imports.filter(target => !target.startsWith('.'))
  const foreign = packages.filter(name => !PACKAGES_OF_FUNCTIONS.includes(name))
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
  const impure = code.split('\n').filter(line => IMPURE.test(line))
  return [
    ...sins,
    ...foreign.map(name => `${path} imports the package ${name}`),
    ...impure.map(line => `${path} is not pure: ${line.trim()}`),
  ]
}

test('imports point one way, and functions/ is pure', () => {
  assert.ok(sources.length > 50, 'the house is there')
  const sins = sources.flatMap(path => sinsOf(path, readFileSync(join(ROOT, path), 'utf8')))
  assert.deepEqual(sins, [])
})

const planted: readonly (readonly [what: string, path: string, text: string])[] = [
  ['a backward arrow', 'infra/a.ts', "import { x } from '../workers/b.ts'"],
  ['a lazy backward arrow', 'functions/a.ts', "const x = import('../infra/b.ts')"],
  ['a clock', 'functions/a.ts', 'const nowMs = Date.now()'],
  ['an asynchronous function', 'functions/a.ts', 'export async function a() {}'],
  ['the environment', 'functions/a.ts', 'const home = process.env.HOME'],
  ['chance', 'functions/a.ts', 'const x = Math.random()'],
  ['a package that touches the world', 'functions/a.ts', "import { readFileSync } from 'node:fs'"],
]
for (const [what, path, text] of planted) {
  test(`${what} is seen`, () => assert.equal(sinsOf(path, text).length, 1))
}

/** Files that import each other, one circle of them; what is loaded only when asked for does not count. */
function circleIn(texts: ReadonlyMap<string, string>): string[] {
  const done = new Set<string>()
  const visit = (path: string, way: readonly string[]): string[] => {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path]
    if (done.has(path)) return []
    for (const [, target] of (texts.get(path) ?? '').matchAll(/^[^'\n]*\bfrom '(\.[^']+)'/gm)) {
      const circle = visit(normalize(join(dirname(path), target ?? '')), [...way, path])
      if (circle.length > 0) return circle
    }
    done.add(path)
    return []
  }
  for (const path of texts.keys()) {
    const circle = visit(path, [])
    if (circle.length > 0) return circle
  }
  return []
}

test('no file imports itself by way of others', () => {
  const texts = sources.map(path => [path, readFileSync(join(ROOT, path), 'utf8')] as const)
  assert.deepEqual(circleIn(new Map(texts)), [])
})

test('a circle is seen', () => {
  const [there, back] = ["import { b } from './b.ts'", "} from '../functions/a.ts'"]
  const texts = new Map([
    ['functions/a.ts', there],
    ['functions/b.ts', back],
  ])
  assert.deepEqual(circleIn(texts), ['functions/a.ts', 'functions/b.ts', 'functions/a.ts'])
})

test('every test stands where the code stands that it tests', () => {
  const tests = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
  const rooms = new Set([
    ...ROOMS,
    'bench',
    'soak',
    'support',
    'house.test.ts',
    'pages.test.ts',
    'run.mjs',
  ])
  const lost = tests.filter(path => !rooms.has(path.split('/')[0] ?? ''))
  assert.deepEqual(lost, [])
})
