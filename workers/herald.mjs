#!/usr/bin/env -S node --v8-pool-size=1
// One thread for what V8 does on the side: the garbage that each makes stays with it. A process keeps 10 MB less.
// The command `herald`: what `npm run build` made of the sources, or where they have changed since, the TypeScript itself.
import { isBuilt } from '../infra/built.mjs'
import { registerTypescript } from '../infra/typescript.mjs'

if (isBuilt()) await import('../dist/workers/main.js')
else {
  await registerTypescript()
  await import('./main.ts')
}
