/**
 * Admission: refuses a bad configuration object before it is stored. Part of the watcher's process, and never in its way:
 * when it cannot be had, it says so and is tried again, and the API server stores whatever comes.
 */
import { setTimeout as after } from 'node:timers/promises'
import { admit, consulted, type Kind } from '../functions/admit/admit.ts'
import type { Opinion, Question } from '../functions/admit/review.ts'
import type { Configuration } from '../functions/model/configuration.ts'
import { issue } from '../infra/certificates.ts'
import type { Config } from '../infra/config.ts'
import type { KubernetesApi } from '../infra/kubernetes/client.ts'
import type { Logger } from '../infra/log.ts'
import { register } from '../infra/webhook/registration.ts'
import { reviewUrl, serveReviews, type WebhookServer } from '../infra/webhook/server.ts'
import { LIVES, type Lives, leftMs, lifeFrom, SECRET, shareTrust } from '../infra/webhook/trust.ts'

export interface WebhookWorld {
  readonly config: Pick<Config, 'namespace' | 'webhook' | 'webhookHost'>
  readonly api: KubernetesApi
  readonly log: Logger
  /** The configuration in force; null while nobody has judged one. */
  inForce(): Promise<Configuration | null>
  /** Addresses of the cluster's nodes. */
  nodeAddresses(): Promise<readonly string[]>
}

/** How often the certificates, and what the API server was told, are looked after. */
const LOOK_EVERY_MS = 30_000

/** Answers what ends it. */
export function runWebhook(world: WebhookWorld, lives: Lives = LIVES): { stop(): void } {
  const stopping = new AbortController()
  keepServing(world, lives, stopping.signal).catch(() => {}) // only ever because it is stopped
  return { stop: () => stopping.abort() }
}

interface Serving {
  readonly server: WebhookServer
  /** Of the certificate in use. */
  certificate: string
  /** Who signed it. */
  authority: string
}

async function keepServing(world: WebhookWorld, lives: Lives, signal: AbortSignal): Promise<void> {
  let serving: Serving | null = null
  let told = ''
  signal.addEventListener('abort', () => serving?.server.close(), { once: true })
  while (!signal.aborted) {
    try {
      serving = await lookAfter(world, serving, lives)
      if (signal.aborted) serving.server.close()
      told = ''
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      if (why !== told) {
        world.log.warn({ error }, 'admission is not offered; the API server stores whatever comes')
      }
      told = why
    }
    await after(Math.min(LOOK_EVERY_MS, lives.servingMs / 10), undefined, { signal, ref: false })
  }
}

/** Whoever is to be trusted is told to the API server before the first certificate of his is shown. */
async function lookAfter(
  world: WebhookWorld,
  serving: Serving | null,
  lives: Lives,
): Promise<Serving> {
  const { config, api, log } = world
  const { authority, bundle } = await shareTrust(api, config.namespace, lives)
  const where = (port: number) =>
    config.webhookHost === null ? 'service' : { url: reviewUrl(config.webhookHost, port) }
  if (serving) await registered(api, bundle, where(serving.server.port), log)
  const fresh =
    serving?.authority === authority.certificate &&
    leftMs(serving.certificate) > lives.servingMs / 3
  if (serving && fresh) return serving
  const pair = issue(authority, {
    name: SECRET,
    names: [config.webhookHost ?? `${SECRET}.${config.namespace}.svc`],
    life: lifeFrom(Date.now(), lives.servingMs),
  })
  const state = { certificate: pair.certificate, authority: authority.certificate }
  if (serving) {
    serving.server.use(pair)
    log.info({}, 'the webhook shows a new certificate')
    return { ...serving, ...state }
  }
  if (!config.webhook) throw new Error('a webhook was started that is off')
  const judge = (question: Question) => opinion(question, world)
  const server = await serveReviews(config.webhook, pair, judge, log)
  log.info({ port: server.port }, 'answering admission reviews')
  const started = { ...state, server }
  try {
    await registered(api, bundle, where(server.port), log)
  } catch (error) {
    server.close()
    throw error
  }
  return started
}

async function registered(
  api: KubernetesApi,
  bundle: string,
  where: Parameters<typeof register>[2],
  log: Logger,
): Promise<void> {
  if (await register(api, bundle, where))
    log.info({ where }, 'the API server was told of the webhook')
}

/** Judges with what is stored now: of two pools applied together the second must know of the first. */
async function opinion(question: Question, world: WebhookWorld): Promise<Opinion> {
  const { config, log } = world
  const lists = await Promise.all(
    consulted(question).map(async kind => [kind, await listed(kind, world)] as const),
  )
  const unread = lists.flatMap(([kind, items]) => (items ? [] : [kind]))
  const others = Object.fromEntries(lists.map(([kind, items]) => [kind, items ?? []]))
  const [inForce, nodeAddresses] = await Promise.all([
    inTime(world.inForce()),
    inTime(world.nodeAddresses()),
  ])
  const { refusal, warnings } = admit(question, {
    namespace: config.namespace,
    others,
    inForce,
    nodeAddresses: nodeAddresses ?? [],
  })
  const { kind, namespace, name } = question
  if (refusal !== null) log.info({ kind, namespace, name, reason: refusal }, 'refused at admission')
  const blind =
    unread.length > 0
      ? [`Herald judged this alone: it could not read the present ${unread.join(', ')} objects`]
      : []
  return { refusal, warnings: [...blind, ...warnings] }
}

/** Null where Redis is away: then what is stored counts as in force. */
function inTime<T>(asked: Promise<T>): Promise<T | null> {
  return Promise.race([asked, after(PATIENCE_MS, null, { ref: false })]).catch(() => null)
}

/** For each thing asked for: the API server itself waits for 3 s. */
const PATIENCE_MS = 1000

const PATHS: Readonly<Record<Kind, (namespace: string) => string>> = {
  IPAddressPool: objectsOf('ipaddresspools'),
  L2Advertisement: objectsOf('l2advertisements'),
  BGPAdvertisement: objectsOf('bgpadvertisements'),
  BGPPeer: namespace => `/apis/metallb.io/v1beta2/namespaces/${namespace}/bgppeers`,
  BFDProfile: objectsOf('bfdprofiles'),
  Community: objectsOf('communities'),
  ConfigMap: namespace => `/api/v1/namespaces/${namespace}/configmaps`,
}

function objectsOf(plural: string): (namespace: string) => string {
  return namespace => `/apis/metallb.io/v1beta1/namespaces/${namespace}/${plural}`
}

/** Null when the API server does not say, or not in time. */
async function listed(
  kind: Kind,
  { api, config }: WebhookWorld,
): Promise<readonly unknown[] | null> {
  try {
    const answer = (await api.request({
      path: PATHS[kind](config.namespace),
      ...(kind === 'ConfigMap' ? { query: { fieldSelector: 'metadata.name=config' } } : {}),
      timeoutMs: PATIENCE_MS,
      patienceMs: PATIENCE_MS,
    })) as { readonly items?: readonly unknown[] | null }
    return answer.items ?? []
  } catch {
    return null
  }
}
