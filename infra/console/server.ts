/**
 * The console over HTTP: its page, what changes as server-sent events (HTML, "Server-sent events"), explanations, and
 * the queues. Everything may be read; only whoever shows the admin token may act upon queues.
 */
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { serve } from '@hono/node-server'
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { type SSEStreamingApi, streamSSE } from 'hono/streaming'
import { Fault } from '../../functions/model/fault.ts'
import type { Listen } from '../config/setting.ts'
import { comesFromElsewhere, isLocalName, showsToken } from './admin.ts'

export interface Told {
  readonly event: string
  readonly data: unknown
}

export interface ConsoleOptions {
  readonly listen: Listen
  /** Null: nobody may act. */
  readonly token: string | null
  /** Everything, for a page that has just come. */
  whole(): readonly Told[]
  /** What may be asked, as the command line asks it (client.ts). Each throws a Fault for what is not known. */
  readonly ask: {
    rows(kind: string): Promise<unknown>
    explained(kind: string, name: string): Promise<unknown>
    history(subject: string | undefined): Promise<unknown>
  }
  /** The first for everybody, the second for whoever shows the token. */
  readonly boards: { readonly reading: Hono; readonly acting: Hono | null }
}

export interface Console {
  readonly port: number
  /** To every page that is open. */
  say(told: Told): void
  pages(): number
  close(): void
}

const PAGES_MOST = 100
/** A page that has more than so many yet to take is cut off; it comes back and is told everything. */
const UNSENT_MOST = 200
const ALIVE_EVERY_MS = 10_000

/** Nothing from elsewhere, no script in the page itself, in no frame (Content Security Policy Level 3). */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
const TYPES = { html: 'text/html', css: 'text/css', js: 'text/javascript' } as const
const FILES = ['index.html', 'console.css', 'console.js', 'rows.js', 'pools.js'] as const

export async function serveConsole(options: ConsoleOptions): Promise<Console> {
  const { listen, boards, token } = options
  const pages = new Set<(told: Told) => void>()
  const app = new Hono()
  app.use(hardened, guard(options))
  for (const file of FILES) app.get(file === 'index.html' ? '/' : `/${file}`, page(file))
  app.get('/events', context => openPage(context, pages, options))
  app.get('/get/:kind', context =>
    answered(context, () => options.ask.rows(context.req.param('kind'))),
  )
  app.get('/explain/:kind/:name{.+}', context => {
    const { kind, name } = context.req.param()
    return answered(context, () => options.ask.explained(kind, name))
  })
  app.get('/history', context =>
    answered(context, () => options.ask.history(context.req.query('subject'))),
  )
  app.route('/queues', boards.reading)
  if (boards.acting) {
    app.use('/admin/*', async (context, next) => {
      if (showsToken(context.req.header('authorization'), token)) return next()
      context.header('www-authenticate', 'Basic realm="Herald admin token", charset="UTF-8"')
      return context.text('Any user name; the admin token as the password.', 401)
    })
    app.route('/admin/queues', boards.acting)
  } else {
    app.get('/admin/*', context =>
      context.text('Nobody may act here: the console was given no admin token.', 403),
    )
  }
  return new Promise((resolve, reject) => {
    const server = serve(
      { fetch: app.fetch, hostname: listen.host, port: listen.port },
      (address: AddressInfo) =>
        resolve({
          port: address.port,
          say: told => {
            for (const tell of pages) tell(told)
          },
          pages: () => pages.size,
          close() {
            server.close()
            if ('closeAllConnections' in server) server.closeAllConnections()
          },
        }),
    )
    server.once('error', cause => reject(cannotListen(listen, cause)))
  })
}

