/**
 * An HTTPS server that answers as the test says, byte by byte: for what a well-behaved API server never does,
 * such as half a line of JSON. Stopped when the test ends.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { makeCertificates } from '../../infra/certificates.ts'
import type { Scope } from './undo.ts'

export interface Question {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly atMs: number
}

export interface ScriptedApi {
  readonly url: string
  readonly kubeconfig: string
  readonly folder: string
  readonly ca: string
  readonly asked: Question[]
  connections(): number
  /** Replaces the script. */
  answer(script: Script): void
  /** Cuts every connection and refuses new ones. */
  stop(): Promise<void>
  start(): Promise<void>
}

export type Script = (question: Question, response: ServerResponse) => void

export async function scriptedApi(
  t: Scope,
  script: Script = (_, response) => json(response, {}),
): Promise<ScriptedApi> {
  const folder = mkdtempSync(join(tmpdir(), 'herald-api-'))
  const { certificate: cert, key, ca } = makeCertificates(['127.0.0.1'])
  const asked: Question[] = []
  const sockets = new Set<Duplex>()
  let connections = 0
  let port = 0
  let current = script
  const server = createServer({ cert, key }, async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const { method = '', headers } = request
    const url = new URL(request.url ?? '/', 'https://127.0.0.1')
    const question = { method, url, headers, body, atMs: performance.now() }
    asked.push(question)
    current(question, response)
  })
  server.on('connection', socket => {
    connections++
    sockets.add(socket)
    socket.on('error', () => {}) // cut on purpose
    socket.on('close', () => sockets.delete(socket))
  })
  const start = () =>
    new Promise<void>(resolve => {
      server.listen(port, '127.0.0.1', () => {
        port = (server.address() as AddressInfo).port
        resolve()
      })
    })
  const stop = () =>
    new Promise<void>(resolve => {
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
  await start()
  t.after(async () => {
    await stop()
    rmSync(folder, { recursive: true, force: true })
  })
  const url = `https://127.0.0.1:${port}`
  const kubeconfig = join(folder, 'kubeconfig')
  writeFileSync(kubeconfig, kubeconfigText({ url, ca, token: 'secret' }))
  return {
    url,
    kubeconfig,
    folder,
    ca,
    asked,
    connections: () => connections,
    answer(next) {
      current = next
    },
    stop,
    start,
  }
}

export function kubeconfigText(about: { url: string; ca: string; token: string }): string {
  const { url, ca, token } = about
  const data = Buffer.from(ca).toString('base64')
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: url, 'certificate-authority-data': data } }],
    users: [{ name: 'u', user: { token } }],
    contexts: [{ name: 'home', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'home',
  })
}

export function json(
  response: ServerResponse,
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}

/** A failure as Kubernetes words it. */
export function failure(
  response: ServerResponse,
  code: number,
  reason: string,
  headers: Record<string, string> = {},
): void {
  json(response, status(code, reason), code, headers)
}

export const status = (code: number, reason: string) => ({
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  code,
  reason,
  message: `scripted ${reason}`,
})
