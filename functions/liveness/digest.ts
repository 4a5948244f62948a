/**
 * The digest of a set of (group, epoch): a sum of hashes, so that it follows a change without a look at
 * the rest. It tells whether two copies agree; authentication is not its business.
 */
import type { Claim } from './messages.ts'

const MODULUS = 2 ** 48

export function plus(digest: number, claim: Claim): number {
  return (digest + hash(claim)) % MODULUS
}

export function minus(digest: number, claim: Claim): number {
  return (digest + MODULUS - hash(claim)) % MODULUS
}

/** FNV-1a, 32 bits, twice with different beginnings; 48 bits are kept. */
function hash({ group, epoch }: Claim): number {
  const text = `${group} ${epoch.number} ${epoch.node}`
  let [low, high] = [0x811c9dc5, 0x9747b28c]
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    low = Math.imul(low ^ code, 0x01000193)
    high = Math.imul(high ^ code, 0x01000193)
  }
  return (high & 0xffff) * 0x1_0000_0000 + (low >>> 0)
}
