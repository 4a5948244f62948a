/**
 * GET /healthz and /readyz: 200 when every check holds, else 503; the body names each check and, where
 * it does not hold, why. A check that hangs for 2 s does not hold. GET /metrics: for Prometheus.
 */
import type { AddressInfo } from 'node:net'
import { setTimeout as after } from 'node:timers/promises'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
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
  const app = new Hono()
  const answer = (path: string, check: () => Promise<Checks> | Checks) =>
    app.get(path, async context => {
      const found = await inTime(check)
      const ok = Object.values(found).every(reason => reason === null)
      return context.json({ ok, checks: found }, ok ? 200 : 503)
    })
  answer('/healthz', checks.alive)
  answer('/readyz', checks.ready)
  app.get('/metrics', async context => {
    const { type, text } = await metrics.scrape()
    return context.body(text, 200, { 'content-type': type })
  })

  return new Promise((resolve, reject) => {
    const server = serve(
      { fetch: app.fetch, hostname: listen.host, port: listen.port },
      (address: AddressInfo) => resolve({ port: address.port, close: () => server.close() }),
    )
    server.once('error', cause => reject(cannotListen(listen, cause)))
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
