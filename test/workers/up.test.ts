/** `herald up` and what joins in with it, as a user runs them. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { needs } from '../support/capabilities.ts'
import { eventually } from '../support/eventually.ts'

const HERALD = fileURLToPath(new URL('../../workers/herald.mjs', import.meta.url))
const NGINX = fileURLToPath(new URL('../../infra/sandbox/examples/nginx.yaml', import.meta.url))
const START_LIMIT_MS = 90_000
const BAD_POOL = `apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: bad, namespace: metallb-system}
spec: {addresses: [10.0.0.1]}
`

interface Run {
  readonly child: ChildProcess
  /** Everything it has written. */
  text(): string
  /** Its exit code. */
  readonly ended: Promise<number | null>
}

function herald(args: readonly string[], environment: Record<string, string> = {}): Run {
  const { REDIS_URL: _, ...inherited } = process.env
  const env = { ...inherited, ...environment }
  const child = spawn(process.execPath, [HERALD, ...args], { env, stdio: 'pipe' })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', chunk => {
      text += chunk
    })
  }
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return { child, text: () => text, ended }
}

async function says(run: Run, words: RegExp, limitMs = START_LIMIT_MS): Promise<void> {
  await eventually(() => assert.match(run.text(), words), limitMs)
}

function stateDir(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'herald-up-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Processes that have the state directory in their command line or environment. */
function processesOf(folder: string): string[] {
  return readdirSync('/proc').filter(pid => {
    if (!/^\d+$/.test(pid) || pid === String(process.pid)) return false
    const read = (file: string) => {
      try {
        return readFileSync(`/proc/${pid}/${file}`, 'utf8')
      } catch {
        return '' // gone meanwhile
      }
    }
    return read('cmdline').includes(folder) || read('environ').includes(folder)
  })
}

test(
  'the walkthrough holds, with the ConfigMap and with the objects',
  needs('netns', 'redis', 'kubectl'),
  async () => {
    const run = herald(['walkthrough'])
    assert.equal(await run.ended, 0, run.text())
    assert.match(run.text(), /With the ConfigMap of MetalLB 0\.7/)
    assert.match(run.text(), /With IPAddressPool and L2Advertisement/)
    assert.match(run.text(), /Everything held\.\n$/)
  },
)

test(
  'up: one at a time in a state directory; others join in; killed, it leaves nothing behind',
  needs('netns', 'redis', 'kubectl'),
  async t => {
    const folder = stateDir(t)
    const at = ['--state-dir', folder]
    const first = herald(['up', ...at])
    t.after(() => first.child.kill('SIGKILL'))
    await says(first, /Herald is up/)
    const [, console = ''] = /console: +(http:\S+)/.exec(first.text()) ?? []
    assert.match(await (await fetch(console)).text(), /<title>Herald<\/title>/)

    const second = herald(['up', ...at])
    assert.equal(await second.ended, 1)
    assert.match(second.text(), /is in use.*runs there already/)

    const bad = join(folder, 'bad.yaml')
    writeFileSync(bad, BAD_POOL)
    await eventually(async () => {
      const refused = herald(['kubectl', ...at, 'apply', '--dry-run=server', '-f', bad])
      assert.equal(await refused.ended, 1)
      assert.match(
        refused.text(),
        /admission webhook "configuration\.herald\.io" denied the request: spec\.addresses\[0\]: "10\.0\.0\.1" is a single address: write 10\.0\.0\.1\/32/,
      )
    }, 60_000)

    const applied = herald(['kubectl', ...at, 'apply', '-f', NGINX])
    assert.equal(await applied.ended, 0, applied.text())
    await eventually(async () => {
      const curl = herald(['client', ...at, 'curl', '-s', '-m', '2', 'http://192.168.50.211'])
      assert.equal(await curl.ended, 0)
      assert.match(curl.text(), /Welcome to nginx!/)
    }, 30_000)

    first.child.kill('SIGKILL')
    await first.ended
    await eventually(() => assert.deepEqual(processesOf(folder), []), 20_000)

    const orphan = herald(['client', ...at, 'true'])
    assert.equal(await orphan.ended, 1)
    assert.match(orphan.text(), /No "herald up" holds the state directory/)

    const third = herald(['up', ...at])
    t.after(() => third.child.kill('SIGKILL'))
    await says(third, /Herald is up/)
    const beganMs = performance.now()
    third.child.kill('SIGTERM')
    assert.equal(await third.ended, 0, third.text())
    assert.ok(performance.now() - beganMs < 10_000, 'it stops by itself, within its limit of 5 s')
    assert.doesNotMatch(third.text(), /not stopped in time/)
    await eventually(() => assert.deepEqual(processesOf(folder), []))
  },
)

test(
  'up: where there is no LAN it says why, and says what it would announce',
  needs('redis', 'kubectl'),
  async t => {
    const folder = stateDir(t)
    const run = herald(['up', '--state-dir', folder], { PATH: pathWithout('unshare', folder) })
    t.after(() => run.child.kill('SIGKILL'))
    await says(run, /Herald is up.*no LAN \(.*unshare/s)
    const applied = herald(['kubectl', '--state-dir', folder, 'apply', '-f', NGINX])
    assert.equal(await applied.ended, 0, applied.text())
    await says(run, /192\.168\.50\.211.*would announce it, if there were a LAN/)
    const client = herald(['client', '--state-dir', folder, 'true'])
    assert.equal(await client.ended, 1)
    assert.match(client.text(), /There is no client to run a command on/)
    run.child.kill('SIGTERM')
    assert.equal(await run.ended, 0, run.text())
  },
)

/** A PATH on which one command is missing. */
function pathWithout(command: string, folder: string): string {
  const bin = mkdtempSync(join(folder, 'bin-'))
  for (const name of ['redis-server', 'setpriv', 'env', 'sh', 'cat']) {
    const found = (process.env.PATH ?? '')
      .split(delimiter)
      .map(each => join(each, name))
      .find(each => existsSync(each))
    if (found && name !== command) symlinkSync(found, join(bin, name))
  }
  return bin
}
