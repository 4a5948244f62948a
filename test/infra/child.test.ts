import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { dyingWithParent, endProcess, keepRunning } from '../../infra/child.ts'
import { typescriptArguments } from '../../infra/programs.ts'
import { keptLog } from '../support/log.ts'
import { until } from '../support/until.ts'

function keep(t: TestContext, ...argv: string[]) {
  const log = keptLog()
  const lines: string[] = []
  const child = keepRunning({ name: 'one', argv, log, onLine: line => lines.push(line) })
  t.after(() => child.stop())
  return { child, log, lines }
}

const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a process that is killed is started again, and its lines are heard', async t => {
  const { child, log, lines } = keep(t, 'sh', '-c', 'echo out; echo err >&2; exec sleep 1000')
  await until('both lines are heard', () => lines.length === 2)
  assert.deepEqual([...lines].sort(), ['err', 'out'])
  const first = child.pid()
  assert.ok(first)
  process.kill(first, 'SIGKILL')
  await until('it runs again', () => child.pid() !== null && child.pid() !== first)
  const { child: name, how } = log.lines[0]?.fields ?? {}
  assert.deepEqual({ name, how }, { name: 'one', how: 'SIGKILL' })
})

test('one that ends at once is waited for longer each time: no busy loop', async t => {
  const { log } = keep(t, 'sh', '-c', 'exit 3')
  await until('it ended four times', () => log.lines.length >= 4)
  const waits = log.lines.slice(0, 4).map(line => line.fields.waitMs)
  assert.deepEqual(waits, [200, 400, 800, 1600])
  assert.equal(log.lines[0]?.fields.how, 'exit code 3')
})

test('a command that does not exist is tried again, not thrown', async t => {
  const { log } = keep(t, '/nowhere/to/be/found')
  await until('it was tried twice', () => log.lines.length >= 2)
  assert.match(String(log.lines[0]?.fields.how), /ENOENT/)
})

test('stop ends it, and it is not started again', async t => {
  const { child, log, lines } = keep(t, 'sh', '-c', 'echo up; exec sleep 1000')
  await until('it is up', () => lines.length === 1)
  const pid = child.pid() ?? 0
  await child.stop()
  assert.ok(!alive(pid))
  assert.equal(child.pid(), null)
  assert.deepEqual(log.lines, [])
})

test('each question gets its own answer, in whatever order they come', async t => {
  const script = `
    const heard = []
    process.on('message', one => {
      if (heard.push(one) < 2) return
      for (const { id, question } of heard.reverse()) process.send({ id, answer: question + '!' })
    })
    console.log('up')`
  const lines: string[] = []
  const child = keepRunning({
    name: 'one',
    argv: [process.execPath, '-e', script],
    log: keptLog(),
    onLine: line => lines.push(line),
    askable: true,
  })
  t.after(() => child.stop())
  await until('it is up', () => lines.length === 1)
  const answers = await Promise.all([child.ask('one'), child.ask('two')])
  assert.deepEqual(answers, ['one!', 'two!'])
})

test('one that does not listen to SIGTERM is killed', async () => {
  const child = spawn('sh', ['-c', 'trap "" TERM; echo up; while :; do sleep 1; done'])
  await once(child.stdout, 'data')
  await endProcess(child)
  assert.equal(child.signalCode, 'SIGKILL')
})

test('it dies with its parent, even when that is killed', {
  skip: !dyingWithParent('KILL').length && 'a thing of Linux',
}, async t => {
  const script = fileURLToPath(new URL('../support/parent.ts', import.meta.url))
  const parent = spawn(process.execPath, [...typescriptArguments(), script])
  t.after(() => endProcess(parent))
  const lines = createInterface({ input: parent.stdout })
  const [line] = await once(lines, 'line')
  const pid = Number(line)
  assert.ok(alive(pid))
  parent.kill('SIGKILL')
  await until('the child is gone', () => !alive(pid))
})
