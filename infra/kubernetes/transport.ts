/**
 * One HTTP exchange over kept connections. Requests and watches have a pool each, so that watches, which hold
 * their connection, never keep a write waiting.
 */
import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import https, { type RequestOptions } from 'node:https'
import type { Socket } from 'node:net'
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

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/**
 * The whole answer, whatever its status. The time runs from when a connection is there for it, and anew from when that is set
 * up: the wait for a free one is our own doing and not the server's. `begun` is called when there is one. Throws an
 * ApiError of status 0.
 */
export function exchange(call: Call, begun: () => void): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = open(call, response => {
      const chunks: Buffer[] = []
      response.on('data', chunk => chunks.push(chunk))
      response.on('error', fail)
      response.on('end', () => {
        clearTimeout(timer)
        const { statusCode: status = 0, headers } = response
        resolve({ status, headers, text: Buffer.concat(chunks).toString('utf8') })
      })
    })
    let timer: NodeJS.Timeout | undefined
    const fail = (error: Error) => {
      clearTimeout(timer)
      reject(unreached(call, error))
    }
    const startClock = () => {
      clearTimeout(timer)
      timer = setTimeout(() => request.destroy(silent(call, call.timeoutMs)), call.timeoutMs)
    }
    request.once('socket', socket => {
      startClock()
      // Setting a connection up has its own time: it says more about how busy we are than about this request.
      const ready = readiness(socket)
      if (ready) socket.once(ready, startClock)
      begun()
    })
    request.on('error', fail)
    request.end(call.body)
  })
}

/** The answer as a stream, once its headers are there; the time ends with them. Throws an ApiError of status 0. */
export function stream(call: Call): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { timeoutMs } = call
    const request = open(call, response => {
      clearTimeout(timer)
      resolve(response)
    })
    const timer = setTimeout(() => request.destroy(silent(call, timeoutMs)), timeoutMs)
    request.on('error', error => {
      clearTimeout(timer)
      reject(unreached(call, error))
    })
    request.end(call.body)
  })
}

/** The event with which a new connection can carry a request; null when it can. */
function readiness(socket: Socket): 'secureConnect' | 'connect' | null {
  const handshakes = 'secureConnecting' in socket && socket.secureConnecting // of a TLSSocket
  if (handshakes) return 'secureConnect'
  return socket.connecting ? 'connect' : null
}

/** The whole body of a stream, within the time. Throws an ApiError of status 0. */
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

function open(call: Call, answered: (response: IncomingMessage) => void): http.ClientRequest {
  const { url, method, options, signal } = call
  const { request } = url.protocol === 'http:' ? http : https
  return request(url, { ...options, method, ...(signal ? { signal } : {}) }, answered)
}

/** Where one connection has gone silent, its idle neighbours are not to be trusted either. */
export function dropIdle(pool: http.Agent): void {
  for (const sockets of Object.values(pool.freeSockets)) {
    for (const socket of sockets ?? []) socket.destroy()
  }
}
