/**
 * What it takes to start: how long until each process says that it has, what of that the processor was busy with it (on a machine that
 * does other things, this is the one to look at), and what memory it keeps when it has had nothing to do for 15 seconds;
 * beside a Node that does nothing, in the same run. Medians of several starts. Argument: a git ref, to see that version too.
 */
import { accessSync, constants } from 'node:fs'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { dyingWithParent, keepRunning } from '../../infra/child.ts'
import { readCrds } from '../../infra/deploy/manifests.ts'
import { apiServer } from '../support/apiserver.ts'
import { keptLog } from '../support/log.ts'
import { versionOf } from '../support/previous.ts'
import { processorMs, residentMiB } from '../support/proc.ts'
import { privateRedis } from '../support/redis.ts'
import { segment } from '../support/segment.ts'
import { undoing } from '../support/undo.ts'
import { until } from '../support/until.ts'
import { resourceOf } from '../support/watching.ts'

const STARTS = 3
/** The announcer looks every 10 s whether there is garbage to collect. */
const REST_MS = 15_000
const PROCESSES = ['watcher', 'allocator', 'announcer', 'console'] as const
const NOTHING = `console.log('{"msg":"started"}'); setInterval(() => {}, 1000)`

const endings: (() => unknown)[] = []
const scope = undoing({ after: ending => void endings.push(ending) })
const ref = process.argv[2]
const ours = fileURLToPath(new URL('../../workers/herald.mjs', import.meta.url))
const programs = [
  { version: '', program: ours },
  ...(ref ? [{ version: ` of ${ref}`, program: versionOf(scope, ref) }] : []),
]
const redis = await privateRedis(scope)
const api = await apiServer(scope)
for (const definition of readCrds()) api.store.create(resourceOf(definition), definition)
const host = await (await segment(scope)).host('node', '10.7.0.1/24')
const environment = {
  HERALD_REDIS_URL: redis.path,
  HERALD_KUBECONFIG: api.kubeconfigPath,
  HERALD_NODE_NAME: 'node',
  HERALD_CONSOLE_ADDRESS: '127.0.0.1:0',
  HERALD_HEALTH_ADDRESS: 'off',
}

const runs = [
  { name: 'a Node that does nothing', argv: [process.execPath, '-e', NOTHING] },
  ...programs.flatMap(({ version, program }) =>
    PROCESSES.map(name => ({
      name: `${name}${version}`,
      argv: [...(name === 'announcer' ? host.enter : []), ...byName(program), name],
    })),
  ),
].map(run => ({ ...run, ms: [] as number[], busyMs: [] as number[], mib: [] as number[] }))

for (let start = 0; start < STARTS; start++) for (const run of runs) await once(run)
const width = Math.max(...runs.map(({ name }) => name.length))
const of = (list: readonly number[], unit: string) =>
  `${median(list).toFixed(0).padStart(5)} ${unit}`
for (const { name, ms, busyMs, mib } of runs) {
  console.log(
    `${name.padEnd(width)}${of(ms, 'ms')}, ${of(busyMs, 'ms of processor')}, ${of(mib, 'MiB')}`,
  )
}
for (const ending of endings.reverse()) await ending()

/** Starts it, lets it rest, and ends it. */
async function once({ name, argv, ms, busyMs, mib }: (typeof runs)[number]): Promise<void> {
  const said: string[] = []
  let startedMs = 0
  const beginMs = performance.now()
  const child = keepRunning({
    name,
    argv: [...dyingWithParent('KILL'), ...argv],
    environment,
    log: keptLog(),
    onLine(line) {
      said.push(line)
      if (startedMs > 0 || !line.includes('"msg":"started"')) return
      startedMs = performance.now()
      busyMs.push(processorMs(child.pid()))
    },
  })
  try {
    await until(`${name} has started`, () => startedMs > 0, 60_000)
    await after(REST_MS)
    ms.push(startedMs - beginMs)
    mib.push(residentMiB(child.pid()))
  } catch (error) {
    throw new Error(`${error}\n${said.join('\n')}`)
  } finally {
    await child.stop()
  }
}

/** As its first line has it, which gives Node its options; an earlier version could not be run by its name. */
function byName(program: string): readonly string[] {
  try {
    accessSync(program, constants.X_OK)
    return [program]
  } catch {
    return [process.execPath, program]
  }
}

function median(list: readonly number[]): number {
  return [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0
}
