// Loaded before whatever `npm test` starts: a program that is TypeScript can run then. The command `herald` sees to that
// itself, and runs what was built.
import assert, { AssertionError } from 'node:assert/strict'
import process from 'node:process'
import { registerTypescript } from '../../infra/typescript.mjs'

if (/^$|\.ts$/.test(process.argv[1] ?? '')) await registerTypescript()

// A test file that does not end is stopped by the runner (run.mjs), and what it says then is lost: it says before what is open.
if (process.argv[1]?.endsWith('.test.ts')) {
  const tell = () => console.error(`still running; open are ${process.getActiveResourcesInfo()}`)
  setTimeout(tell, 7.5 * 60_000).unref()
}

// Node looks up the words of an assertion that fails without a message, at a place that is not of the source but of what was made of
// it. Where that place is unlucky it reads nothing again and again, for minutes (findColumn in lib/assert.js).
assert.ok = (value, message) => {
  if (value) return
  if (message instanceof Error) throw message
  const given = { message: message ?? 'it does not hold', actual: value, expected: true }
  throw new AssertionError({ ...given, operator: '==', stackStartFn: assert.ok })
}
