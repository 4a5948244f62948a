// Begins the thread of the link where it is TypeScript: a worker thread does not inherit its parent's way of running that,
// and `--import tsx` does nothing in one.
import { registerTypescript } from '../typescript.mjs'

await registerTypescript()
await import('./thread.ts')
