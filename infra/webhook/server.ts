/** Answers AdmissionReviews over HTTPS. Whatever goes wrong here is a 500, which failurePolicy Ignore lets pass. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { type Opinion, type Question, readReview, reviewOf } from '../../functions/admit/review.ts'
import type { KeyPair } from '../certificates.ts'
import type { Listen } from '../config/setting.ts'
import type { Logger } from '../log.ts'

export interface WebhookServer {
  readonly port: number
  /** Answers with another certificate from the next connection on. */
  use(pair: KeyPair): void
  close(): void
}

/** Two objects of the size that the API server takes at most, and what is around them. */
const BODY_MAX = 8 * 1024 * 1024
const REVIEW_PATH = '/validate'

export const reviewUrl = (host: string, port: number): string =>
  `https://${host.includes(':') ? `[${host}]` : host}:${port}${REVIEW_PATH}`

/** Rejects when the address cannot be had. */
export async function serveReviews(
  { host, port }: Listen,
  pair: KeyPair,
  judge: (question: Question) => Promise<Opinion>,
  log: Logger,
): Promise<WebhookServer> {
  const server = createServer({ cert: pair.certificate, key: pair.key }, (request, response) => {
    answer(request, response, judge).catch((error: unknown) => {
      log.warn({ error }, 'an admission review was not answered, and the API server lets it pass')
      if (response.headersSent) response.destroy()
      else response.writeHead(500).end()
    })
  })
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve())
  })
  server.on('error', (error: Error) => log.warn({ error }, 'the webhook server complains'))
  return {
    port: (server.address() as AddressInfo).port,
    use: next => server.setSecureContext({ cert: next.certificate, key: next.key }),
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  judge: (question: Question) => Promise<Opinion>,
): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'https://webhook')
  if (request.method === 'GET' && pathname === '/healthz') return send(response, 200, { ok: true })
  if (request.method !== 'POST' || pathname !== REVIEW_PATH) return send(response, 404, {})
  const body = await readBody(request)
  if (body === null) return send(response, 413, {})
  const question = readReview(parsed(body))
  if (!question) return send(response, 400, { error: 'this is no AdmissionReview' })
  send(response, 200, reviewOf(question, await judge(question)))
}

function send(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > BODY_MAX) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return null
  }
}
