/** Short ways to ask for admission in tests. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AdmitState, admit } from '../../functions/admit/admit.ts'
import type { Question } from '../../functions/admit/review.ts'

type Spec = Readonly<Record<string, unknown>>

export const HOME = 'metallb-system'
export const object = (name: string, spec: unknown, metadata: Spec = {}) => ({
  metadata: { name, namespace: HOME, ...metadata },
  spec,
})
export const ask = (kind: string, spec: unknown, more: Partial<Question> = {}): Question => ({
  uid: 'u',
  operation: 'CREATE',
  kind,
  namespace: HOME,
  name: 'new',
  object: object(more.name ?? 'new', spec),
  oldObject: null,
  ...more,
})
export const cidr = (...addresses: string[]) => ({ addresses })
export const say = (
  question: Question,
  others: AdmitState['others'] = {},
  more: Partial<AdmitState> = {},
) => admit(question, { namespace: HOME, others, inForce: null, nodeAddresses: [], ...more }).refusal

/** A pool of both families, as others. */
export const pools = { IPAddressPool: [object('p', cidr('10.0.0.0/24', '2001:db8::/64'))] }

/** case, question, others, why it is refused (null: it is not) */
export type Row = readonly [string, Question, AdmitState['others'], RegExp | null]

export function judged(rows: readonly Row[]): void {
  for (const [what, question, others, refusal] of rows) {
    test(`${refusal ? 'refuses' : 'takes'} ${what}`, () => {
      const told = say(question, others)
      if (refusal) assert.match(told ?? 'nothing', refusal)
      else assert.equal(told, null)
    })
  }
}
