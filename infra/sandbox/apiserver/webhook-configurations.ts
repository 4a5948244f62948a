import { type Cause, cause } from './api-error.ts'
import { at, isObject, type Json, type JsonObject, listAt, objectAt, textAt } from './object.ts'
import type { Strategy } from './registry.ts'

/** ValidatingWebhookConfigurations (k8s.io/kubernetes/pkg/apis/admissionregistration): defaults, and what must be said. */
export const webhookStrategy: Strategy = {
  prepare(next) {
    for (const webhook of listAt(next, 'webhooks').filter(isObject)) setDefaults(webhook)
  },
  validate: next =>
    listAt(next, 'webhooks').flatMap((webhook, index) => faultsOf(webhook, `webhooks[${index}]`)),
}

function setDefaults(webhook: JsonObject): void {
  webhook.failurePolicy ??= 'Fail'
  webhook.matchPolicy ??= 'Equivalent'
  webhook.timeoutSeconds ??= 10
  webhook.namespaceSelector ??= {}
  webhook.objectSelector ??= {}
  for (const rule of listAt(webhook, 'rules').filter(isObject)) rule.scope ??= '*'
  const service = at(webhook, 'clientConfig', 'service')
  if (isObject(service)) service.port ??= 443
}

function faultsOf(webhook: Json, path: string): Cause[] {
  const causes: Cause[] = []
  const name = textAt(webhook, 'name')
  if (name.split('.').length < 3) {
    const why = 'should be a domain with at least three segments separated by dots'
    causes.push(cause.invalid(`${path}.name`, name, why))
  }
  const client = objectAt(webhook, 'clientConfig')
  if ((client.url === undefined) === (client.service === undefined)) {
    causes.push(cause.required(`${path}.clientConfig`, 'exactly one of url or service is required'))
  }
  const url = textAt(client, 'url')
  if (url !== '' && !url.startsWith('https://')) {
    causes.push(
      cause.invalid(`${path}.clientConfig.url`, url, "'https' is the only allowed URL scheme"),
    )
  }
  if (!['None', 'NoneOnDryRun'].includes(textAt(webhook, 'sideEffects'))) {
    causes.push(cause.required(`${path}.sideEffects`, 'must specify one of None, NoneOnDryRun'))
  }
  if (listAt(webhook, 'admissionReviewVersions').length === 0) {
    const why = 'must specify one of v1, v1beta1'
    causes.push(cause.required(`${path}.admissionReviewVersions`, why))
  }
  const seconds = Number(at(webhook, 'timeoutSeconds'))
  if (seconds < 1 || seconds > 30) {
    const why = 'the timeout value must be between 1 and 30 seconds'
    causes.push(cause.invalid(`${path}.timeoutSeconds`, seconds, why))
  }
  return causes
}
