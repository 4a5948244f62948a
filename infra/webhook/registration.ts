/** Tells the API server, in the ValidatingWebhookConfiguration, whom to trust and where the webhook is. */
import { request } from 'node:https'
import { Fault } from '../../functions/model/fault.ts'
import { ApiError, type KubernetesApi } from '../kubernetes/client.ts'
import { patchObject } from '../kubernetes/write.ts'

export const CONFIGURATION = 'herald'
const PATH = `/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/${CONFIGURATION}`

/** Where the API server finds the webhook: at the Service that the configuration names, or at this URL. */
export type Whereabouts = 'service' | { readonly url: string }

interface Webhook {
  readonly name: string
  readonly clientConfig: {
    readonly caBundle?: string
    readonly url?: string
    readonly service?: { readonly name: string }
  }
}

/**
 * Writes only what differs. Two watchers outside the cluster have two URLs: the one that is there stays as long as somebody
 * answers at it. Answers whether anything was written.
 */
export async function register(
  api: KubernetesApi,
  bundle: string,
  where: Whereabouts,
): Promise<boolean> {
  const configuration = (await api.request({ path: PATH }).catch(missing)) as {
    readonly metadata: { readonly resourceVersion: string }
    readonly webhooks?: readonly Webhook[]
  }
  const caBundle = Buffer.from(bundle).toString('base64')
  const webhooks: Webhook[] = []
  for (const one of configuration.webhooks ?? []) {
    webhooks.push({ ...one, clientConfig: await wanted(one.clientConfig, caBundle, where) })
  }
  if (JSON.stringify(webhooks) === JSON.stringify(configuration.webhooks ?? [])) return false
  const { resourceVersion } = configuration.metadata
  await patchObject(api, PATH, { metadata: { resourceVersion }, webhooks })
  return true
}

async function wanted(
  present: Webhook['clientConfig'],
  caBundle: string,
  where: Whereabouts,
): Promise<Webhook['clientConfig']> {
  if (where === 'service') {
    return present.caBundle === caBundle ? present : { ...present, caBundle }
  }
  const others = present.url !== undefined && present.url !== where.url
  const url = others && (await answers(present.url, caBundle)) ? present.url : where.url
  return present.caBundle === caBundle && present.url === url ? present : { caBundle, url }
}

const PATIENCE_MS = 2000

/** Is there a webhook of ours at this URL? */
function answers(url: string | undefined, caBundle: string): Promise<boolean> {
  const ca = Buffer.from(caBundle, 'base64').toString()
  const options = { ca, agent: false, signal: AbortSignal.timeout(PATIENCE_MS) }
  return new Promise(resolve => {
    const outgoing = request(new URL('/healthz', url), options, response => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    outgoing.on('error', () => resolve(false))
    outgoing.end()
  })
}

function missing(cause: unknown): never {
  if (!(cause instanceof ApiError) || (cause.status !== 404 && cause.status !== 403)) throw cause
  throw new Fault('WebhookNotInstalled', {
    what: `The ValidatingWebhookConfiguration "${CONFIGURATION}" cannot be read`,
    why: cause.message,
    remedy: 'Apply infra/deploy/webhook.yaml, or start the watcher without --webhook',
    retry: true,
    cause,
  })
}
