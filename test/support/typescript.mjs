// Loaded before whatever `npm test` starts: a program that is TypeScript can run then. The command `herald` sees to that
// itself, and runs what was built.
import process from 'node:process'
import { registerTypescript } from '../../infra/typescript.mjs'

if (/^$|\.ts$/.test(process.argv[1] ?? '')) await registerTypescript()
