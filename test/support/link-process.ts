/**
 * A link in a process of its own, for tests that put it into a network namespace. Each line on standard input is an order,
 * each line on standard output an answer; both JSON. It ends when standard input does.
 */
import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline'
import { rangesIn } from '../../functions/announce/windows.ts'
import type { Claim } from '../../functions/liveness/messages.ts'
import { Fault } from '../../functions/model/fault.ts'
import {
  type AnnouncedAddress,
  type LinkMember,
  openLink,
  type RedisReading,
  type Withheld,
} from '../../infra/link/link.ts'

export type LinkOrder =
  | { readonly do: 'set'; readonly addresses: readonly AnnouncedAddress[] }
  | { readonly do: 'announce' | 'begin'; readonly addresses: readonly string[] }
  | ({ readonly do: 'read' } & RedisReading)
  /** Entries of pools. */
  | { readonly do: 'bind'; readonly within: readonly string[] }
  | { readonly do: 'interfaces' | 'counters' | 'collect' | 'stop' | 'exit' | 'usage' }
  /** The main thread does nothing else meanwhile. */
  | { readonly do: 'block'; readonly ms: number }

const say = (fields: object) => process.stdout.write(`${JSON.stringify(fields)}\n`)
const log = (level: string) => (fields: object, message: string) =>
  say({ log: level, message, ...fields })
const { HERALD_TEST_ANSWERS, HERALD_TEST_MEMBER } = process.env
const excludeInterfaces = process.argv.slice(2).map(pattern => new RegExp(pattern))

try {
  const beganMs = performance.now()
  const link = await openLink({
    excludeInterfaces,
    ...(HERALD_TEST_MEMBER ? { member: memberOf(JSON.parse(HERALD_TEST_MEMBER)) } : {}),
    ...(HERALD_TEST_ANSWERS ? { answersPerSecond: Number(HERALD_TEST_ANSWERS) } : {}),
    log: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
    onInterfaces: interfaces => say({ changed: interfaces }),
  })
  say({ ready: performance.now() - beganMs, interfaces: link.interfaces() })
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line) as LinkOrder
    switch (order.do) {
      case 'set':
        link.set(order.addresses)
        break
      case 'announce':
        link.announce(order.addresses)
        break
      case 'bind':
        link.bind(rangesIn(order.within))
        break
      case 'begin':
        link.begin(order.addresses)
        break
      case 'read':
        link.read(order)
        break
      case 'interfaces':
        say({ interfaces: link.interfaces() })
        break
      case 'collect':
        link.collect()
        break
      case 'counters':
        say({ counters: await link.counters() })
        break
      case 'usage':
        say({ usage: process.cpuUsage(), handles: process.getActiveResourcesInfo() })
        break
      case 'block':
        for (const end = performance.now() + order.ms; performance.now() < end; );
        say({ unblocked: order.ms })
        break
      case 'exit':
        process.exit(3)
        break
      case 'stop': {
        const beganMs = performance.now()
        await link.stop()
        say({ stopped: performance.now() - beganMs })
      }
    }
  }
  await link.stop()
} catch (error) {
  if (!(error instanceof Fault)) throw error
  say({ fault: error.message, code: error.code })
}

function memberOf(given: {
  readonly node: string
  readonly remembered: readonly Claim[]
  readonly withheld: readonly Withheld[]
  readonly key: string
  readonly within?: readonly string[]
}): LinkMember {
  return {
    cluster: 'test',
    node: given.node,
    session: randomBytes(8).toString('hex'),
    remembered: given.remembered,
    withheld: given.withheld,
    bound: given.within ? rangesIn(given.within) : null,
    keys: [new TextEncoder().encode(given.key)],
    probe: { count: 3, intervalMs: 200 },
    onWithheld: (begun, ended) => say({ withheld: begun, ended }),
    onFound: finding => say({ found: finding }),
    onHears: nodes => say({ hears: nodes }),
    onCommand(command) {
      if (command.do === 'alarm') say({ alarm: command.reason, node: command.node })
    },
  }
}
