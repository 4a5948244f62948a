/**
 * Which addresses may be announced at all: what the pools of a cluster consist of, signed by a watcher (Ed25519, RFC 8032)
 * and numbered, so that whoever has Redis can neither add to it nor bring back an older one.
 */
import { type KeyObject, sign, verify } from 'node:crypto'
import { type AddressRange, contains, parseAddress, parseEntry } from '../model/address.ts'

export interface Windows {
  readonly cluster: string
  /** Grows with every change. */
  readonly version: number
  /** Entries of pools, as written: "a-b" or CIDR. */
  readonly addresses: readonly string[]
}

/** Of this layout, and no signature of anything else that the same key may sign. */
const CONTEXT = 'herald pool windows 1\n'

/** The signature and what it is of, as one line. */
export function signWindows(windows: Windows, key: KeyObject): string {
  const text = JSON.stringify(windows)
  const signature = sign(null, Buffer.from(CONTEXT + text), key)
  return `${signature.toString('base64')} ${text}`
}

/** Null for what this key has not signed for this cluster. */
export function readWindows(line: string, key: KeyObject, cluster: string): Windows | null {
  const space = line.indexOf(' ')
  const text = line.slice(space + 1)
  const signature = Buffer.from(line.slice(0, Math.max(space, 0)), 'base64')
  if (!verify(null, Buffer.from(CONTEXT + text), key, signature)) return null
  const windows = JSON.parse(text) as Windows
  return windows.cluster === cluster ? windows : null
}

/**
 * What is to be signed now; null: nothing new. While a part of the configuration is refused, its last good version is in
 * force, so that nothing is taken away then; and where that is not known, nothing is said.
 */
export function nextWindows(
  judged: { readonly addresses: readonly string[]; readonly refused: boolean },
  last: Windows | null,
  about: { readonly cluster: string; readonly nowMs: number },
): Windows | null {
  if (judged.refused && !last) return null
  const kept = judged.refused ? (last?.addresses ?? []) : []
  const addresses = [...new Set([...judged.addresses, ...kept])].sort()
  if (last && addresses.join() === last.addresses.join()) return null
  const version = Math.max(about.nowMs, (last?.version ?? 0) + 1)
  return { cluster: about.cluster, version, addresses }
}

export function rangesIn(addresses: readonly string[]): AddressRange[] {
  return addresses.flatMap(entry => {
    const range = parseEntry(entry)
    return 'reason' in range ? [] : [range]
  })
}

export function isWithin(text: string, ranges: readonly AddressRange[]): boolean {
  const address = parseAddress(text)
  return address !== null && ranges.some(range => contains(range, address))
}
