/**
 * The package `raw-socket`, an optional dependency: it is compiled when it is installed, and where that failed there is IPv4
 * alone. Loaded only when it is needed. It works on the main thread only, and garbage collection of its objects closes their
 * descriptors without a word: whoever opens one keeps it.
 */
import { createRequire } from 'node:module'

export interface RawSocket {
  /** Message without the IPv6 header, valid during the call; source address as text, without zone. */
  on(event: 'message', listener: (message: Buffer, source: string) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  /** Throws when the kernel refuses. */
  setOption(level: number, option: number, value: Buffer, length: number): void
  setOption(level: number, option: number, value: number): void
  send(
    message: Buffer,
    offset: number,
    length: number,
    to: string,
    sent: (error: Error | null) => void,
  ): unknown
  close(): unknown
}

interface RawSocketPackage {
  createSocket(options: { protocol: number; addressFamily: number; bufferSize: number }): RawSocket
}

const ICMPV6 = 58
const IPV6 = 2
/** Longer than any message that is answered, so that what is too long is seen to be. */
const BUFFER_LENGTH = 2048

/** Why it cannot be loaded, as a text, if so. */
export function loadRawSocket(): (() => RawSocket) | string {
  try {
    const loaded: RawSocketPackage = createRequire(import.meta.url)('raw-socket')
    return () =>
      loaded.createSocket({ protocol: ICMPV6, addressFamily: IPV6, bufferSize: BUFFER_LENGTH })
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''
  }
}
