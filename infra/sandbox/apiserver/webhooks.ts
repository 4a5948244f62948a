/** One call of a validating webhook: where it is, what it answers, what it means when it does not. */
import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { text } from 'node:stream/consumers'
import type { AdmissionRequest } from './admission-request.ts'
import { ApiError } from './api-error.ts'
import { at, isObject, type Json, listAt, objectAt, textAt, textsAt } from './object.ts'
import type { Registry } from './registry.ts'

/** A webhook, and those of its rules that speak of the resource. */
export interface Hook {
  readonly webhook: Json
  readonly rules: readonly Json[]
}

export interface Verdict {
  readonly denial: ApiError | null
  readonly warnings: readonly string[]
}

/** Never throws: a webhook that cannot be asked counts as its failurePolicy says. */
export async function review(
  registry: Registry,
  { webhook }: Hook,
  request: AdmissionRequest,
): Promise<Verdict> {
  const name = textAt(webhook, 'name')
  try {
    const response = await call(registry, webhook, request)
    const warnings = textsAt(response, 'warnings')
    if (response.allowed === true) return { denial: null, warnings }
    return { denial: denied(name, objectAt(response, 'status')), warnings }
  } catch (error) {
    if (textAt(webhook, 'failurePolicy') === 'Ignore') return { denial: null, warnings: [] }
    const why = error instanceof Error ? error.message : String(error)
    const message = `Internal error occurred: failed calling webhook "${name}": failed to call webhook: ${why}`
    return { denial: new ApiError(500, 'InternalError', message), warnings: [] }
  }
}

/** k8s.io/apiserver/pkg/admission/plugin/webhook/errors. */
function denied(name: string, status: Json): ApiError {
  const by = `admission webhook "${name}" denied the request`
  const why = textAt(status, 'message') || textAt(status, 'reason')
  const code = Number(at(status, 'code') ?? 0)
  const message = why ? `${by}: ${why}` : `${by} without explanation`
  return new ApiError(Math.max(code, 400), textAt(status, 'reason'), message)
}

async function call(registry: Registry, webhook: Json, request: AdmissionRequest) {
  const target = targetOf(registry, objectAt(webhook, 'clientConfig'))
  const seconds = Number(at(webhook, 'timeoutSeconds') ?? 10)
  const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request }
  const url = `${target.url}?timeout=${seconds}s`
  try {
    const answer: Json = JSON.parse(await post(target, url, JSON.stringify(review), seconds * 1000))
    const response = objectAt(answer, 'response')
    if (textAt(response, 'uid') !== request.uid) {
      throw new Error(`expected response.uid="${request.uid}", got "${textAt(response, 'uid')}"`)
    }
    return response
  } catch (error) {
    throw new Error(`Post "${url}": ${error instanceof Error ? error.message : String(error)}`)
  }
}

interface Target {
  readonly url: string
  readonly ca: string
  /** Where to connect, if that is not what the URL says. */
  readonly host?: string
  readonly port?: string
}

function post(target: Target, url: string, body: string, timeoutMs: number): Promise<string> {
  const { ca, host, port } = target
  const options = {
    method: 'POST',
    agent: false,
    signal: AbortSignal.timeout(timeoutMs),
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    ...(ca ? { ca } : {}),
    ...(host ? { hostname: host, port, servername: new URL(url).hostname } : {}),
  }
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(url, options, (response: IncomingMessage) => {
      const told = text(response)
      if (response.statusCode === 200) told.then(resolve, reject)
      else reject(new Error(`the server answered ${response.statusCode}`))
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** A Service is reached at its first ready endpoint: the sandbox has no cluster network on the API server's side. */
function targetOf({ store }: Registry, client: Json): Target {
  const ca = Buffer.from(textAt(client, 'caBundle'), 'base64').toString()
  const url = textAt(client, 'url')
  if (url) return { url, ca }
  const [name, namespace] = [
    textAt(client, 'service', 'name'),
    textAt(client, 'service', 'namespace'),
  ]
  const path = textAt(client, 'service', 'path')
  const address = `https://${name}.${namespace}.svc:${textAt(client, 'service', 'port')}${path}`
  const slice = store
    .list('endpointslices.discovery.k8s.io')
    .find(
      ({ metadata }) =>
        metadata.namespace === namespace &&
        metadata.labels?.['kubernetes.io/service-name'] === name,
    )
  const endpoint = listAt(slice, 'endpoints').find(one => at(one, 'conditions', 'ready') !== false)
  const [host = ''] = textsAt(endpoint, 'addresses')
  const [port] = listAt(slice, 'ports').filter(isObject)
  if (!host) throw new Error(`Post "${address}": no endpoints available for service "${name}"`)
  return { url: address, ca, host, port: textAt(port, 'port') }
}
