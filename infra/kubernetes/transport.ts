/**
 * One HTTP exchange over kept connections. Requests and watches have a pool each, so that watches, which hold
 * their connection, never keep a write waiting.
 */
import http, { type IncomingMessage } from 'node:http'
import https, { type RequestOptions } from 'node:https'
import { type Asked, silent, unreached } from './api-error.ts'

export interface Pools {
  readonly requests: http.Agent
  readonly watches: http.Agent
}

export interface Call extends Asked {
  readonly options: RequestOptions
  readonly body?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs: number
}

/** kube-apiserver closes what was idle for 90 s; leave first, or a request meets a closing connection. */
const IDLE_MS = 60_000
/** Most connections for requests; the API server's fair queueing hardly gives one client more at once. */
const CONNECTIONS_MOST = 32

export function openPools(server: string): Pools {
  const Agent = server.startsWith('http:') ? http.Agent : https.Agent
  const kept = { keepAlive: true, keepAliveMsecs: 10_000, timeout: IDLE_MS }
  return {
    requests: new Agent({ ...kept, maxSockets: CONNECTIONS_MOST }),
    watches: new Agent(kept),
  }
}

/** Answers once the headers are there. Throws an ApiError of status 0. */
export function send(call: Call): Promise<IncomingMessage> {
  const { url, method, options, body, signal, timeoutMs } = call
  return new Promise((resolve, reject) => {
    const { request: open } = url.protocol === 'http:' ? http : https
    const request = open(url, { ...options, method, ...(signal ? { signal } : {}) }, response => {
      clearTimeout(timer)
      resolve(response)
    })
    const timer = setTimeout(() => request.destroy(silent(call, timeoutMs)), timeoutMs)
    request.on('error', error => {
      clearTimeout(timer)
      reject(unreached(call, error))
    })
    request.end(body)
  })
}

/** The whole body, within the time. Throws an ApiError of status 0. */
export async function receive(response: IncomingMessage, call: Call): Promise<string> {
  const { timeoutMs } = call
  const timer = setTimeout(() => response.destroy(silent(call, timeoutMs)), timeoutMs)
  try {
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk)
    return Buffer.concat(chunks).toString('utf8')
  } catch (error) {
    throw unreached(call, error instanceof Error ? error : new Error(String(error)))
  } finally {
    clearTimeout(timer)
  }
}

/** Where one connection has gone silent, its idle neighbours are not to be trusted either. */
export function dropIdle(pool: http.Agent): void {
  for (const sockets of Object.values(pool.freeSockets)) {
    for (const socket of sockets ?? []) socket.destroy()
  }
}
