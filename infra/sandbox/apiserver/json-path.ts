import { since } from './cells.ts'
import { type ApiObject, equal, isObject, type Json } from './object.ts'

/** The cell of an additional printer column: the first match of a JSONPath, as the column's type shows it. */
export function cellOf(path: string, type: string): (object: ApiObject) => Json {
  const steps = parsePath(path)
  return object => {
    const found = evaluate([object], steps)
    const value = found[0]
    if (value === undefined || value === null) return type === 'date' ? '<unknown>' : null
    if (type === 'date') return since(String(value))
    if (type === 'integer' || type === 'number') return Number(value)
    if (type === 'boolean') return value === true || value === 'true'
    return typeof value === 'object' ? JSON.stringify(value) : String(value)
  }
}

type Step =
  | { readonly field: string }
  | { readonly index: number }
  | { readonly filter: readonly string[]; readonly value: Json }
  | 'all'

const STEP =
  /\.([A-Za-z0-9_-]+(?:\\\.[A-Za-z0-9_/-]+)*)|\[(-?\d+)\]|\[(\*)\]|\['([^']+)'\]|\[\?\(@\.([A-Za-z0-9_.-]+)\s*==\s*("[^"]*"|'[^']*'|\w+)\)\]/gy

/** The part of JSONPath that printer columns use: fields, indexes, [*], ['x'] and [?(@.a=="b")]. */
function parsePath(path: string): Step[] {
  const steps: Step[] = []
  STEP.lastIndex = 0
  for (let match = STEP.exec(path); match; match = STEP.exec(path)) {
    const [, field, index, all, quoted, filter, value = ''] = match
    if (field !== undefined) steps.push({ field: field.replaceAll('\\.', '.') })
    else if (quoted !== undefined) steps.push({ field: quoted })
    else if (index !== undefined) steps.push({ index: Number(index) })
    else if (all !== undefined) steps.push('all')
    else if (filter !== undefined) {
      const text = /^["']/.test(value) ? value.slice(1, -1) : JSON.parse(value)
      steps.push({ filter: filter.split('.'), value: text })
    }
  }
  return steps
}

function evaluate(values: readonly Json[], steps: readonly Step[]): Json[] {
  let here = [...values]
  for (const step of steps) here = here.flatMap(value => take(value, step))
  return here
}

function take(value: Json, step: Step): Json[] {
  if (step === 'all') {
    if (Array.isArray(value)) return value
    return isObject(value) ? Object.values(value).filter(item => item !== undefined) : []
  }
  if ('field' in step) {
    const found = isObject(value) ? value[step.field] : undefined
    return found === undefined ? [] : [found]
  }
  if (!Array.isArray(value)) return []
  if ('index' in step) {
    const found = value.at(step.index)
    return found === undefined ? [] : [found]
  }
  return value.filter(item => {
    const found = evaluate(
      [item],
      step.filter.map(field => ({ field })),
    )
    return found[0] !== undefined && equal(found[0], step.value)
  })
}
