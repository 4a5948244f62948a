/** Herald's processes as they are, started for a test and ended with it. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, dyingWithParent, keepRunning } from '../../infra/child.ts'
import type { Checks } from '../../infra/process.ts'
import { eventually } from './eventually.ts'
import { keptLog } from './log.ts'
import type { Scope } from './undo.ts'

export interface Member {
  readonly command: 'watcher' | 'allocator' | 'announcer'
  /** For an announcer the name of its node. Default: the command. */
  readonly name?: string
  /** Put before the command: how to enter a namespace. */
  readonly enter?: readonly string[]
  /** The `herald.mjs` of another version. Default: ours. */
  readonly program?: string
}

export interface CrewOptions {
  /** Each keeps its state in a folder of its own in here. */
  readonly folder: string
  readonly redisUrl: string
  readonly kubeconfig: string
  /** Each line that one of them writes. */
  readonly onLine?: (line: string) => void
}

const HERALD = fileURLToPath(new URL('../../workers/herald.mjs', import.meta.url))

/** Starts them all and waits until each says that it can do its job. HERALD_TEST_LOG=1 shows what they write. */
export async function crew(
  t: Scope,
  members: readonly Member[],
  options: CrewOptions,
): Promise<Child[]> {
  const children = members.map(member => start(member, options))
  t.after(() => Promise.all(children.map(child => child.stop())))
  await allReady(children)
  return children
}

/** One of the crew ends as planned, and this one takes its place under its name. */
export async function relieve(
  children: Child[],
  member: Member,
  options: CrewOptions,
): Promise<void> {
  const at = children.findIndex(({ name }) => name === (member.name ?? member.command))
  await children[at]?.stop()
  const child = start(member, options)
  children[at] = child
  await allReady([child])
}

const allReady = (children: readonly Child[]) =>
  eventually(async () => {
    for (const child of children) await assertReady(child)
  }, 60_000)

function start(member: Member, options: CrewOptions): Child {
  const { command, name = command, enter = [], program = HERALD } = member
  return keepRunning({
    name,
    argv: [...enter, ...dyingWithParent('KILL'), process.execPath, program, command],
    environment: {
      HERALD_REDIS_URL: options.redisUrl,
      HERALD_KUBECONFIG: options.kubeconfig,
      HERALD_NODE_NAME: name,
      HERALD_STATE_DIR: join(options.folder, name),
      HERALD_HEALTH_ADDRESS: 'off',
      HERALD_LOG_LEVEL: 'warn',
    },
    log: keptLog(),
    onLine(line) {
      options.onLine?.(`${name}: ${line}`)
      if (process.env.HERALD_TEST_LOG) console.error(line)
    },
    askable: true,
  })
}

/** Throws with what it lacks while it cannot do its job. */
export async function assertReady(child: Child): Promise<void> {
  const checks = (await child.ask('ready?')) as Checks | null
  const lacks = Object.entries(checks ?? { answer: 'none' }).filter(([, why]) => why !== null)
  if (lacks.length > 0)
    throw new Error(`${child.name}: ${lacks.map(one => one.join(': ')).join('; ')}`)
}