function guard({ listen }: ConsoleOptions): MiddlewareHandler {
  const local = isLocalName(addressText(listen))
  return async (context, next) => {
    const { method } = context.req
    if (local && !isLocalName(context.req.header('host'))) {
      return context.text('This console answers to localhost only.', 403)
    }
    if (method !== 'GET' && method !== 'HEAD') {
      if (!context.req.path.startsWith('/admin/')) {
        return context.text('Reading only: act under /admin/queues, with the admin token.', 403)
      }
      if (comesFromElsewhere(name => context.req.header(name))) {
        return context.text('Sent by a page of another site.', 403)
      }
    }
    return next()
  }
}

/** Refusals too. */
const hardened: MiddlewareHandler = async (context, next) => {
  await next()
  context.header('x-content-type-options', 'nosniff')
  context.header('referrer-policy', 'no-referrer')
  context.header('x-frame-options', 'DENY')
}

function page(file: (typeof FILES)[number]) {
  const text = readFileSync(new URL(`./page/${file}`, import.meta.url), 'utf8')
  const type = TYPES[file.slice(file.lastIndexOf('.') + 1) as keyof typeof TYPES]
  return (context: Context) =>
    context.body(text, 200, {
      'content-type': `${type}; charset=utf-8`,
      'content-security-policy': POLICY,
      'cache-control': 'no-cache',
    })
}

async function answered(context: Context, ask: () => Promise<unknown>): Promise<Response> {
  try {
    return context.json((await ask()) as object)
  } catch (error) {
    if (error instanceof Fault) {
      const { code, what, why, remedy, message: trouble } = error
      return context.json({ trouble, fault: { code, what, why, remedy } }, 404)
    }
    const reason = error instanceof Error ? error.message : String(error)
    return context.json({ trouble: `It cannot be answered now: ${reason}` }, 503)
  }
}

function openPage(
  context: Context,
  pages: Set<(told: Told) => void>,
  options: ConsoleOptions,
): Response {
  if (context.req.method === 'HEAD') {
    return context.body(null, 200, { 'content-type': 'text/event-stream' })
  }
  if (pages.size >= PAGES_MOST) return context.text('Too many pages are open.', 503)
  return streamSSE(context, async stream => {
    const unsent: Told[] = [...options.whole()]
    let wake = () => {}
    const tell = (told: Told) => {
      unsent.push(told)
      if (unsent.length > UNSENT_MOST) cutOff()
      wake()
    }
    // What is being sent may never be taken: nothing is waited for.
    const cutOff = () => {
      pages.delete(tell)
      unsent.length = 0
      stream.abort()
    }
    pages.add(tell)
    stream.onAbort(() => wake())
    try {
      while (!stream.aborted) {
        for (const told of unsent.splice(0)) await send(stream, told)
        await new Promise<void>(resolve => {
          wake = resolve
          if (unsent.length > 0 || stream.aborted) resolve()
          else setTimeout(resolve, ALIVE_EVERY_MS).unref()
        })
        if (unsent.length === 0) unsent.push({ event: 'alive', data: null })
      }
    } finally {
      pages.delete(tell)
    }
  })
}

const send = (stream: SSEStreamingApi, { event, data }: Told): Promise<void> =>
  stream.writeSSE({ event, data: JSON.stringify(data) })

/** As wanted, or another port of the same host where somebody has that one. */
export async function freeAddress({ host, port }: Listen): Promise<Listen> {
  const bound = (wanted: number) =>
    new Promise<number | null>(resolve => {
      const server = createServer()
      server.once('error', () => resolve(null))
      server.listen(wanted, host, () => {
        const { port: found } = server.address() as AddressInfo
        server.close(() => resolve(found))
      })
    })
  return { host, port: (await bound(port)) ?? (await bound(0)) ?? port }
}

/** "host:port", as the setting is written. */
export const addressText = ({ host, port }: Listen): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`

export const urlOf = (listen: Listen): string => `http://${addressText(listen)}/`

function cannotListen({ host, port }: Listen, cause: Error): Fault {
  return new Fault('ConfigInvalid', {
    what: `The console cannot be served at ${host}:${port}`,
    why: cause.message,
    remedy: 'Give another --console-address (HERALD_CONSOLE_ADDRESS)',
    cause,
  })
}
