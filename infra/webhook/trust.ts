/**
 * The authority behind the webhook's certificates. It lies in a Secret, so that whichever watcher answers the API server is
 * trusted by the one caBundle of the configuration. Whoever finds none, or one that ends soon, makes a new one; the one that
 * was stays in the bundle for as long as it lives.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { Fault } from '../../functions/model/fault.ts'
import { type KeyPair, makeAuthority } from '../certificates.ts'
import { ApiError, type KubernetesApi } from '../kubernetes/client.ts'
import { patchObject } from '../kubernetes/write.ts'

export const SECRET = 'herald-webhook'

export interface Trust {
  readonly authority: KeyPair
  /** PEM of all authorities whose certificates may still be in use; its own first. */
  readonly bundle: string
}

export interface Lives {
  readonly authorityMs: number
  readonly servingMs: number
}

const DAY_MS = 24 * 3600 * 1000
export const LIVES: Lives = { authorityMs: 10 * 365 * DAY_MS, servingMs: 90 * DAY_MS }
/** Clocks differ. */
const SLACK_MS = DAY_MS
const ATTEMPTS_MOST = 5

/** Reads the authority, and makes a new one when a third or less of its life is left. Throws an ApiError or a Fault. */
export async function shareTrust(
  api: KubernetesApi,
  namespace: string,
  { authorityMs }: Lives,
): Promise<Trust> {
  const path = `/api/v1/namespaces/${namespace}/secrets/${SECRET}`
  for (let attempt = 1; ; attempt++) {
    const stored = await read(api, path)
    if (stored.trust && leftMs(stored.trust.authority.certificate) > authorityMs / 3) {
      return stored.trust
    }
    const trust = renewed(stored.trust, authorityMs)
    try {
      await write(api, path, stored.resourceVersion, trust)
      return trust
    } catch (error) {
      // Another watcher was faster: its authority is as good.
      if (!(error instanceof ApiError) || error.status !== 409 || attempt >= ATTEMPTS_MOST)
        throw error
    }
  }
}

export const lifeFrom = (nowMs: number, lifeMs: number) => ({
  from: new Date(nowMs - SLACK_MS),
  to: new Date(nowMs + lifeMs),
})

/** Until the end of a certificate; negative when it has ended. */
export const leftMs = (pem: string): number =>
  Date.parse(new X509Certificate(pem).validTo) - Date.now()

function renewed(old: Trust | null, authorityMs: number): Trust {
  const authority = makeAuthority('herald-webhook-ca', lifeFrom(Date.now(), authorityMs))
  const previous = old && leftMs(old.authority.certificate) > 0 ? old.authority.certificate : ''
  return { authority, bundle: authority.certificate + previous }
}

async function read(
  api: KubernetesApi,
  path: string,
): Promise<{ readonly trust: Trust | null; readonly resourceVersion: string }> {
  const secret = (await api.request({ path }).catch(missing)) as {
    readonly metadata: { readonly resourceVersion: string }
    readonly data?: Readonly<Record<string, string>>
  }
  const text = (key: string) => Buffer.from(secret.data?.[key] ?? '', 'base64').toString()
  const authority = { certificate: text('ca.crt'), key: text('ca.key') }
  return {
    trust: isPair(authority)
      ? { authority, bundle: text('bundle.crt') || authority.certificate }
      : null,
    resourceVersion: secret.metadata.resourceVersion,
  }
}

function isPair({ certificate, key }: KeyPair): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

async function write(
  api: KubernetesApi,
  path: string,
  resourceVersion: string,
  { authority, bundle }: Trust,
): Promise<void> {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const data = {
    'ca.crt': base64(authority.certificate),
    'ca.key': base64(authority.key),
    'bundle.crt': base64(bundle),
  }
  await patchObject(api, path, { metadata: { resourceVersion }, data })
}

function missing(cause: unknown): never {
  if (!(cause instanceof ApiError) || (cause.status !== 404 && cause.status !== 403)) throw cause
  throw new Fault('WebhookNotInstalled', {
    what: `The Secret "${SECRET}" of the admission webhook cannot be read`,
    why: cause.message,
    remedy: 'Apply infra/deploy/webhook.yaml, or start the watcher without --webhook',
    retry: true,
    cause,
  })
}
