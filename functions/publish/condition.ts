/** Conditions of Kubernetes objects (metav1.Condition): written only when they change, with the time at which they turned. */
import type { Condition } from '../model/service.ts'

export type Verdict = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>

/** The condition to write; the very one that is shown when it says the same already. */
export function conditionOf(verdict: Verdict, shown: readonly Condition[], now: string): Condition {
  const old = shown.find(({ type }) => type === verdict.type)
  const fresh = { ...verdict, message: cut(verdict.message) }
  if (
    old &&
    old.status === fresh.status &&
    old.reason === fresh.reason &&
    old.message === fresh.message
  ) {
    return old
  }
  return {
    ...fresh,
    lastTransitionTime: old?.status === fresh.status ? old.lastTransitionTime : now,
  }
}

/** Longest message that a condition may have, in characters (apimachinery: metav1.Condition). */
const MESSAGE_MOST = 32_768

const cut = (message: string): string =>
  message.length > MESSAGE_MOST ? `${message.slice(0, MESSAGE_MOST - 1)}\u2026` : message
