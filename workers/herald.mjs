#!/usr/bin/env node
// The command `herald`: what `npm run build` made of the sources, or where they have changed since, the TypeScript itself.
import { isBuilt } from '../infra/built.mjs'
import { registerTypescript } from '../infra/typescript.mjs'

if (isBuilt()) await import('../dist/workers/main.js')
else {
  await registerTypescript()
  await import('./main.ts')
}
