/**
 * Runs simulated schedules: `node --import tsx test/functions/liveness/simulate.ts [count] [first seed]`, or
 * `--seed N` to replay one and read what happened.
 */
import { simulate } from './schedule.ts'

const argument = process.argv[2] ?? '10000'
if (argument === '--seed') {
  const found = simulate(Number(process.argv[3]), { verbose: true })
  for (const line of found?.story ?? []) console.log(line)
  console.log(found ? `violated ${found.violation}` : 'everything held')
  process.exitCode = found ? 1 : 0
} else {
  const beganMs = performance.now()
  const failed: string[] = []
  const first = Number(process.argv[3] ?? 1)
  for (let seed = first; seed < first + Number(argument); seed++) {
    const found = simulate(seed)
    if (found) failed.push(`--seed ${seed}: ${found.violation}`)
  }
  for (const line of failed.slice(0, 40)) console.log(line)
  const seconds = ((performance.now() - beganMs) / 1000).toFixed(1)
  console.log(`${argument} schedules, ${failed.length} failed, ${seconds} s`)
  process.exitCode = failed.length > 0 ? 1 : 0
}
