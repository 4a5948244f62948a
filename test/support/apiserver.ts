import { EventEmitter, once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { JsonObject } from '../../infra/sandbox/apiserver/object.ts'
import {
  type ApiServer,
  type ApiServerOptions,
  startApiServer,
} from '../../infra/sandbox/apiserver/server.ts'
import type { Scope } from './undo.ts'

/** An API server of this test's own, in its own folder; closed when the test ends. */
export async function apiServer(
  t: Scope,
  options: Omit<ApiServerOptions, 'folder'> = {},
): Promise<ApiServer> {
  const folder = mkdtempSync(join(tmpdir(), 'herald-apiserver-'))
  const server = await startApiServer({ folder, ...options })
  t.after(async () => {
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return server
}

/** One HTTPS exchange as it was on the wire, the body parsed where it is JSON. */
export interface Exchange {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: unknown
}

/** Sends one request with the admin token (or another) and answers what came back. */
export function ask(
  server: Pick<ApiServer, 'url' | 'ca' | 'token'>,
  method: string,
  path: string,
  options: { body?: unknown; type?: string; token?: string | null; accept?: string } = {},
): Promise<Exchange> {
  const { body, type = 'application/json', token = server.token, accept } = options
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
  const headers = {
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    ...(accept ? { accept } : {}),
    ...(text ? { 'content-type': type, 'content-length': Buffer.byteLength(text) } : {}),
  }
  return new Promise((resolve, reject) => {
    const outgoing = request(
      new URL(path, server.url),
      { method, ca: server.ca, headers, agent: false },
      response => {
        const chunks: Buffer[] = []
        response.on('data', chunk => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const told = Buffer.concat(chunks).toString()
          const json = /json/.test(response.headers['content-type'] ?? '')
          const whole = json ? parsed(told) : told
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: whole })
        })
      },
    )
    outgoing.on('error', reject)
    outgoing.end(text)
  })
}

/** A watch under way, as a client sees it. */
export interface OpenWatch {
  readonly status: number
  readonly events: readonly JsonObject[]
  /** Waits until so many events have come, and answers all that have. */
  until(count: number): Promise<readonly JsonObject[]>
  /** Settles when the stream is over: null if it ended politely. */
  readonly ended: Promise<Error | null>
  close(): void
}

const LIMIT_MS = 20_000

/** Opens a watch and collects its events; closed when the test ends. */
export function openWatch(
  t: Scope,
  server: Pick<ApiServer, 'url' | 'ca' | 'token'>,
  path: string,
  accept = 'application/json',
): Promise<OpenWatch> {
  const events: JsonObject[] = []
  const bell = new EventEmitter()
  const headers = { authorization: `Bearer ${server.token}`, accept }
  return new Promise((resolve, reject) => {
    const url = new URL(path, server.url)
    const outgoing = request(url, { ca: server.ca, headers, agent: false }, response => {
      const ended = new Promise<Error | null>(settle => {
        response.on('end', () => settle(null))
        response.on('error', settle)
        response.on('aborted', () => settle(new Error('aborted')))
      })
      const lines = createInterface({ input: response })
      lines.on('error', () => {}) // `ended` says it
      lines.on('line', line => {
        events.push(JSON.parse(line))
        bell.emit('event')
      })
      const until = async (count: number) => {
        while (events.length < count) {
          await once(bell, 'event', { signal: AbortSignal.timeout(LIMIT_MS) })
        }
        return events
      }
      const close = () => outgoing.destroy()
      resolve({ status: response.statusCode ?? 0, events, until, ended, close })
    })
    outgoing.on('error', reject)
    outgoing.end()
    t.after(() => outgoing.destroy())
  })
}

/** A watch's answer is many documents, one a line. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line))
  }
}
