// Loaded before whatever `npm test` starts: a program that is TypeScript can run then. The command `herald` sees to that
// itself, and runs what was built.
import process from 'node:process'
import { registerTypescript } from '../../infra/typescript.mjs'

if (/^$|\.ts$/.test(process.argv[1] ?? '')) await registerTypescript()

// A test file that does not end is stopped by the runner (run.mjs), and what it says then is lost: it says before what is open.
if (process.argv[1]?.endsWith('.test.ts')) {
  const tell = () => console.error(`still running; open are ${process.getActiveResourcesInfo()}`)
  setTimeout(tell, 7.5 * 60_000).unref()
}
