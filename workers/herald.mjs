#!/usr/bin/env node
// The command `herald`. TypeScript runs as it is: Node strips the types itself from 22.18 on, tsx before.
import process from 'node:process'
import { fileURLToPath } from 'node:url'

if (!process.features.typescript) {
  const { register } = await import('tsx/esm/api')
  register({ tsconfig: fileURLToPath(new URL('../tsconfig.json', import.meta.url)) })
}
await import('./main.ts')
