/** Label selectors, held to what Kubernetes itself holds them to (meta/v1 LabelSelectorAsSelector). */
import type { LabelExpression, LabelSelector } from '../model/selector.ts'
import {
  entries,
  items,
  type Mistakes,
  members,
  type Part,
  refuseDoubles,
  shown,
  text,
} from './part.ts'

/** How the two terms of a selector are spelled. */
export interface Spelling {
  readonly labels: string
  readonly expressions: string
}

const OBJECT_SPELLING: Spelling = { labels: 'matchLabels', expressions: 'matchExpressions' }

export function readSelectors(
  part: Part | undefined,
  mistakes: Mistakes,
  spelling: Spelling,
): LabelSelector[] {
  return items(part, mistakes).map(one => readSelector(one, mistakes, spelling))
}

/** As MetalLB, in its objects: no selector, no expression of one and no value of an expression may stand twice. */
export function readDistinctSelectors(part: Part | undefined, mistakes: Mistakes): LabelSelector[] {
  const { labels, expressions } = OBJECT_SPELLING
  refuseDoubles(part, mistakes)
  for (const one of items(part, [])) {
    const inner = members(one, [labels, expressions], [])[expressions]
    refuseDoubles(inner, mistakes)
    for (const expression of items(inner, [])) {
      refuseDoubles(members(expression, ['values'], []).values, mistakes)
    }
  }
  return readSelectors(part, mistakes, OBJECT_SPELLING)
}

export function readSelector(
  part: Part,
  mistakes: Mistakes,
  { labels, expressions }: Spelling = OBJECT_SPELLING,
): LabelSelector {
  const given = members(part, [labels, expressions], mistakes)
  const matchLabels = [...entries(given[labels], mistakes)].map(([key, value]) => {
    checkKey(key, value, mistakes)
    return [key, labelValue(value, mistakes)]
  })
  const matchExpressions = items(given[expressions], mistakes).map(one =>
    readExpression(one, mistakes),
  )
  return {
    ...(matchLabels.length > 0 && { matchLabels: Object.fromEntries(matchLabels) }),
    ...(matchExpressions.length > 0 && { matchExpressions }),
  }
}

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const

function readExpression(part: Part, mistakes: Mistakes): LabelExpression {
  const given = members(part, ['key', 'operator', 'values'], mistakes)
  const key = text(given.key, mistakes)
  checkKey(key, given.key ?? part, mistakes)
  const values = items(given.values, mistakes).map(one => labelValue(one, mistakes))
  const written = text(given.operator, mistakes)
  const operator = OPERATORS.find(known => known === written)
  if (!operator) {
    const what = given.operator
      ? `${shown(given.operator)} is no operator`
      : 'the operator is missing'
    mistakes.push(
      `${(given.operator ?? part).where}: ${what}: write one of ${OPERATORS.join(', ')}`,
    )
    return { key, operator: 'Exists' }
  }
  const wantsValues = operator === 'In' || operator === 'NotIn'
  if (wantsValues !== values.length > 0) {
    const remedy = wantsValues ? 'needs values: list at least one' : 'takes no values: remove them'
    mistakes.push(`${(given.values ?? part).where}: ${operator} ${remedy}`)
  }
  return values.length > 0 ? { key, operator, values } : { key, operator }
}

function labelValue(part: Part, mistakes: Mistakes): string {
  if (part.kind === 'nothing') return ''
  return text(part, mistakes, value =>
    value === '' || isName(value) ? null : `cannot be the value of a label: ${NAME_RULE}`,
  )
}

function checkKey(key: string, part: Part, mistakes: Mistakes): void {
  const [name = '', prefix, ...more] = key.split('/').reverse()
  if (isName(name) && more.length === 0 && (prefix === undefined || isSubdomain(prefix))) return
  const what =
    key === '' ? 'the key is missing' : `"${key.slice(0, 80)}" cannot be the key of a label`
  mistakes.push(`${part.where}: ${what}: ${NAME_RULE}, after an optional DNS name and "/"`)
}

const NAME_RULE = 'write 1 to 63 letters, digits, "-", "_" and ".", letters or digits at both ends'

/** apimachinery validation: label values and the name part of keys. */
const isName = (word: string): boolean =>
  word.length <= 63 && /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/.test(word)

/** RFC 1123 subdomain, the prefix of a key. */
const isSubdomain = (word: string): boolean =>
  word.length <= 253 &&
  word.split('.').every(label => /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(label))
