/** Label selectors, as Kubernetes defines them (apimachinery, meta/v1 LabelSelector). */

export type Labels = Readonly<Record<string, string>>

export interface LabelSelector {
  readonly matchLabels?: Labels
  readonly matchExpressions?: readonly LabelExpression[]
}

export interface LabelExpression {
  readonly key: string
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'
  readonly values?: readonly string[]
}

/** True when every term of the selector holds; an empty selector matches everything. */
export function selects(selector: LabelSelector, labels: Labels): boolean {
  const exact = Object.entries(selector.matchLabels ?? {})
  return (
    exact.every(([key, value]) => labels[key] === value) &&
    (selector.matchExpressions ?? []).every(expression => holds(expression, labels))
  )
}

/** True when any selector of the list matches: a list of selectors is OR-ed. */
export function anySelects(selectors: readonly LabelSelector[], labels: Labels): boolean {
  return selectors.some(selector => selects(selector, labels))
}

function holds({ key, operator, values = [] }: LabelExpression, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn': // also true without the label, as in Kubernetes
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
  }
}
