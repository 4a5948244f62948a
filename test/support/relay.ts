import { readFileSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer, connect as dial, type Socket } from 'node:net'
import type { Scope } from './undo.ts'

/** A way to an API server of one client's own, which can be cut while others still reach it. */
export interface Relay {
  readonly kubeconfigPath: string
  /** Connections asked for so far. */
  asked(): number
  /** Ends all connections; refuses new ones, or (silent) takes them and says nothing. */
  cut(how?: 'refuse' | 'silent'): void
  mend(): void
}

/** `kubeconfigPath` of the server; ours stands beside it. A connection gets through to it only after `lateMs`. */
export async function relayTo(
  t: Scope,
  kubeconfigPath: string,
  name: string,
  lateMs = 0,
): Promise<Relay> {
  const text = readFileSync(kubeconfigPath, 'utf8')
  const [, port = ''] = /https:\/\/127\.0\.0\.1:(\d+)/.exec(text) ?? []
  const sockets = new Set<Socket>()
  let state: 'open' | 'refuse' | 'silent' = 'open'
  let asked = 0
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {}) // cut on purpose
    socket.on('close', () => sockets.delete(socket))
  }
  const server = createServer(near => {
    asked++
    keep(near)
    if (state === 'refuse') return near.destroy()
    if (state === 'silent') return
    const far = dial(Number(port), '127.0.0.1')
    keep(far)
    far.pipe(near)
    if (lateMs === 0) near.pipe(far)
    else setTimeout(() => near.pipe(far), lateMs)
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const own = `${kubeconfigPath}-${name}`
  writeFileSync(own, text.replace(port, String((server.address() as AddressInfo).port)))
  return {
    kubeconfigPath: own,
    asked: () => asked,
    cut(how = 'refuse') {
      state = how
      for (const socket of sockets) socket.destroy()
    },
    mend() {
      state = 'open'
      for (const socket of sockets) socket.destroy()
    },
  }
}
