/**
 * GET /healthz and /readyz: 200 when every check holds, else 503; the body names each check and, where
 * it does not hold, why. A check that hangs for 2 s does not hold. GET /metrics: for Prometheus.
 */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as after } from 'node:timers/promises'
import { Fault } from '../functions/model/fault.ts'
import type { Listen } from './config/setting.ts'
import type { Metrics } from './metrics/metrics.ts'
import type { Checks } from './process.ts'

const PATIENCE_MS = 2000

export interface Health {
  /** The port in use, also when any free one was asked for. */
  readonly port: number
  close(): void
}

export async function serveHealth(
  listen: Listen,
  checks: { ready(): Promise<Checks> | Checks; alive(): Promise<Checks> | Checks },
  metrics: Pick<Metrics, 'scrape'>,
): Promise<Health> {
  const answer = (check: () => Promise<Checks> | Checks) => async (response: ServerResponse) => {
    const found = await inTime(check)
    const ok = Object.values(found).every(reason => reason === null)
    response.writeHead(ok ? 200 : 503, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ ok, checks: found }))
  }
  const pages = new Map([
    ['/healthz', answer(checks.alive)],
    ['/readyz', answer(checks.ready)],
    [
      '/metrics',
      async (response: ServerResponse) => {
        const { type, text } = await metrics.scrape()
        response.writeHead(200, { 'content-type': type }).end(text)
      },
    ],
  ])
  // Node's own, of which a process needs little more than it has: a framework for three pages loads 5 MB.
  const server = createServer((request, response) => {
    const page = pages.get(request.url?.split('?')[0] ?? '')
    const isAsked = request.method === 'GET' || request.method === 'HEAD'
    if (!page || !isAsked) response.writeHead(page ? 405 : 404).end()
    else page(response).catch(() => response.writeHead(500).end())
  })
  return new Promise((resolve, reject) => {
    server.once('error', cause => reject(cannotListen(listen, cause)))
    server.listen(listen.port, listen.host, () => {
      const { port } = server.address() as AddressInfo
      resolve({ port, close: () => server.close() })
    })
  })
}

async function inTime(check: () => Promise<Checks> | Checks): Promise<Checks> {
  const late = new AbortController()
  const patience = after(PATIENCE_MS, { answer: `no answer for ${PATIENCE_MS} ms` }, late)
  patience.catch(() => {}) // cancelled below
  try {
    return await Promise.race([check(), patience])
  } catch (error) {
    return { answer: error instanceof Error ? error.message : String(error) }
  } finally {
    late.abort()
  }
}

function cannotListen({ host, port }: Listen, cause: Error): Fault {
  return new Fault('HealthAddressUnusable', {
    what: `Health questions cannot be answered at ${host}:${port}`,
    why: cause.message,
    remedy: 'Give another --health-address (HERALD_HEALTH_ADDRESS), or "off"',
    cause,
  })
}
