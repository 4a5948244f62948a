import { badRequest } from './api-error.ts'
import type { ApiObject } from './object.ts'

/** Says whether an object is meant. */
export type Selector = (object: ApiObject) => boolean

/**
 * A label selector as the query parameter carries it: `a=b,c!=d,e in (f,g),h notin (i),j,!k`
 * (k8s.io/apimachinery/pkg/labels). 400 for what cannot be parsed.
 */
export function labelSelector(text: string): Selector {
  const tests = splitOutsideParentheses(text).map(labelTest)
  return object => tests.every(test => test(object.metadata.labels ?? {}))
}

/**
 * A field selector: `a=b,c!=d`, over the fields that the resource offers. 400 for other fields,
 * in the words of the real server.
 */
export function fieldSelector(
  text: string,
  fieldsOf: (object: ApiObject) => Record<string, string>,
  offered: readonly string[],
): Selector {
  const tests = text
    .split(',')
    .filter(part => part !== '')
    .map(part => {
      const match = /^([^=!]+)(==|=|!=)(.*)$/.exec(part)
      if (!match) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`)
      const [, field = '', operator, value = ''] = match
      if (!offered.includes(field)) throw badRequest(`field label not supported: ${field}`)
      return { field, equals: operator !== '!=', value }
    })
  return object => {
    const fields = fieldsOf(object)
    return tests.every(({ field, equals, value }) => ((fields[field] ?? '') === value) === equals)
  }
}

type LabelTest = (labels: Record<string, string>) => boolean

const KEY = '([A-Za-z0-9][-A-Za-z0-9_./]*)'
const SET = new RegExp(String.raw`^${KEY}\s+(in|notin)\s+\(([^()]*)\)$`)
const EQUALITY = new RegExp(String.raw`^${KEY}\s*(==|=|!=|>|<)\s*([-A-Za-z0-9_.]*)$`)
const EXISTENCE = new RegExp(String.raw`^(!?)\s*${KEY}$`)

function labelTest(part: string): LabelTest {
  const set = SET.exec(part)
  if (set) {
    const [, key = '', operator, list = ''] = set
    const values = list.split(',').map(value => value.trim())
    return operator === 'in'
      ? labels => labels[key] !== undefined && values.includes(labels[key])
      : labels => labels[key] === undefined || !values.includes(labels[key])
  }
  const equality = EQUALITY.exec(part)
  if (equality) {
    const [, key = '', operator, value = ''] = equality
    if (operator === '!=') return labels => labels[key] !== value
    if (operator === '>') return labels => Number(labels[key] ?? Number.NaN) > Number(value)
    if (operator === '<') return labels => Number(labels[key] ?? Number.NaN) < Number(value)
    return labels => labels[key] === value
  }
  const existence = EXISTENCE.exec(part)
  if (!existence)
    throw badRequest(`unable to parse requirement: found '${part}', expected: a label requirement`)
  const [, not, key = ''] = existence
  return labels => (labels[key] !== undefined) === (not === '')
}

function splitOutsideParentheses(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map(part => part.trim())
    .filter(part => part !== '')
}
