/** TCP resets under TLS: only the socket that carries the encrypted one can send them. */
import type { Server } from 'node:https'
import type { Socket } from 'node:net'

const carriers = new WeakMap<Socket, Socket>()

/** To be called before the first connection. */
export function rememberCarriers(server: Server, sockets: ReadonlySet<Socket>): void {
  server.on('secureConnection', encrypted => {
    const carrier = [...sockets].find(one => one.remotePort === encrypted.remotePort)
    if (carrier) carriers.set(encrypted, carrier)
  })
}

/** Ends the connection with RST instead of FIN. */
export function reset(encrypted: Socket | null): void {
  if (encrypted) (carriers.get(encrypted) ?? encrypted).resetAndDestroy()
}
