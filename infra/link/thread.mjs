// Begins the thread of the link. A worker thread does not inherit its parent's way of running TypeScript, and `--import tsx`
// does nothing in one: here it is set up again, where Node (before 22.18) cannot strip types itself.
import process from 'node:process'
import { fileURLToPath } from 'node:url'

if (!process.features.typescript) {
  const { register } = await import('tsx/esm/api')
  register({ tsconfig: fileURLToPath(new URL('../../tsconfig.json', import.meta.url)) })
}
await import('./thread.ts')
