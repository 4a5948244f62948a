/** Follows a scripted API server, and keeps what was handed over. */
import type { ServerResponse } from 'node:http'
import type { TestContext } from 'node:test'
import { connectKubernetes } from '../../infra/kubernetes/client.ts'
import { type Followed, type FollowOptions, follow } from '../../infra/kubernetes/watch.ts'
import { type KeptLog, keptLog } from './log.ts'
import { json, type Question, type ScriptedApi, scriptedApi, status } from './scripted-api.ts'

export const PATH = '/api/v1/services'

/** A list and the watches after it, as one test wants them. */
export interface Cluster {
  list(question: Question, response: ServerResponse): void
  watch(question: Question, response: ServerResponse): void
}

interface Following {
  readonly server: ScriptedApi
  readonly followed: Followed
  readonly log: KeptLog
  /** "list 10: a b", "ADDED c 11": what was handed over, in order. */
  readonly heard: string[]
  watches(): Question[]
  lists(): Question[]
}

export async function following(
  t: TestContext,
  cluster: Cluster,
  options: Partial<FollowOptions<string>> = {},
): Promise<Following> {
  const server = await scriptedApi(t, (question, response) => {
    if (question.url.pathname === '/api/v1/namespaces') json(response, page([], '77'))
    else if (question.url.searchParams.has('watch')) cluster.watch(question, response)
    else cluster.list(question, response)
  })
  const api = await connectKubernetes({ kubeconfig: server.kubeconfig, context: null })
  const heard: string[] = []
  const log = keptLog()
  const followed = follow<string>(api, {
    path: PATH,
    project: nameOf,
    listed: (items, version) => {
      heard.push(`list ${version}: ${items.join(' ')}`)
    },
    changed: changes => {
      for (const { type, item, resourceVersion } of changes) {
        heard.push(`${type} ${item} ${resourceVersion}`)
      }
    },
    log,
    watchSeconds: 2,
    ...options,
  })
  t.after(async () => {
    await followed.stop()
    api.close()
  })
  const asked = (watching: boolean) =>
    server.asked.filter(
      ({ url }) => url.pathname === PATH && url.searchParams.has('watch') === watching,
    )
  return {
    server,
    followed,
    log,
    heard,
    watches: () => asked(true),
    lists: () => asked(false),
  }
}

export const nameOf = (object: unknown): string =>
  (object as { metadata: { name: string } }).metadata.name
export const object = (name: string, version: string) => ({
  metadata: { name, resourceVersion: version },
})
export const page = (names: readonly string[], resourceVersion: string, next?: string) => ({
  kind: 'ServiceList',
  metadata: { resourceVersion, ...(next ? { continue: next } : {}) },
  items: names.map(name => object(name, '1')),
})
export const line = (type: string, name: string, version: string) =>
  `${JSON.stringify({ type, object: object(name, version) })}\n`
export const bookmark = (version: string) =>
  `${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: version } } })}\n`
export const error = (code: number, reason: string) =>
  `${JSON.stringify({ type: 'ERROR', object: status(code, reason) })}\n`
export const from = ({ url }: Question) => url.searchParams.get('resourceVersion')

/** Ends the stream when its time is over, as the API server does. */
export function inTime({ url }: Question, response: ServerResponse): void {
  const timer = setTimeout(
    () => response.end(),
    Number(url.searchParams.get('timeoutSeconds')) * 1000,
  )
  response.on('close', () => clearTimeout(timer))
}

/** Says each text on one watch after the other; the last one is repeated without its text. */
export function saying(
  ...texts: readonly ((response: ServerResponse) => void)[]
): Cluster['watch'] {
  let count = 0
  return (question, response) => {
    response.writeHead(200)
    response.flushHeaders()
    const say = texts[count++]
    if (say) say(response)
    inTime(question, response)
  }
}

export const listOfA: Cluster['list'] = (_, response) => json(response, page(['a'], '10'))
