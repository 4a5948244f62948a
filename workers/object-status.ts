/** The status of configuration objects: what is said on them, and how it is written. */
import type { ConfigurationFault, ConfigurationObject } from '../functions/model/configuration.ts'
import type { Condition } from '../functions/model/service.ts'
import { conditionOf } from '../functions/publish/condition.ts'
import { VALID_CONDITION, verdict } from '../functions/publish/configuration-state.ts'
import { projectConfiguration } from '../functions/watch/project.ts'
import { ApiError, type KubernetesApi } from '../infra/kubernetes/client.ts'
import { isOutOfDate, patchObjectStatus } from '../infra/kubernetes/write.ts'
import type { Seen } from './sightings.ts'

/** What this process has learnt by writing. */
export interface Statuses {
  /** uid -> status that was written last, JSON. */
  readonly written: Map<string, string>
  /** Kinds whose definition has no conditions (MetalLB's own): the API server drops them without a word. */
  readonly mute: Set<string>
}

export interface StatusWorld {
  readonly api: KubernetesApi
  /** Where the configuration lies. */
  readonly namespace: string
  readonly statuses: Statuses
  readonly seen: Seen
}

export const nothingWritten = (): Statuses => ({ written: new Map(), mute: new Set() })

/** What was written on objects that are gone is of no use, and would be kept for ever. */
export function forgetGone(
  { written }: Statuses,
  there: Iterable<Pick<ConfigurationObject, 'uid'>>,
): void {
  const uids = new Set([...there].map(({ uid }) => uid))
  for (const uid of written.keys()) if (!uids.has(uid)) written.delete(uid)
}

/** The conditions an object is to show; null where it can show none, or has nothing to say and never had. */
export function toldOn(
  { kind, name, status }: ConfigurationObject,
  faults: readonly ConfigurationFault[],
  { mute }: Statuses,
): readonly Condition[] | null {
  if (mute.has(kind)) return null
  const own = faults.filter(fault => fault.kind === kind && fault.name === name)
  const shown = conditionsIn(status)
  if (own.length === 0 && !shown.some(({ type }) => type === VALID_CONDITION)) return null
  const fresh = conditionOf(verdict(VALID_CONDITION, own), shown, new Date().toISOString())
  return [...shown.filter(({ type }) => type !== VALID_CONDITION), fresh]
}

/** An object that is gone, or another one by now, is left to the watch, which will say so. */
export async function writeStatus(
  object: ConfigurationObject,
  text: string,
  { api, namespace, statuses, seen }: StatusWorld,
): Promise<void> {
  const { kind, name, uid } = object
  try {
    const answer = await patchObjectStatus(api, PATHS(namespace, kind, name), uid, text)
    const after = projectConfiguration(kind, answer)
    statuses.written.set(uid, text)
    if (text.includes('"conditions"') && conditionsIn(after.status).length === 0) {
      statuses.mute.add(kind)
    }
    const key = `${kind}/${name}`
    if (seen.objects.items.get(key) === object) seen.objects.items.set(key, after)
  } catch (error) {
    if (!(error instanceof ApiError && (error.status === 404 || isOutOfDate(error)))) throw error
  }
}

const PATHS = (namespace: string, kind: string, name: string): string =>
  `/apis/metallb.io/v1beta1/namespaces/${namespace}/${kind.toLowerCase()}s/${name}`

export function conditionsIn(status: unknown): readonly Condition[] {
  if (typeof status !== 'object' || status === null || !('conditions' in status)) return []
  return Array.isArray(status.conditions) ? (status.conditions as readonly Condition[]) : []
}
