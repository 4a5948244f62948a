/**
 * ConfigurationState (metallb-behaviour 1.10): whether the configuration could be used, in one object of MetalLB's kind.
 * One component judges it for all, so there is one object, `controller`; it has the condition that MetalLB's controller
 * shows for pools, and the one that its speakers show for the rest.
 */
import type { ConfigurationFault } from '../model/configuration.ts'
import type { Condition } from '../model/service.ts'
import { conditionOf, type Verdict } from './condition.ts'

export const STATE_NAME = 'controller'
export const COMPONENT_TYPE_LABEL = 'metallb.io/component-type'
export const COMPONENT_TYPE = 'controller'

export interface StateStatus {
  readonly result: string
  /** What is wrong, a line for each fault. */
  readonly errorSummary: string
  readonly conditions: readonly Condition[]
}

export interface ConfigurationState extends StateStatus {
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
}

/** The status to write, or null when `shown` says it already. */
export function stateOf(
  faults: readonly ConfigurationFault[],
  shown: StateStatus | null,
  now: string,
): StateStatus | null {
  const before = shown?.conditions ?? []
  const about = (...kinds: ConfigurationFault['kind'][]) =>
    faults.filter(({ kind }) => kinds.includes(kind))
  const conditions = [
    conditionOf(verdict('poolReconcilerValid', about('IPAddressPool', 'ConfigMap')), before, now),
    conditionOf(
      verdict('configReconcilerValid', about('L2Advertisement', 'ConfigMap')),
      before,
      now,
    ),
  ]
  const errorSummary = linesOf(faults)
  const result = faults.length > 0 ? 'Invalid' : 'Valid'
  const same =
    shown?.result === result &&
    shown.errorSummary === errorSummary &&
    conditions.every(one => before.includes(one))
  return same ? null : { result, errorSummary, conditions }
}

/** What is said on an object of the configuration itself, where its definition has conditions. */
export const VALID_CONDITION = 'herald.io/Valid'

export function verdict(type: string, faults: readonly ConfigurationFault[]): Verdict {
  return faults.length > 0
    ? { type, status: 'False', reason: 'ConfigurationError', message: linesOf(faults) }
    : { type, status: 'True', reason: 'Reconciled', message: 'It is in force.' }
}

const linesOf = (faults: readonly ConfigurationFault[]): string =>
  faults.map(({ kind, name, message }) => `${kind} "${name}": ${message}`).join('\n')
