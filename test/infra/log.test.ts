import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { typescriptArguments } from '../../infra/programs.ts'

const MODULE = fileURLToPath(new URL('../../infra/log.ts', import.meta.url))
const FAULT = fileURLToPath(new URL('../../functions/model/fault.ts', import.meta.url))

/** What a process writes that runs this with a `log`; a line each. */
function written(body: string, level = 'info'): Record<string, unknown>[] {
  const program = `import { openLog } from ${JSON.stringify(MODULE)}
import { Fault } from ${JSON.stringify(FAULT)}
const log = openLog({ level: '${level}', process: 'watcher' })
${body}`
  const args = [...typescriptArguments(), '--input-type=module', '--eval', program]
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  assert.equal(stderr, '')
  return stdout
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Record<string, unknown>)
}

test('an event is one JSON line: level as a word, time, process, message, fields', () => {
  const [line] = written(`log.child({ queue: 'q' }).warn({ key: 'a' }, 'said')`)
  const { time, pid, ...rest } = line ?? {}
  assert.deepEqual(rest, { level: 'warn', process: 'watcher', queue: 'q', key: 'a', msg: 'said' })
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.ok(Number.isInteger(pid))
})

test('what is below the level is not written', () => {
  assert.equal(
    written(`log.debug({}, 'a'); log.info({}, 'b'); log.warn({}, 'c')`, 'warn').length,
    1,
  )
})

test('secrets never appear, whether in a field, deeper, in an error or within a URL', () => {
  const lines = written(`
log.info({ password: 'geheim', token: 'geheim', authorization: 'geheim', privateKey: 'geheim' }, 'a')
log.info({ redis: { password: 'geheim' }, user: { token: 'geheim' } }, 'b')
log.info({ url: 'redis://user:geheim@host:1' }, 'c')
log.info({ error: new Error('cannot reach rediss://:geheim@host') }, 'd')
log.info({}, 'unix://u:geheim@/run/redis.sock')`)
  assert.equal(lines.length, 5)
  assert.doesNotMatch(JSON.stringify(lines), /geheim/)
  assert.equal(lines[2]?.url, 'redis://…@host:1')
})

test('a fault and an error of the system are a message, a bug has its stack', () => {
  const [fault, system, bug] = written(`
log.info({ error: new Fault('Code', { what: 'a', why: 'b', remedy: 'c' }) }, 'fault')
log.info({ error: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }) }, 'system')
log.info({ error: new TypeError('bug') }, 'bug')`)
  assert.equal(fault?.error, 'a: b. c. [Code]')
  assert.equal(system?.error, 'refused')
  assert.match(String(bug?.error), /^TypeError: bug\n +at /)
})
