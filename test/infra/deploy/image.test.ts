/** The Dockerfile, without a container engine: judged by a linter, and built and started step by step in an empty folder. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Copy, DockerfileParser, From } from 'dockerfile-ast'
import { validate } from 'dockerfile-utils'
import { needs } from '../../support/capabilities.ts'
import { herald, readyz } from '../../support/cli.ts'
import { type Built, buildImage } from '../../support/dockerfile.ts'
import { privateRedis } from '../../support/redis.ts'
import { undoing } from '../../support/undo.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const text = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
const instructions = DockerfileParser.parse(text).getInstructions()
const runs = instructions.filter(one => one.getKeyword() === 'RUN').map(String)

test('the Dockerfile has nothing that the linter minds', () => {
  assert.deepEqual(validate(text), [])
  assert.notDeepEqual(validate(text.replace('WORKDIR /app', 'WORKDIR')), [], 'it does mind')
})

test('every base image has a tag, and both stages have the same, or the native module would not load', () => {
  const bases = instructions.filter(one => one instanceof From).map(from => from.getImage())
  assert.equal(bases.length, 2)
  assert.equal(new Set(bases).size, 1)
  assert.match(bases[0] ?? '', /^node:\d+-.+-slim$/)
})

test('packages are installed without recommendations, and their lists do not stay', () => {
  for (const run of runs.filter(line => line.includes('apt-get install'))) {
    assert.match(run, /apt-get update && .*--no-install-recommends .*rm -rf \/var\/lib\/apt\/lists/)
  }
})

test('it does not run as root, and says so by number', () => {
  const last = instructions.filter(one => one.getKeyword() === 'USER').at(-1)
  assert.equal(last?.getArgumentsContent(), '1000:1000')
})

test('only what is copied reaches the builder', () => {
  const ignored = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n')
  assert.equal(
    ignored.find(line => line !== '' && !line.startsWith('#')),
    '*',
  )
  const admitted = ignored.filter(line => line.startsWith('!')).map(line => line.slice(1))
  const copied = instructions
    .filter(one => one instanceof Copy)
    .filter(copy => !copy.getFromFlag())
    .flatMap(copy => copy.getArguments().slice(0, -1).map(String))
  assert.deepEqual(new Set(copied), new Set(admitted))
  for (const name of copied) assert.ok(existsSync(join(ROOT, name)), `${name} is there`)
})

/** Where the headers of this Node lie. In the image: /usr/local. */
const nodedir = [resolve(process.execPath, '../..'), '/usr', '/usr/local'].find(folder =>
  existsSync(join(folder, 'include/node/node_version.h')),
)

describe('the image, built step by step', needs('registry', 'ipv6', 'redis'), () => {
  const t = undoing({ after })
  let image: Built

  before(async () => {
    assert.ok(nodedir, 'the headers of Node are here: raw-socket was built with them')
    image = await buildImage(t, { text, context: ROOT, nodedir })
  })

  test('nothing is left out but what would change this machine', () => {
    assert.equal(image.leftOut.length, 2)
    assert.match(image.leftOut[0] ?? '', /^apt-get update/)
    assert.match(image.leftOut[1] ?? '', /^rm -rf \/usr\/local\/lib\/node_modules/)
  })

  test('holds no development packages, none twice, no tests, and less than 75 MB beside Node', t => {
    const names = readdirSync(join(image.folder, 'node_modules'))
    for (const name of ['typescript', 'esbuild', 'kubernetes-models', '@biomejs', 'zod']) {
      assert.ok(!names.includes(name), name)
    }
    assert.ok(!existsSync(join(image.folder, 'test')))
    const [kib] = execFileSync('du', ['-sk', image.folder], { encoding: 'utf8' }).split('\t')
    t.diagnostic(`${Math.round(Number(kib) / 1024)} MB beside Node`)
    assert.ok(Number(kib) < 75_000, `${kib} KiB`)
  })

  test('has every package that is loaded when it is asked for, and raw-socket compiled', () => {
    const needed = JSON.parse(readFileSync(join(image.folder, 'package.json'), 'utf8'))
    const names = Object.keys({ ...needed.dependencies, ...needed.optionalDependencies })
    assert.ok(names.includes('raw-socket') && names.includes('koffi'), names.join())
    const script = `await Promise.all(${JSON.stringify(names)}.map(name => import(name)))`
    const load = ['--input-type=module', '-e', script]
    execFileSync(process.execPath, load, { cwd: image.folder, stdio: 'pipe' })
  })

  test('starts as herald, whose help names the processes', () => {
    const env = { ...process.env, ...image.environment }
    const [entry = ''] = image.argv
    const said = execFileSync(entry, ['--help'], { env, cwd: '/', encoding: 'utf8' })
    for (const name of ['watcher', 'allocator', 'announcer']) assert.match(said, RegExp(name))
  })

  test('runs an allocator and a console with the queues, which end when they are asked to', async t => {
    const scope = undoing(t)
    const redis = await privateRedis(scope)
    const program = realpathSync(join(image.folder, 'bin', image.argv[0] ?? ''))
    assert.ok(program.startsWith(image.folder), 'from the image, not from the checkout')
    const environment = {
      ...image.environment,
      HERALD_HEALTH_ADDRESS: '127.0.0.1:0',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
    }
    const run = (...args: string[]) =>
      herald(scope, [...args, '--redis-url', redis.path], environment, program)
    const allocator = run('allocator')
    const console = run('console', '--console-address', '127.0.0.1:0')
    await readyz(allocator, 200)
    await readyz(console, 200)
    const served = console.lines().find(line => 'address' in line)?.address
    assert.match(await (await fetch(`${served}queues`)).text(), /Herald \(read only\)/)
    for (const cli of [allocator, console]) {
      assert.equal((await cli.stop('SIGTERM')).code, 0)
      assert.doesNotMatch(cli.said(), /no traces/, 'what traces need is there')
    }
  })
})
