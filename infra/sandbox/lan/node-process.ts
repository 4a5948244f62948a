import { fileURLToPath } from 'node:url'
import { type Child, dyingWithParent, keepRunning } from '../../child.ts'
import type { Logger } from '../../log.ts'
import { besides, typescriptArguments } from '../../programs.ts'
import type { Lan } from './lan.ts'
import type { NodeReport, NodeState } from './node.ts'

export interface NodeProcess extends Child {
  /** Wants this of the node, now and after every restart of its process; of several at once the last counts. */
  tell(state: NodeState): void
}

/** Runs node.ts inside the network namespace of a node of the LAN. */
export function runNode(lan: Lan, host: string, log: Logger): NodeProcess {
  let wanted: NodeState | null = null
  let busy = false
  let stdin: NodeJS.WritableStream | null = null
  let reported = ''
  const send = () => {
    if (!wanted || !stdin || busy) return
    busy = true
    stdin.write(`${JSON.stringify(wanted)}\n`)
  }
  const heard = (line: string) => {
    if (!line.startsWith('{"revision"')) return log.warn({ node: host, line }, 'said by a node')
    const report = JSON.parse(line) as NodeReport
    const text = report.faults.join('; ')
    if (text && text !== reported) log.warn({ node: host, faults: report.faults }, 'a node cannot')
    reported = text
    busy = false
    if (wanted && wanted.revision !== report.revision) send()
  }
  const child = keepRunning({
    name: host,
    argv: [...lan.enter(host), ...dyingWithParent('KILL'), ...NODE],
    log,
    onLine: heard,
    onStart(input) {
      stdin = input
      busy = false
      send()
    },
  })
  return {
    ...child,
    tell(state) {
      wanted = state
      send()
    },
  }
}

const NODE = [
  process.execPath,
  ...typescriptArguments(),
  fileURLToPath(besides('node', import.meta.url)),
]
