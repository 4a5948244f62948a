import { createHash } from 'node:crypto'

/** A short name of what is said, the same from whoever says it: written twice it is written once. */
export const digest = (...parts: readonly string[]): string =>
  createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16)
