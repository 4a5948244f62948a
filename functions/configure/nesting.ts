/**
 * How deep YAML nests, found without recursion. The parser is recursive: `- - - …` a hundred thousand times
 * exhausts its stack inside a regular expression, where V8 ends the process instead of throwing.
 */
import { CST, Lexer } from 'yaml'

/** An upper bound of the depth; a configuration has about six levels. */
export function nestingOf(text: string): number {
  const indents: number[] = []
  let line: Line = { fresh: true, indent: 0, indicators: 0 }
  let [flow, deepest] = [0, 0]
  for (const token of new Lexer().lex(text)) {
    const type = CST.tokenType(token)
    if (type === 'newline') {
      line = { fresh: true, indent: 0, indicators: 0 }
    } else if (type === 'space' && line.fresh) {
      line.indent = token.length
    } else if (type !== 'comment') {
      if (line.fresh && flow === 0) descend(indents, line.indent)
      line.fresh = false
      if (type?.startsWith('flow-')) flow += FLOW[type] ?? 0
      else if (flow === 0 && type?.endsWith('-ind')) line.indicators++
      deepest = Math.max(deepest, flow + indents.length + line.indicators)
    }
  }
  return deepest
}

interface Line {
  /** Nothing but space so far. */
  fresh: boolean
  indent: number
  /** "-", "?" and ":" of block style: each may open a level. */
  indicators: number
}

const FLOW: Readonly<Record<string, number>> = {
  'flow-seq-start': 1,
  'flow-map-start': 1,
  'flow-seq-end': -1,
  'flow-map-end': -1,
}

/** Leaves the levels that this indentation ends, and enters its own. */
function descend(indents: number[], indent: number): void {
  while ((indents.at(-1) ?? -1) >= indent) indents.pop()
  indents.push(indent)
}
