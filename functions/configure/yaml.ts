/**
 * Strict YAML as parts: duplicate keys are mistakes, unknown ones too (part.ts), and every part knows its
 * line. Scalars stay as written, since `name: no` is a name and `auto-assign: no` is not.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type YAMLMap,
} from 'yaml'
import { nestingOf } from './nesting.ts'
import type { Mistakes, Part } from './part.ts'

/** Null when the text is not YAML; the mistakes then say where and why. */
export function parseYaml(text: string, name: string, mistakes: Mistakes): Part | null {
  if (nestingOf(text) > NESTING_MAX) {
    mistakes.push(
      `${name}: more than ${NESTING_MAX} levels of nesting, where a configuration has about six: remove what nests too deep`,
    )
    return null
  }
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    schema: 'failsafe',
    stringKeys: true,
    uniqueKeys: false, // takes quadratic time; `membersOf` looks itself
    logLevel: 'error', // 'silent' would also drop documents after the first
  })
  for (const { code, message, pos } of document.errors) {
    mistakes.push(`line ${lines.linePos(pos[0]).line}: ${REMEDIES[code] ?? remedied(message)}`)
  }
  const source = { document, lines, mistakes, aliases: 0 }
  return document.errors.length > 0
    ? null
    : partOfNode(document.contents, source, `line 1, ${name}`, name)
}

/** Far from what the parser survives (thousands), and from what a configuration needs (six). */
const NESTING_MAX = 50

/** What was resolved so far is counted: aliases of aliases grow without bound. */
interface Source {
  readonly document: Document
  readonly lines: LineCounter
  readonly mistakes: Mistakes
  aliases: number
}

/** As the parser itself allows by default. */
const ALIASES_MAX = 100

const REMEDIES: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'a second document begins here: keep one document, without "---" after it',
  TAB_AS_INDENT: 'a tab indents this line: indent with spaces',
}

/** What the parser says, on one line, and what helps nearly always. */
const remedied = (message: string): string =>
  `${message.replace(/\s+/g, ' ').slice(0, 200)}: correct this line, or put what it says in quotes`

function partOfNode(node: unknown, source: Source, fallback: string, name: string): Part {
  const where = lineOf(node, source, name) ?? fallback
  if (isAlias(node)) {
    if (++source.aliases > ALIASES_MAX) {
      source.mistakes.push(
        `${where}: more than ${ALIASES_MAX} aliases: write the values themselves`,
      )
      return { where, kind: 'nothing' }
    }
    return partOfNode(node.resolve(source.document), source, where, name)
  }
  if (isSeq(node)) {
    const items = () => node.items.map((one, i) => partOfNode(one, source, where, `${name}[${i}]`))
    return { where, kind: 'list', items }
  }
  if (isMap(node)) {
    return { where, kind: 'map', strict: true, entries: () => membersOf(node, source) }
  }
  if (!isScalar(node)) return { where, kind: 'nothing' }
  const plain = node.type === 'PLAIN'
  const value = String(node.value ?? '')
  return plain && /^(~|null|)$/i.test(value)
    ? { where, kind: 'nothing' }
    : { where, kind: 'scalar', value, plain }
}

function membersOf(map: YAMLMap, source: Source): Map<string, Part> {
  const found = new Map<string, Part>()
  for (const { key, value } of map.items) {
    const name = isScalar(key) ? String(key.value ?? '') : String(key)
    const where = lineOf(key, source, name) ?? name
    if (found.has(name)) {
      source.mistakes.push(`${where}: "${name}" stands twice in the same map: keep one of the two`)
    }
    found.set(name, partOfNode(value, source, where, name))
  }
  return found
}

function lineOf(node: unknown, { lines }: Source, name: string): string | null {
  const range = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range : null
  return range ? `line ${lines.linePos(range[0]).line}, ${name}` : null
}
