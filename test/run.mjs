// Runs the tests with node's own runner: all of them, or those whose path contains one of the arguments.
//   npm test                    everything
//   npm test -- claim arp       only files with "claim" or "arp" in their path
// Ends with the counts, and what failed or was skipped; exit code 1 if anything failed.
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { relative } from 'node:path'
import process from 'node:process'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FILE_LIMIT_MS = 8 * 60_000
/** Begun first: whichever is begun last is waited for alone. */
const LONGEST = [
  'soak',
  'rolling',
  'announcing',
  'watching-two',
  'allocating-fire',
  'member',
  'schedules',
]

process.chdir(ROOT)
const words = process.argv.slice(2)
const files = readdirSync('test', { recursive: true })
  .map(path => `test/${path}`)
  .filter(path => path.endsWith('.test.ts'))
  .filter(path => words.length === 0 || words.some(word => path.includes(word)))
  .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
if (files.length === 0) {
  console.error(`No test file has ${words.map(word => `"${word}"`).join(' or ')} in its path.`)
  process.exit(2)
}

// The runner's children inherit this: every test file is TypeScript.
process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --import ${import.meta.resolve('./support/typescript.mjs')}`

const begunMs = Date.now()
const counts = { passed: 0, failed: 0, skipped: 0 }
const skips = []
const failures = []
const tests = run({
  files,
  // Two more than there are cores: these tests wait for timers and processes more than they compute, and the soak most.
  concurrency: Math.max(2, availableParallelism()) + 2,
  timeout: FILE_LIMIT_MS,
})
tests.on('test:pass', test => {
  if (test.skip !== undefined) {
    counts.skipped++
    skips.push(`${place(test)}: ${test.skip}`)
  } else if (isLeaf(test)) counts.passed++
})
tests.on('test:fail', test => {
  process.exitCode = 1
  if (test.details?.error?.failureType === 'subtestsFailed') return // they speak for themselves
  counts.failed++
  failures.push(place(test))
})
tests.on('end', () => {
  const seconds = ((Date.now() - begunMs) / 1000).toFixed(1)
  const { passed, failed, skipped } = counts
  const lines = [
    '',
    ...failures.map(failure => `  failed: ${failure}`),
    ...skips.map(skip => `  skipped: ${skip}`),
    `${files.length} files in ${seconds} s`,
    `tests: ${passed} passed, ${failed} failed, ${skipped} skipped`,
  ]
  setImmediate(() => console.log(lines.join('\n')))
})
tests.compose(new spec()).pipe(process.stdout)

/** A suite, or the file itself, is not a test of its own. */
function isLeaf(test) {
  return test.details?.type !== 'suite' && !files.includes(relative(ROOT, test.name))
}

function rank(path) {
  const at = LONGEST.findIndex(name => path.endsWith(`/${name}.test.ts`))
  return at < 0 ? LONGEST.length : at
}

function place(test) {
  return `${test.file ? relative(ROOT, test.file) : ''} ${test.name}`
}
