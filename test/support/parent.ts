/** Keeps a child, says its process id, and waits to be killed. */
import { dyingWithParent, keepRunning } from '../../infra/child.ts'
import { keptLog } from './log.ts'

const child = keepRunning({
  name: 'child',
  argv: [...dyingWithParent('KILL'), 'sh', '-c', 'echo up; exec sleep 1000'],
  log: keptLog(),
  onLine: () => process.stdout.write(`${child.pid()}\n`),
})
