/**
 * Writes as ValidatingWebhookConfigurations see them (k8s.io/apiserver/pkg/admission/plugin/webhook): the write is tried
 * without effect, those who match are asked about what it would leave, and then it is done, unless the object has changed
 * meanwhile: then all begins anew, as in the real server.
 */
import { anySelects, type LabelSelector, selects } from '../../../functions/model/selector.ts'
import {
  type AdmissionRequest,
  type Change,
  type Operation,
  requestOf,
} from './admission-request.ts'
import { conflict } from './api-error.ts'
import type { User } from './authority.ts'
import { holds } from './cel.ts'
import { type ApiObject, type Json, listAt, objectAt, textAt, textsAt } from './object.ts'
import { apiVersionOf, keyOf, type Resource } from './resources.ts'
import { type Hook, review } from './webhooks.ts'
import type { Write } from './write.ts'

const ATTEMPTS_MOST = 5

/** `act` does a create, update or patch, and answers the object. */
export async function admitted<T extends { readonly object: ApiObject }>(
  write: Write,
  user: User,
  act: (write: Write) => T,
): Promise<T> {
  const { registry, resource, info } = write
  if (hooksOf(write).length === 0) return act(write)
  for (let attempt = 0; attempt < ATTEMPTS_MOST; attempt++) {
    const stored = (name: string) =>
      registry.store.get(resource.storage, keyOf(resource, info.namespace, name))
    const before = stored(info.name)
    const { object } = act(tried(write))
    await ask(write, user, { next: object, old: before })
    const { name } = object.metadata
    if (stored(info.name) === before) return act({ ...write, info: { ...info, name } })
  }
  throw conflict(resource, info.name)
}

/** Asks about a deletion before it is done. */
export async function admitDeletion(write: Write, user: User, doomed: readonly ApiObject[]) {
  if (hooksOf(write).length === 0) return
  for (const old of doomed) await ask(write, user, { next: null, old })
}

function tried(write: Write): Write {
  const query = new URLSearchParams([...write.info.query, ['dryRun', 'All']])
  return { ...write, info: { ...write.info, query }, warnings: [] }
}

/** All webhooks with a rule for this resource, whatever the operation. */
function hooksOf({ registry, resource, info }: Write): Hook[] {
  if (resource.group === 'admissionregistration.k8s.io') return [] // nobody may lock the door from within
  const known = registry.store.list('validatingwebhookconfigurations.admissionregistration.k8s.io')
  return known.flatMap(configuration =>
    listAt(configuration, 'webhooks').flatMap(webhook => {
      const rules = listAt(webhook, 'rules').filter(rule =>
        meant(rule, resource, info.subresource, webhook),
      )
      return rules.length > 0 ? [{ webhook, rules }] : []
    }),
  )
}

function meant(rule: Json, resource: Resource, subresource: string, webhook: Json): boolean {
  const has = (field: string, value: string) =>
    textsAt(rule, field).some(one => one === '*' || one === value)
  const scope = textAt(rule, 'scope')
  const whole = subresource ? `${resource.plural}/${subresource}` : resource.plural
  const named = textsAt(rule, 'resources').some(
    one =>
      one === whole ||
      one === '*/*' ||
      (one === '*' && !subresource) ||
      one === `${resource.plural}/*` ||
      (subresource !== '' && one === `*/${subresource}`),
  )
  const equivalent = textAt(webhook, 'matchPolicy') !== 'Exact'
  return (
    named &&
    has('apiGroups', resource.group) &&
    (equivalent || has('apiVersions', resource.version)) &&
    (scope !== 'Namespaced' || resource.namespaced) &&
    (scope !== 'Cluster' || !resource.namespaced)
  )
}

async function ask(write: Write, user: User, change: Change): Promise<void> {
  const operation: Operation = !change.next ? 'DELETE' : change.old ? 'UPDATE' : 'CREATE'
  const asked = hooksOf(write).flatMap(hook => {
    const rule = hook.rules.find(one =>
      ['*', operation].some(op => textsAt(one, 'operations').includes(op)),
    )
    const version = rule && versionFor(write, textsAt(rule, 'apiVersions'))
    return version && selected(write, hook.webhook, change) ? [{ hook, version }] : []
  })
  const answers = await Promise.all(
    asked.map(async ({ hook, version }) => {
      const request = requestOf(write, user, version, operation, change)
      return conditionsHold(hook.webhook, request)
        ? review(write.registry, hook, request)
        : { denial: null, warnings: [] }
    }),
  )
  for (const { denial, warnings } of answers) {
    write.warnings.push(...warnings)
    if (denial) throw denial
  }
}

/** The version that the webhook knows; the objects are shown to it in that one. */
function versionFor({ registry, resource }: Write, versions: readonly string[]): Resource | null {
  if (versions.includes('*') || versions.includes(resource.version)) return resource
  const others = versions.map(version =>
    registry.catalog.find(apiVersionOf({ ...resource, version }), resource.plural),
  )
  return others.find(one => one !== null) ?? null
}

function selected({ registry, resource }: Write, webhook: Json, { next, old }: Change): boolean {
  const object = next ?? old
  const home =
    resource.storage === 'namespaces'
      ? object
      : registry.store.get('namespaces', object?.metadata.namespace ?? '')
  const inside =
    !home || selects(selectorAt(webhook, 'namespaceSelector'), home.metadata.labels ?? {})
  const selector = selectorAt(webhook, 'objectSelector')
  const labels = [next, old].flatMap(one => (one ? [one.metadata.labels ?? {}] : []))
  return inside && labels.some(one => anySelects([selector], one))
}

const selectorAt = (webhook: Json, field: string) =>
  objectAt(webhook, field) as unknown as LabelSelector

function conditionsHold(webhook: Json, request: AdmissionRequest): boolean {
  const { object, oldObject } = request
  return listAt(webhook, 'matchConditions').every(one =>
    holds(textAt(one, 'expression'), { request, object, oldObject }),
  )
}
